//! Tables: the answers of a panel's queries, merged by the labels that they share, as Grafana merges them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::answer::Series;
use crate::board::{list, text_of};

/// A row: field to text or number.
pub(crate) type Row = BTreeMap<String, Cell>;

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Text(String),
    Number(f64),
}

/// Rows of all queries, given as refId and answer.
pub(crate) fn rows(answers: &[(&str, &[Series])]) -> Vec<Row> {
    let mut merged: Vec<Row> = Vec::new();
    for (ref_id, series) in answers {
        let value = if answers.len() > 1 { format!("Value #{ref_id}") } else { "Value".to_owned() };
        let before = merged.len();
        for series in *series {
            let mut row: Row = series.labels.iter().map(|(k, v)| (k.clone(), Cell::Text(v.clone()))).collect();
            row.insert(value.clone(), Cell::Number(series.last()));
            let mut found = false;
            for earlier in merged[..before].iter_mut().filter(|earlier| fits(earlier, &row)) {
                earlier.extend(row.clone());
                found = true;
            }
            if !found {
                merged.push(row);
            }
        }
    }
    merged
}

/// Whether two rows agree in all labels that both have.
fn fits(one: &Row, other: &Row) -> bool {
    let mut shared = 0;
    let agree = one.iter().all(|(field, cell)| match other.get(field) {
        Some(theirs) if field != "__name__" => {
            shared += 1;
            theirs == cell
        }
        _ => true,
    });
    agree && shared > 0
}

/// A column: field, heading, unit, and the address that a click on it opens.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    pub(crate) field: String,
    pub(crate) heading: String,
    pub(crate) unit: String,
    pub(crate) link: Option<String>,
}

/// The columns that a panel shows, from left to right.
pub(crate) fn columns(panel: &Value) -> Vec<Column> {
    let transformations = list(&panel["transformations"]);
    let find = |id: &str| transformations.iter().find(|t| t["id"] == id).map_or(&Value::Null, |t| &t["options"]);
    let names = &find("organize")["renameByName"];
    let column = |field: &Value| {
        let field = text_of(field);
        let heading = names[field].as_str().unwrap_or(field);
        Column {
            field: field.to_owned(),
            heading: heading.to_owned(),
            unit: property(panel, heading, "unit"),
            link: link(panel, heading),
        }
    };
    list(&find("filterFieldsByName")["include"]["names"]).iter().map(column).collect()
}

fn overrides<'a>(panel: &'a Value, heading: &'a str, id: &'a str) -> impl Iterator<Item = &'a Value> {
    let of_column = list(&panel["fieldConfig"]["overrides"]).iter().filter(move |o| o["matcher"]["options"] == heading);
    of_column.flat_map(|o| list(&o["properties"])).filter(move |p| p["id"] == id).map(|p| &p["value"])
}

fn property(panel: &Value, heading: &str, id: &str) -> String {
    overrides(panel, heading, id).next().map_or("", text_of).to_owned()
}

fn link(panel: &Value, heading: &str) -> Option<String> {
    overrides(panel, heading, "links").next().map(|links| text_of(&links[0]["url"]).to_owned())
}

/// The address that a cell opens: `${__value.raw}` is the cell, `${__data.fields.Heading}` another one of its row.
pub(crate) fn address(link: &str, cell: &str, row: &Row, columns: &[Column]) -> String {
    let mut address = link.replace("${__value.raw}", cell);
    for column in columns {
        let text = match row.get(&column.field) {
            Some(Cell::Text(text)) => text.as_str(),
            _ => "",
        };
        address = address.replace(&format!("${{__data.fields.{}}}", column.heading), text);
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(labels: &[(&str, &str)], value: f64) -> Series {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Series { labels, points: vec![(0.0, value)] }
    }

    #[test]
    fn rows_merge_where_shared_labels_agree() {
        let a = [series(&[("dag", "x"), ("task", "t")], 1.0), series(&[("dag", "y"), ("task", "u")], 2.0)];
        let b = [series(&[("dag", "x")], 3.0), series(&[("dag", "z")], 4.0)];
        let rows = rows(&[("A", &a), ("B", &b)]);
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[0]["Value #B"], Cell::Number(3.0));
        assert_eq!((rows[1].get("Value #B"), &rows[2]["dag"]), (None, &Cell::Text("z".into())));
    }

    #[test]
    fn columns_have_headings_units_and_addresses() {
        let panel = serde_json::json!({
            "transformations": [
                {"id": "filterFieldsByName", "options": {"include": {"names": ["table", "Value"]}}},
                {"id": "organize", "options": {"renameByName": {"table": "Table", "Value": "Late by"}}}],
            "fieldConfig": {"overrides": [
                {"matcher": {"options": "Late by"}, "properties": [{"id": "unit", "value": "s"}]},
                {"matcher": {"options": "Table"}, "properties": [{"id": "links", "value": [{"url": "x?t=${__data.fields.Table}&r=${__value.raw}"}]}]}]}});
        let columns = columns(&panel);
        assert_eq!((columns[0].heading.as_str(), columns[1].unit.as_str()), ("Table", "s"));
        let row = Row::from([("table".to_owned(), Cell::Text("orders".into()))]);
        assert_eq!(address(columns[0].link.as_ref().unwrap(), "raw", &row, &columns), "x?t=orders&r=raw");
    }
}
