//! The BigQuery table that a run loads.

use serde::{Deserialize, Serialize};

/// A table of BigQuery, without partition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// Project.
    pub gcp_project: String,
    /// Dataset.
    pub dataset: String,
    /// Table.
    pub table: String,
}

impl Destination {
    /// Reads `project:dataset.table`, followed by anything behind a space.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_start().split([' ', ',', ']']).next()?;
        let (project, rest) = text.rsplit_once(':')?;
        let (dataset, table) = rest.split_once('.')?;
        let table = table.split('$').next()?;
        let fits = |part: &str| {
            !part.is_empty() && part.len() <= 1024 && part.chars().all(|c| c.is_alphanumeric() || "-_.:".contains(c))
        };
        let table = without_temporary(table);
        [project, dataset, table].into_iter().all(fits).then(|| Self {
            gcp_project: project.to_owned(),
            dataset: dataset.to_owned(),
            table: table.to_owned(),
        })
    }
}

/// Whether the table is one that embulk-output-bigquery makes to try the load out first.
pub fn is_rehearsal(destination: &str) -> bool {
    destination.contains("LOAD_REHEARSAL_")
}

/// The table behind `LOAD_TEMP_<uuid>_table`.
fn without_temporary(table: &str) -> &str {
    let marks = ["LOAD_TEMP_", "LOAD_REHEARSAL_"];
    let Some(rest) = marks.iter().find_map(|mark| table.strip_prefix(mark)) else { return table };
    // A UUID with `_` for `-`: 8, 4, 4, 4 and 12 hexadecimal digits.
    let is_uuid = |id: &str| {
        let parts: Vec<&str> = id.split('_').collect();
        parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
            && id.bytes().all(|b| b == b'_' || b.is_ascii_hexdigit())
    };
    match (rest.get(..36), rest.get(36..).and_then(|rest| rest.strip_prefix('_'))) {
        (Some(id), Some(name)) if is_uuid(id) && !name.is_empty() => name,
        _ => table,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables() {
        let table = |text: &str| Destination::parse(text).map(|found| (found.gcp_project, found.dataset, found.table));
        let known = |p: &str, d: &str, t: &str| Some((p.to_owned(), d.to_owned(), t.to_owned()));
        assert_eq!(table("p-1:shop.orders in US"), known("p-1", "shop", "orders"));
        assert_eq!(table("ex.com:p:shop.orders$20260302"), known("ex.com:p", "shop", "orders"));
        let temporary = "p:d.LOAD_TEMP_0a1b2c3d_0001_0002_0003_0123456789ab_orders";
        assert_eq!(table(temporary), known("p", "d", "orders"));
        assert_eq!(table("p:d.LOAD_TEMP_orders"), known("p", "d", "LOAD_TEMP_orders"));
        for bad in ["", "shop.orders", "p:shop", "p:shop.", "p:sh'op.orders;--"] {
            assert_eq!(table(bad), None, "{bad}");
        }
    }
}
