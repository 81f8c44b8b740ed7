//! A dashboard as one HTML page that needs no other file.

use std::fmt::Write;

use footprint_common::run::html::escape;
use serde_json::Value;

use crate::Answer;
use crate::ask::Mark;
use crate::board::{Board, list, place, step, text_of};
use crate::color::{css, named};
use crate::panel::Panel;
use crate::unit;

const STYLE: &str = include_str!("page.css");
/// Pixels of a row of Grafana's grid, and between two.
pub(crate) const ROW: u32 = 30;
pub(crate) const GAP: u32 = 8;

/// Height of the page in pixels.
pub(crate) fn height(board: &Board) -> u32 {
    let ends = board.panels.iter().map(|panel| place(panel, "y") + place(panel, "h"));
    ends.max().unwrap_or(1) * (ROW + GAP) + 70
}

/// The list of all pages.
pub(crate) fn index(boards: &[Board]) -> String {
    let entry = |board: &Board| format!("<li><a href=\"{}.html\">{}</a>", escape(&board.name), escape(&board.title));
    let entries: String = boards.iter().map(entry).collect();
    format!("{}<h1>Footprint dashboards</h1><ul>{entries}</ul>", head("Footprint dashboards"))
}

/// The page of a dashboard; `answers` are those to its queries, in order.
pub(crate) fn of(board: &Board, answers: &[Answer], marks: &[Mark], span: (f64, f64)) -> String {
    let mut rest = answers.iter();
    let range = std::time::Duration::from_secs_f64(span.1 - span.0);
    let mut body = String::new();
    for json in &board.panels {
        let own: Vec<&Answer> = rest.by_ref().take(list(&json["targets"]).len()).collect();
        let panel = Panel { json, answers: own, marks, span, step: step(json, range).as_secs_f64() };
        body.push_str(&section(json, &panel.html()));
    }
    let title = escape(&board.title);
    format!("{}<header><h1>{title}</h1>{}</header><main>{body}</main>", head(&board.title), subtitle(board, span))
}

fn head(title: &str) -> String {
    format!("<!DOCTYPE html><html lang=en><meta charset=utf-8><title>{}</title><style>{STYLE}</style>", escape(title))
}

fn section(json: &Value, content: &str) -> String {
    let class = if json["type"] == "row" { "row" } else { "panel" };
    let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| place(json, key));
    let area = format!("{}/{}/span {h}/span {w}", y + 1, x + 1);
    format!("<section class={class} style=\"grid-area:{area}\">{content}</section>")
}

/// What is looked at, by whom, and what the marks mean.
fn subtitle(board: &Board, span: (f64, f64)) -> String {
    let until = jiff::Timestamp::from_second(span.1 as i64)
        .map_or_else(|_| String::new(), |t| t.strftime("%Y-%m-%d %H:%M UTC").to_string());
    let range = unit::show(span.1 - span.0, "s");
    let mut text =
        format!("<span>the last {range} until {until}, drawn by dashboards/preview</span><span class=marks>");
    for mark in board.annotations.iter().filter(|mark| !text_of(&mark["expr"]).is_empty()) {
        let (color, name) = (css(named(text_of(&mark["iconColor"]))), escape(text_of(&mark["name"])));
        // Writing to a String cannot fail.
        let _ = write!(text, "<i style=\"color:{color}\">┊</i>{name}");
    }
    text + "</span>"
}

/// An address that a page may lead to: that of another page, or one of the web, since labels are foreign text.
pub(crate) fn address(url: &str) -> String {
    if let Some(name) = url.strip_prefix("/d/footprint-") {
        return format!("{}.html", name.split('?').next().unwrap_or_default());
    }
    let web = ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme));
    if web { url.to_owned() } else { "#".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    #[test]
    fn panels_stand_where_the_grid_puts_them() {
        let panels = serde_json::json!([
            {"type": "row", "title": "Row", "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}},
            {"type": "stat", "title": "One", "targets": [{"refId": "A", "expr": "a", "instant": true}],
             "gridPos": {"x": 4, "y": 1, "w": 8, "h": 4}}]);
        let board = board(&serde_json::json!({"uid": "u", "title": "<T>", "panels": panels,
            "annotations": {"list": [{"name": "Restarts", "iconColor": "blue", "expr": "b"}]}}));
        let html = of(&board, &[Ok(vec![])], &[], (0.0, 3600.0));
        assert!(html.contains("<section class=row style=\"grid-area:1/1/span 1/span 24\">Row"), "{html}");
        assert!(html.contains("<section class=panel style=\"grid-area:2/5/span 4/span 8\">"), "{html}");
        assert!(html.contains("<h1>&lt;T&gt;</h1>") && html.contains("until 1970-01-01 01:00 UTC"), "{html}");
        assert!(html.contains("┊</i>Restarts"), "{html}");
        assert_eq!(height(&board), 5 * 38 + 70);
        assert!(index(&[board]).contains("<a href=\"b.html\">&lt;T&gt;</a>"));
    }

    fn board(json: &Value) -> Board {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("b.json");
        std::fs::write(&file, json.to_string()).unwrap();
        let options = Options {
            prometheus: "http://x".parse().unwrap(),
            folder: folder.path().into(),
            dashboards: vec![],
            range: std::time::Duration::from_secs(3600),
            variables: [].into(),
            out: None,
        };
        Board::read(&file, "b", &options).unwrap()
    }

    #[test]
    fn addresses_lead_to_pages_and_the_web_only() {
        assert_eq!(address("/d/footprint-airflow?var-job=x"), "airflow.html");
        assert_eq!(address("https://x/y"), "https://x/y");
        assert_eq!([address("javascript:x"), address("/d/other"), address("")], ["#", "#", "#"]);
    }
}
