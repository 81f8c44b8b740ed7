//! A dashboard as one HTML page.

use std::fmt::Write;

use footprint_common::run::html::escape;
use serde_json::Value;

use crate::Answer;
use crate::answer::Series;
use crate::ask::Mark;
use crate::board::{Board, list, text_of};
use crate::chart::{self, Lines, PALETTE};
use crate::table::{self, Cell};
use crate::unit;

const STYLE: &str = include_str!("page.css");
/// Pixels of a unit of Grafana's grid, and between two panels.
const UNIT: (u32, u32) = (30, 8);
/// Width of a page in pixels.
const WIDTH: u32 = 1920;

/// Height of the page in pixels.
pub(crate) fn height(board: &Board) -> u32 {
    let ends = board.panels.iter().map(|panel| at(panel, "y") + at(panel, "h"));
    ends.max().unwrap_or(1) * (UNIT.0 + UNIT.1) + 90
}

fn at(panel: &Value, key: &str) -> u32 {
    panel["gridPos"][key].as_u64().and_then(|value| u32::try_from(value).ok()).unwrap_or(0)
}

/// The list of all pages.
pub(crate) fn index(boards: &[Board]) -> String {
    let entry = |board: &Board| format!("<li><a href=\"{}.html\">{}</a>", escape(&board.name), escape(&board.title));
    let entries: String = boards.iter().map(entry).collect();
    format!(
        "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Footprint dashboards</title><style>{STYLE}</style><h1>Footprint dashboards</h1><ul>{entries}</ul>"
    )
}

/// The page of a dashboard; `answers` are those to its queries, in order.
pub(crate) fn of(board: &Board, answers: &[Answer], marks: &[Mark], span: (f64, f64)) -> String {
    let mut rest = answers.iter();
    let mut body = String::new();
    for panel in &board.panels {
        let own: Vec<&Answer> = rest.by_ref().take(list(&panel["targets"]).len()).collect();
        // Writing to a String cannot fail.
        let _ = write!(
            body,
            "<section class=\"{}\" style=\"grid-area:{}/{}/span {}/span {}\">{}</section>",
            if panel["type"] == "row" { "row" } else { "panel" },
            at(panel, "y") + 1,
            at(panel, "x") + 1,
            at(panel, "h"),
            at(panel, "w"),
            Drawing { panel, answers: own, marks, span }.html()
        );
    }
    let until = jiff::Timestamp::from_second(span.1 as i64)
        .map_or_else(|_| String::new(), |t| t.strftime("%Y-%m-%d %H:%M UTC").to_string());
    format!(
        "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>{title}</title><style>{STYLE}</style>\
         <header><h1>{title}</h1><span>the last {range} until {until}, drawn by dashboards/preview</span></header><main>{body}</main>",
        title = escape(&board.title),
        range = unit::show(span.1 - span.0, "s"),
    )
}

/// A panel with its answers.
struct Drawing<'a> {
    panel: &'a Value,
    answers: Vec<&'a Answer>,
    marks: &'a [Mark],
    span: (f64, f64),
}

impl Drawing<'_> {
    fn html(&self) -> String {
        let title = escape(text_of(&self.panel["title"]));
        if self.panel["type"] == "row" {
            return title;
        }
        let links: String = list(&self.panel["links"]).iter().map(link).collect();
        let description = escape(text_of(&self.panel["description"]));
        format!("<h2 title=\"{description}\">{title}<nav>{links}</nav></h2>{}", self.content())
    }

    fn content(&self) -> String {
        let failed = self.answers.iter().find_map(|answer| answer.as_ref().err());
        if let Some(error) = failed {
            return format!("<p class=failed>{}</p>", escape(error));
        }
        let named = self.named();
        if named.is_empty() {
            return "<p class=empty>No data</p>".to_owned();
        }
        match text_of(&self.panel["type"]) {
            "stat" => self.numbers(&named),
            "bargauge" => self.gauges(&named),
            "table" => self.table(),
            "state-timeline" => chart::svg(self.size(0), |area| chart::states(area, &named, self.panel, self.span)),
            _ => self.lines(&named),
        }
    }

    /// All series with their names.
    fn named(&self) -> Vec<(String, &Series)> {
        let targets = list(&self.panel["targets"]).iter();
        let all = targets.zip(&self.answers).flat_map(|(target, answer)| {
            let format = text_of(&target["legendFormat"]);
            answer.iter().flatten().map(move |series| (series.legend(format), series))
        });
        all.collect()
    }

    /// Width and height for a picture that leaves some height to a legend.
    fn size(&self, legend: u32) -> (u32, u32) {
        let width = (WIDTH - 32) * at(self.panel, "w") / 24 - 24;
        let height = at(self.panel, "h") * (UNIT.0 + UNIT.1) - UNIT.1 - 44;
        (width, height.saturating_sub(legend).max(60))
    }

    fn unit(&self) -> &str {
        text_of(&self.panel["fieldConfig"]["defaults"]["unit"])
    }

    /// Text and colour of a value: by mapping, by threshold, or plain.
    fn shown(&self, value: f64) -> (String, String) {
        if let Some((text, color)) = chart::mapped(self.panel, value) {
            return (text, css(chart::named(&color)));
        }
        let mut steps = list(&self.panel["fieldConfig"]["defaults"]["thresholds"]["steps"]).iter();
        let reached = steps.rfind(|step| step["value"].as_f64().is_none_or(|from| value >= from));
        let color = reached.map_or("blue", |step| text_of(&step["color"]));
        (unit::show(value, self.unit()), css(chart::named(color)))
    }

    fn numbers(&self, named: &[(String, &Series)]) -> String {
        let one = |(name, series): &(String, &Series)| {
            let (text, color) = self.shown(series.last());
            let name = if named.len() > 1 { format!("<small>{}</small>", escape(name)) } else { String::new() };
            format!("<b style=\"color:{color}\">{name}{}</b>", escape(&text))
        };
        format!("<div class=numbers>{}</div>", named.iter().map(one).collect::<String>())
    }

    fn gauges(&self, named: &[(String, &Series)]) -> String {
        let most = named.iter().map(|(_, series)| series.last()).fold(f64::MIN_POSITIVE, f64::max);
        let one = |(name, series): &(String, &Series)| {
            let (text, color) = self.shown(series.last());
            let share = (series.last() / most * 100.0).clamp(0.0, 100.0);
            format!(
                "<tr><td>{}<td class=bar><i style=\"width:{share:.1}%;background:{color}\"></i><td style=\"color:{color}\">{}",
                escape(name),
                escape(&text)
            )
        };
        format!("<div class=scroll><table class=gauges>{}</table></div>", named.iter().map(one).collect::<String>())
    }

    fn lines(&self, named: &[(String, &Series)]) -> String {
        let bars = self.panel["fieldConfig"]["defaults"]["custom"]["drawStyle"] == "bars";
        let lines = Lines { series: named, unit: self.unit(), span: self.span, bars, marks: self.marks };
        let rows = u32::try_from(named.len().min(4)).unwrap_or(4);
        let one = |(index, (name, series)): (usize, &(String, &Series))| {
            let color = css(PALETTE[index % PALETTE.len()]);
            let most = series.points.iter().map(|point| point.1).fold(f64::MIN, f64::max);
            let [last, most] = [series.last(), most].map(|value| escape(&unit::show(value, self.unit())));
            format!("<tr><td><i style=\"background:{color}\"></i>{}<td>last {last}<td>max {most}", escape(name))
        };
        let legend: String = named.iter().enumerate().map(one).collect();
        let picture = chart::svg(self.size(rows * 19), |area| lines.draw(area));
        format!("{picture}<div class=scroll><table class=legend>{legend}</table></div>")
    }

    fn table(&self) -> String {
        let targets = list(&self.panel["targets"]).iter().map(|target| text_of(&target["refId"]));
        let answers = self.answers.iter().map(|answer| answer.as_ref().map_or(&[][..], Vec::as_slice));
        let rows = table::rows(&targets.zip(answers).collect::<Vec<_>>());
        let columns = table::columns(self.panel);
        let head: String = columns.iter().map(|column| format!("<th>{}", escape(&column.heading))).collect();
        let body: String = rows.iter().map(|row| format!("<tr>{}", cells(row, &columns))).collect();
        format!("<div class=scroll><table><tr>{head}{body}</table></div>")
    }
}

fn cells(row: &table::Row, columns: &[table::Column]) -> String {
    let one = |column: &table::Column| {
        let text = match row.get(&column.field) {
            Some(Cell::Text(text)) => text.clone(),
            Some(Cell::Number(value)) => unit::show(*value, &column.unit),
            None => String::new(),
        };
        let shown = if column.unit == "link" || column.heading == "Log" { "open" } else { text.as_str() };
        match &column.link {
            Some(link) if !text.is_empty() => {
                let address = table::address(link, &text, row, columns);
                format!("<td><a href=\"{}\">{}</a>", escape(&safe(&address)), escape(shown))
            }
            _ => format!("<td>{}", escape(&text)),
        }
    };
    columns.iter().map(one).collect()
}

/// Only addresses of the web: labels are foreign text.
fn safe(address: &str) -> String {
    let web = ["https://", "http://"].iter().any(|scheme| address.starts_with(scheme));
    if web { address.to_owned() } else { "#".to_owned() }
}

fn link(link: &Value) -> String {
    let (title, url) = (escape(text_of(&link["title"])), text_of(&link["url"]));
    let url = url.strip_prefix("/d/footprint-").map_or_else(|| safe(url), |name| format!("{name}.html"));
    format!("<a href=\"{}\" title=\"{title}\">↗</a>", escape(&url))
}

fn css(color: plotters::style::RGBColor) -> String {
    format!("rgb({},{},{})", color.0, color.1, color.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_text_and_addresses_of_the_web_only() {
        let panel = serde_json::json!({"type": "table", "title": "<t>", "targets": [{"refId": "A"}],
            "transformations": [{"id": "filterFieldsByName", "options": {"include": {"names": ["a"]}}}],
            "fieldConfig": {"overrides": [{"matcher": {"options": "a"}, "properties": [{"id": "links", "value": [{"url": "${__value.raw}"}]}]}]}});
        let series =
            Series { labels: [("a".to_owned(), "javascript:<b>".to_owned())].into(), points: vec![(0.0, 1.0)] };
        let answer: Answer = Ok(vec![series]);
        let html = Drawing { panel: &panel, answers: vec![&answer], marks: &[], span: (0.0, 1.0) }.html();
        assert!(html.contains("&lt;t&gt;") && html.contains("javascript:&lt;b&gt;"), "{html}");
        assert!(html.contains("href=\"#\"") && !html.contains("<b>"), "{html}");
        let refused: Answer = Err("<no>".to_owned());
        let html = Drawing { panel: &panel, answers: vec![&refused], marks: &[], span: (0.0, 1.0) }.html();
        assert!(html.contains("&lt;no&gt;"));
    }
}
