//! A panel as HTML.

use footprint_common::run::html::escape;
use plotters::style::RGBColor;
use serde_json::Value;

use crate::Answer;
use crate::answer::Series;
use crate::ask::Mark;
use crate::board::{list, place, text_of, width};
use crate::chart::{self, Lines};
use crate::color::{self, css, of_value};
use crate::mapping::{legend, mapped};
use crate::page::{GAP, ROW, address};
use crate::timeline::States;
use crate::{table, unit};

/// Pixels of a line of a legend, and above a panel's content.
const LINE: u32 = 20;
const HEAD: u32 = 40;

/// A panel with its answers.
pub(crate) struct Panel<'a> {
    pub(crate) json: &'a Value,
    pub(crate) answers: Vec<&'a Answer>,
    pub(crate) marks: &'a [Mark],
    /// Begin and end in Unix time.
    pub(crate) span: (f64, f64),
    /// Seconds between two points.
    pub(crate) step: f64,
}

type Named<'a> = [(String, &'a Series)];

impl Panel<'_> {
    pub(crate) fn html(&self) -> String {
        let title = escape(text_of(&self.json["title"]));
        if self.json["type"] == "row" {
            return title;
        }
        let links: String = list(&self.json["links"]).iter().map(link).collect();
        let description = escape(text_of(&self.json["description"]));
        format!("<h2 title=\"{description}\"><span>{title}</span><nav>{links}</nav></h2>{}", self.content())
    }

    fn content(&self) -> String {
        if let Some(error) = self.answers.iter().find_map(|answer| answer.as_ref().err()) {
            return format!("<p class=failed>{}</p>", escape(error));
        }
        let named = self.named();
        if named.is_empty() {
            return "<p class=empty>No data</p>".to_owned();
        }
        match text_of(&self.json["type"]) {
            "stat" => self.numbers(&named),
            "bargauge" => self.gauges(&named),
            "table" => table::html(self.json, &self.answers),
            "timeseries" => self.lines(&named),
            "state-timeline" => self.states(&named),
            other => format!("<p class=failed>dashboards/preview cannot draw a panel of type {}</p>", escape(other)),
        }
    }

    /// All series with their names.
    fn named(&self) -> Vec<(String, &Series)> {
        let targets = list(&self.json["targets"]).iter();
        let all = targets.zip(&self.answers).flat_map(|(target, answer)| {
            let format = text_of(&target["legendFormat"]);
            answer.iter().flatten().map(move |series| (series.legend(format), series))
        });
        all.collect()
    }

    fn unit(&self) -> &str {
        text_of(&self.json["fieldConfig"]["defaults"]["unit"])
    }

    fn mappings(&self) -> &Value {
        &self.json["fieldConfig"]["defaults"]["mappings"]
    }

    /// Text and colour of a value: by mapping, or by unit and threshold.
    fn shown(&self, value: f64, index: usize) -> (String, String) {
        let plain = (unit::show(value, self.unit()), css(of_value(self.json, value, index)));
        match mapped(self.mappings(), &value.to_string()) {
            Some((text, color)) => (text, if color.is_empty() { plain.1 } else { css(color::named(&color)) }),
            None => plain,
        }
    }

    fn numbers(&self, named: &Named<'_>) -> String {
        let one = |(index, (name, series)): (usize, &(String, &Series))| {
            let (text, color) = self.shown(series.last(), index);
            let name = if named.len() > 1 { format!("<small>{}</small>", escape(name)) } else { String::new() };
            format!("<b style=\"color:{color}\">{name}{}</b>", escape(&text))
        };
        format!("<div class=numbers>{}</div>", named.iter().enumerate().map(one).collect::<String>())
    }

    fn gauges(&self, named: &Named<'_>) -> String {
        let most = named.iter().map(|(_, series)| series.last()).fold(f64::MIN_POSITIVE, f64::max);
        let one = |(index, (name, series)): (usize, &(String, &Series))| {
            let (text, color) = self.shown(series.last(), index);
            let share = (series.last() / most * 100.0).clamp(0.0, 100.0);
            format!(
                "<tr><td title=\"{name}\">{name}<td class=bar><i style=\"width:{share:.1}%;background:{color}\"></i><td style=\"color:{color}\">{}",
                escape(&text),
                name = escape(name),
            )
        };
        let rows: String = named.iter().enumerate().map(one).collect();
        format!("<div class=scroll><table class=gauges>{rows}</table></div>")
    }

    fn lines(&self, named: &Named<'_>) -> String {
        let custom = &self.json["fieldConfig"]["defaults"]["custom"];
        let (bars, stacked) = (custom["drawStyle"] == "bars", custom["stacking"]["mode"] == "normal");
        let (unit, span, step, marks) = (self.unit(), self.span, self.step, self.marks);
        let colors = self.colors(named);
        let lines = Lines { series: named, colors: &colors, unit, span, step, bars, stacked, marks };
        // Grafana gives a legend a third of the panel.
        let rows = (self.height() / 3 / LINE).min(u32::try_from(named.len() + 1).unwrap_or(u32::MAX));
        let picture = chart::svg((width(self.json), self.height() - rows * LINE), |area| lines.draw(area));
        format!("{picture}<div class=scroll>{}</div>", self.table_of_lines(named, &colors))
    }

    fn colors(&self, named: &Named<'_>) -> Vec<RGBColor> {
        named.iter().enumerate().map(|(index, (name, _))| color::of_named(self.json, name, index)).collect()
    }

    /// The legend: each series with the figures that the panel asks for, where it wants so by the first of them.
    fn table_of_lines(&self, named: &Named<'_>, colors: &[RGBColor]) -> String {
        let legend = &self.json["options"]["legend"];
        let calcs: Vec<&str> = list(&legend["calcs"]).iter().map(text_of).collect();
        let head: String = calcs.iter().map(|calc| format!("<th>{}", escape(figure(calc, &[]).0))).collect();
        let row = |((name, series), color): (&(String, &Series), &RGBColor)| {
            let figures = calcs.iter().map(|calc| unit::show(figure(calc, &series.points).1, self.unit()));
            let figures: String = figures.map(|text| format!("<td class=number>{}", escape(&text))).collect();
            let color = css(*color);
            format!("<tr><td title=\"{name}\"><i style=\"background:{color}\"></i>{name}{figures}", name = escape(name))
        };
        let mut entries: Vec<_> = named.iter().zip(colors).collect();
        if legend["sortDesc"] == true
            && let Some(first) = calcs.first()
        {
            let size = |((_, series), _): &(&(String, &Series), &RGBColor)| figure(first, &series.points).1;
            entries.sort_by(|one, other| size(other).total_cmp(&size(one)));
        }
        let rows: String = entries.into_iter().map(row).collect();
        format!("<table class=legend><tr><th>Name{head}{rows}</table>")
    }

    fn states(&self, named: &Named<'_>) -> String {
        let states = States { series: named, mappings: self.mappings(), span: self.span, step: self.step };
        let picture = chart::svg((width(self.json), self.height() - LINE), |area| states.draw(area));
        let entry = |(text, color): &(&str, &str)| {
            format!("<span><i style=\"background:{}\"></i>{}</span>", css(color::named(color)), escape(text))
        };
        let entries: String = legend(self.mappings()).iter().map(entry).collect();
        format!("{picture}<div class=\"legend entries\">{entries}</div>")
    }

    /// Height of the content in pixels.
    fn height(&self) -> u32 {
        (place(self.json, "h") * (ROW + GAP)).saturating_sub(GAP + HEAD).max(5 * LINE)
    }
}

/// Name and value of a figure in a legend.
fn figure(calc: &str, points: &[(f64, f64)]) -> (&'static str, f64) {
    let values = || points.iter().map(|point| point.1).filter(|value| !value.is_nan());
    match calc {
        "max" => ("Max", values().fold(f64::NAN, f64::max)),
        "min" => ("Min", values().fold(f64::NAN, f64::min)),
        "sum" => ("Total", values().sum()),
        "mean" => ("Mean", values().sum::<f64>() / values().count() as f64),
        _ => ("Last *", values().next_back().unwrap_or(f64::NAN)),
    }
}

fn link(link: &Value) -> String {
    let (title, url) = (escape(text_of(&link["title"])), address(text_of(&link["url"])));
    format!("<a href=\"{}\" title=\"{title}\">↗</a>", escape(&url))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn html(json: &Value, answer: &Answer) -> String {
        Panel { json, answers: vec![answer], marks: &[], span: (0.0, 60.0), step: 15.0 }.html()
    }

    fn answer(label: &str, value: f64) -> Answer {
        Ok(vec![Series { labels: [("a".to_owned(), label.to_owned())].into(), points: vec![(0.0, value)] }])
    }

    #[test]
    fn labels_titles_and_errors_are_text() {
        for kind in ["stat", "bargauge", "timeseries", "state-timeline"] {
            let panel = json!({"type": kind, "title": "<t>", "description": "\"><u>", "targets": [{}, {}],
                               "gridPos": {"w": 8, "h": 8}});
            let two = (answer("<s>", 1.0), answer("<s>", 2.0));
            let panel =
                Panel { json: &panel, answers: vec![&two.0, &two.1], marks: &[], span: (0.0, 60.0), step: 15.0 };
            let html = panel.html();
            assert!(html.contains("&lt;t&gt;") && html.contains("title=\"&quot;&gt;&lt;u&gt;\""), "{html}");
            assert!(html.contains("&lt;s&gt;") && !html.contains("<s>"), "{html}");
            assert!(panel_says(kind, &Err("<no>".to_owned())).contains("<p class=failed>&lt;no&gt;</p>"));
            assert!(panel_says(kind, &Ok(vec![])).contains("No data"));
        }
        assert!(panel_says("piechart", &answer("x", 1.0)).contains("cannot draw a panel of type piechart"));
    }

    fn panel_says(kind: &str, answer: &Answer) -> String {
        html(&json!({"type": kind, "targets": [{}], "gridPos": {"w": 8, "h": 8}}), answer)
    }

    #[test]
    fn values_have_text_and_colour_of_mappings_and_thresholds() {
        let defaults = json!({"unit": "s", "color": {"mode": "thresholds"},
            "thresholds": {"steps": [{"color": "green", "value": null}, {"color": "red", "value": 60}]},
            "mappings": [{"type": "value", "options": {"0": {"text": "never", "color": "orange"}}}]});
        let panel = json!({"type": "stat", "targets": [{}], "fieldConfig": {"defaults": defaults}});
        assert!(html(&panel, &answer("x", 0.0)).contains("<b style=\"color:#ff9830\">never</b>"));
        assert!(html(&panel, &answer("x", 30.0)).contains("<b style=\"color:#73bf69\">30 s</b>"));
        assert!(html(&panel, &answer("x", 90.0)).contains("<b style=\"color:#f2495c\">1.50 mins</b>"));
    }

    #[test]
    fn legends_have_the_figures_that_are_asked_for() {
        let points = [(0.0, 2.0), (15.0, 7.0), (30.0, f64::NAN)];
        let figures = ["sum", "max", "min", "mean", "lastNotNull"].map(|calc| figure(calc, &points));
        assert_eq!(figures, [("Total", 9.0), ("Max", 7.0), ("Min", 2.0), ("Mean", 4.5), ("Last *", 7.0)]);
        let panel = json!({"type": "timeseries", "targets": [{"legendFormat": "{{a}}"}], "gridPos": {"w": 8, "h": 8},
                           "options": {"legend": {"calcs": ["sum"]}}});
        let two = Ok([answer("few", 1.0), answer("many", 2.0)].into_iter().flatten().flatten().collect());
        assert!(html(&panel, &two).find("many") > html(&panel, &two).find("few"));
        let mut sorted = panel.clone();
        sorted["options"]["legend"]["sortDesc"] = true.into();
        assert!(html(&sorted, &two).find("many") < html(&sorted, &two).find("few"));
        let html = html(&panel, &answer("rows", 3.0));
        assert!(html.contains("<th>Total<tr>") && html.contains("</i>rows<td class=number>3"), "{html}");
    }
}
