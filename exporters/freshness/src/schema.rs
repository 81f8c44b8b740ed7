//! What changed in a table's columns.

use std::collections::BTreeMap;
use std::hash::Hasher;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

/// `TableFieldSchema`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Field {
    pub name: String,
    pub r#type: String,
    pub mode: String,
    pub fields: Vec<Field>,
}

/// The columns of a table as they were last seen: by name while that takes little room, by digest in
/// wide tables, of which a removed column cannot be named.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Columns {
    /// A line a column: path, type and mode, with tabs between.
    Named(Box<str>),
    /// Digests of path, and of type and mode.
    Digests(Box<[(u32, u16, u16)]>),
}

/// Bytes of names that are kept of a table.
const NAMES_KEPT: usize = 768;

/// What can happen to a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Kind {
    ColumnAdded,
    ColumnRemoved,
    TypeChanged,
    ModeChanged,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 4] = [Kind::ColumnAdded, Kind::ColumnRemoved, Kind::TypeChanged, Kind::ModeChanged];

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::ColumnAdded => "column_added",
            Kind::ColumnRemoved => "column_removed",
            Kind::TypeChanged => "type_changed",
            Kind::ModeChanged => "mode_changed",
        }
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What happened.
    pub kind: Kind,
    /// Path of the column, with dots; empty where it is not known any more.
    pub column: String,
    /// Type or mode before; empty if there was none or it is not known any more.
    pub was: String,
    /// Type or mode now; empty if there is none.
    pub is: String,
}

/// A column's type and mode.
type Shape = (String, String);

impl Columns {
    /// The columns of a schema.
    pub fn of(fields: &[Field]) -> Self {
        let flat = flat(fields);
        let lines = flat.iter().map(|(path, (kind, mode))| format!("{path}\t{kind}\t{mode}\n"));
        let names: String = lines.collect();
        if names.len() <= NAMES_KEPT {
            return Columns::Named(names.into());
        }
        Columns::Digests(flat.iter().map(|(path, (kind, mode))| (digest(path), short(kind), short(mode))).collect())
    }

    /// Number of columns, those inside records included.
    pub fn len(&self) -> usize {
        match self {
            Columns::Named(names) => names.lines().count(),
            Columns::Digests(digests) => digests.len(),
        }
    }

    /// Whether there is no column.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a newer schema changed.
    pub fn changes(&self, newer: &[Field]) -> Vec<Change> {
        let newer = flat(newer);
        match self {
            Columns::Named(names) => by_name(&named(names), &newer),
            Columns::Digests(digests) => by_digest(digests, &newer),
        }
    }
}

fn by_name(older: &BTreeMap<String, Shape>, newer: &BTreeMap<String, Shape>) -> Vec<Change> {
    let mut changes = Vec::new();
    for (path, (kind, mode)) in newer {
        match older.get(path) {
            None => changes.push(change(Kind::ColumnAdded, path, "", kind)),
            Some((was, _)) if was != kind => changes.push(change(Kind::TypeChanged, path, was, kind)),
            Some((_, was)) if was != mode => changes.push(change(Kind::ModeChanged, path, was, mode)),
            Some(_) => {}
        }
    }
    let removed = older.iter().filter(|(path, _)| !newer.contains_key(*path));
    changes.extend(removed.map(|(path, (was, _))| change(Kind::ColumnRemoved, path, was, "")));
    changes
}

fn by_digest(older: &[(u32, u16, u16)], newer: &BTreeMap<String, Shape>) -> Vec<Change> {
    let mut older: BTreeMap<u32, (u16, u16)> = older.iter().map(|(path, kind, mode)| (*path, (*kind, *mode))).collect();
    let mut changes = Vec::new();
    for (path, (kind, mode)) in newer {
        match older.remove(&digest(path)) {
            None => changes.push(change(Kind::ColumnAdded, path, "", kind)),
            Some((was, _)) if was != short(kind) => changes.push(change(Kind::TypeChanged, path, "", kind)),
            Some((_, was)) if was != short(mode) => changes.push(change(Kind::ModeChanged, path, "", mode)),
            Some(_) => {}
        }
    }
    changes.extend(older.iter().map(|_| change(Kind::ColumnRemoved, "", "", "")));
    changes
}

fn change(kind: Kind, column: &str, was: &str, is: &str) -> Change {
    Change { kind, column: column.to_owned(), was: was.to_owned(), is: is.to_owned() }
}

fn named(names: &str) -> BTreeMap<String, Shape> {
    let column = |line: &str| {
        let mut parts = line.split('\t').map(str::to_owned);
        Some((parts.next()?, (parts.next()?, parts.next()?)))
    };
    names.lines().filter_map(column).collect()
}

/// All columns by path; BigQuery's default mode is NULLABLE.
fn flat(fields: &[Field]) -> BTreeMap<String, Shape> {
    let mut all = BTreeMap::new();
    add(&mut all, "", fields);
    all
}

fn add(all: &mut BTreeMap<String, Shape>, prefix: &str, fields: &[Field]) {
    for field in fields {
        // Neither can be in a name; a list of ours must not be upset by an answer of theirs.
        let name = field.name.replace(['\t', '\n', '\r'], " ");
        let mode = if field.mode.is_empty() { "NULLABLE" } else { &field.mode };
        let path = format!("{prefix}{name}");
        add(all, &format!("{path}."), &field.fields);
        all.insert(path, (field.r#type.clone(), mode.to_owned()));
    }
}

fn digest(text: &str) -> u32 {
    let mut hasher = SipHasher13::new();
    hasher.write(text.as_bytes());
    hasher.finish() as u32
}

fn short(text: &str) -> u16 {
    digest(text) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, kind: &str, mode: &str) -> Field {
        Field { name: name.into(), r#type: kind.into(), mode: mode.into(), fields: Vec::new() }
    }

    fn told(older: &[Field], newer: &[Field]) -> Vec<String> {
        let changes = Columns::of(older).changes(newer);
        changes.iter().map(|c| format!("{} {} {} {}", c.kind.as_str(), c.column, c.was, c.is)).collect()
    }

    #[test]
    fn every_kind_of_change_is_told_once() {
        let older = [field("a", "STRING", ""), field("b", "INTEGER", "REQUIRED"), field("c", "DATE", "NULLABLE")];
        let newer = [field("d", "BOOLEAN", ""), field("b", "INTEGER", "NULLABLE"), field("c", "TIMESTAMP", "")];
        let expected = [
            "mode_changed b REQUIRED NULLABLE",
            "type_changed c DATE TIMESTAMP",
            "column_added d  BOOLEAN",
            "column_removed a STRING ",
        ];
        assert_eq!(told(&older, &newer), expected);
        assert_eq!(told(&newer, &newer), Vec::<String>::new(), "no mode is NULLABLE");
    }

    #[test]
    fn columns_inside_records_count() {
        let record = |inner: &[Field]| Field { fields: inner.to_vec(), ..field("r", "RECORD", "REPEATED") };
        let (one, two) = (record(&[field("x", "STRING", "")]), record(&[field("x", "FLOAT", "")]));
        assert_eq!(told(std::slice::from_ref(&one), &[two]), ["type_changed r.x STRING FLOAT"]);
        assert_eq!(Columns::of(&[one]).len(), 2);
    }

    #[test]
    fn wide_tables_take_little_room_and_still_tell() {
        let wide: Vec<Field> = (0..500).map(|at| field(&format!("a_rather_long_name_{at}"), "STRING", "")).collect();
        let columns = Columns::of(&wide);
        assert!(matches!(columns, Columns::Digests(_)) && columns.len() == 500);
        assert_eq!(columns.changes(&wide), []);
        let mut newer = wide.clone();
        newer[7].r#type = "INTEGER".into();
        newer[9].name = "renamed".into();
        let expected =
            ["type_changed a_rather_long_name_7  INTEGER", "column_added renamed  STRING", "column_removed   "];
        assert_eq!(told(&wide, &newer), expected);
        let saved = serde_json::to_string(&columns).unwrap();
        assert_eq!(serde_json::from_str::<Columns>(&saved).unwrap(), columns);
    }
}
