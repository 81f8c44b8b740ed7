//! Tables: the answers of a panel's queries, merged by the labels that they share, as Grafana merges them.

use std::collections::BTreeMap;

use footprint_common::run::html::escape;
use serde_json::Value;

use crate::answer::Series;
use crate::board::{list, text_of};
use crate::color::{css, named};
use crate::mapping::mapped;
use crate::page;
use crate::{Answer, unit};

/// A row: field to text or number.
type Row = BTreeMap<String, Cell>;

/// A cell.
#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Text(String),
    Number(f64),
}

/// A table panel with its answers as HTML.
pub(crate) fn html(panel: &Value, answers: &[&Answer]) -> String {
    let targets = list(&panel["targets"]).iter().map(|target| text_of(&target["refId"]));
    let answers = answers.iter().map(|answer| answer.as_ref().map_or(&[][..], Vec::as_slice));
    let rows = rows(&targets.zip(answers).collect::<Vec<_>>());
    let columns = columns(panel);
    let numeric = |column: &Column| rows.iter().any(|row| matches!(row.get(&column.field), Some(Cell::Number(_))));
    let head = |column: &Column| format!("<th{}>{}", class(numeric(column)), escape(&column.heading));
    let head: String = columns.iter().map(head).collect();
    let body: String = rows.iter().map(|row| format!("<tr>{}", cells(row, &columns))).collect();
    format!("<div class=scroll><table><tr>{head}{body}</table></div>")
}

fn cells(row: &Row, columns: &[Column]) -> String {
    columns.iter().map(|column| cell(row, column, columns)).collect()
}

fn cell(row: &Row, column: &Column, columns: &[Column]) -> String {
    let (raw, plain, number) = match row.get(&column.field) {
        Some(Cell::Text(text)) => (text.clone(), text.clone(), false),
        Some(Cell::Number(value)) => (value.to_string(), unit::show(*value, &column.unit), true),
        None => return "<td>".to_owned(),
    };
    let (text, color) = mapped(column.mappings, &raw).unwrap_or((plain, String::new()));
    let color = if color.is_empty() { color } else { format!(" style=\"color:{}\"", css(named(&color))) };
    let shown = match &column.link {
        Some(link) if !raw.is_empty() => {
            let to = page::address(&address(link, &raw, row, columns));
            format!("<a href=\"{}\">{}</a>", escape(&to), escape(&text))
        }
        _ => escape(&text),
    };
    format!("<td{}{color} title=\"{}\">{shown}", class(number), escape(&raw))
}

fn class(number: bool) -> &'static str {
    if number { " class=number" } else { "" }
}

/// Rows of all queries, given as refId and answer.
fn rows(answers: &[(&str, &[Series])]) -> Vec<Row> {
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

/// A column of a panel.
#[derive(Debug, Clone, PartialEq)]
struct Column<'a> {
    field: String,
    heading: String,
    unit: String,
    mappings: &'a Value,
    /// The address that a click on a cell opens.
    link: Option<String>,
}

/// The columns that a panel shows, from left to right.
fn columns(panel: &Value) -> Vec<Column<'_>> {
    let transformations = list(&panel["transformations"]);
    let find = |id: &str| transformations.iter().find(|t| t["id"] == id).map_or(&Value::Null, |t| &t["options"]);
    let names = &find("organize")["renameByName"];
    let column = |field: &Value| {
        let field = text_of(field);
        let heading = names[field].as_str().unwrap_or(field);
        let links = property(panel, heading, "links");
        Column {
            field: field.to_owned(),
            heading: heading.to_owned(),
            unit: text_of(property(panel, heading, "unit")).to_owned(),
            mappings: property(panel, heading, "mappings"),
            link: links[0]["url"].as_str().map(str::to_owned),
        }
    };
    list(&find("filterFieldsByName")["include"]["names"]).iter().map(column).collect()
}

/// A property of a column: its own, or that of the panel.
fn property<'a>(panel: &'a Value, heading: &str, id: &str) -> &'a Value {
    let of_column = list(&panel["fieldConfig"]["overrides"]).iter().filter(|o| o["matcher"]["options"] == heading);
    let mut own = of_column.flat_map(|o| list(&o["properties"])).filter(|property| property["id"] == id);
    own.next().map_or(&panel["fieldConfig"]["defaults"][id], |property| &property["value"])
}

/// The address that a cell opens: `${__value.raw}` is the cell, `${__data.fields.Heading}` another one of its row.
fn address(link: &str, cell: &str, row: &Row, columns: &[Column]) -> String {
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
    use serde_json::json;

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

    fn panel(properties: &Value) -> Value {
        json!({
            "targets": [{"refId": "A"}],
            "transformations": [
                {"id": "filterFieldsByName", "options": {"include": {"names": ["table", "Value"]}}},
                {"id": "organize", "options": {"renameByName": {"table": "Table", "Value": "Late by"}}}],
            "fieldConfig": {"defaults": {"unit": "short"}, "overrides": [
                {"matcher": {"options": "Late by"}, "properties": [{"id": "unit", "value": "s"}]},
                {"matcher": {"options": "Table"}, "properties": properties}]}})
    }

    #[test]
    fn columns_have_headings_units_and_addresses() {
        let panel =
            panel(&json!([{"id": "links", "value": [{"url": "https://x?t=${__data.fields.Table}&r=${__value.raw}"}]}]));
        let html = html(&panel, &[&Ok(vec![series(&[("table", "orders")], 90.0)])]);
        assert!(html.contains("<tr><th>Table<th class=number>Late by<tr>"), "{html}");
        assert!(html.contains("<a href=\"https://x?t=orders&amp;r=orders\">orders</a>"), "{html}");
        assert!(html.contains("<td class=number title=\"90\">1.50 mins"), "{html}");
    }

    #[test]
    fn cells_are_text_and_lead_to_the_web_only() {
        let links = json!({"id": "links", "value": [{"url": "${__value.raw}"}]});
        let foreign = Ok(vec![series(&[("table", "javascript:<b>\"")], 1.0)]);
        let shown = html(&panel(&json!([links])), &[&foreign]);
        assert!(shown.contains("<a href=\"#\">javascript:&lt;b&gt;&quot;</a>") && !shown.contains("<b>"), "{shown}");
        let mapping =
            json!([{"type": "regex", "options": {"pattern": ".+", "result": {"text": "Open", "color": "red"}}}]);
        let mapped = panel(&json!([links, {"id": "mappings", "value": mapping}]));
        let shown = html(&mapped, &[&Ok(vec![series(&[("table", "http://y")], 1.0)])]);
        assert!(
            shown.contains("<td style=\"color:#f2495c\" title=\"http://y\"><a href=\"http://y\">Open</a>"),
            "{shown}"
        );
    }
}
