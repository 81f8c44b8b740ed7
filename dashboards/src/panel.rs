//! A panel: a title, what to do about it, a unit and the queries.

mod json;

use serde_json::{Value, json};

use crate::dashboard::{link, merge};
use crate::{expand, runbook};

/// How a panel draws its queries.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Stat,
    Lines,
    Areas,
    Bars,
    Gauges,
    Table,
    States,
}

/// One panel. The constructors name the picture; the methods add to it.
#[derive(Debug)]
pub struct Panel {
    kind: Kind,
    title: &'static str,
    description: &'static str,
    unit: &'static str,
    size: (u32, u32),
    /// Legend and PromQL.
    queries: Vec<(&'static str, String)>,
    thresholds: Option<Value>,
    mappings: Vec<Value>,
    links: Vec<Value>,
    /// Colours of series by how their names end.
    colors: &'static [(&'static str, &'static str)],
    /// Field, heading and unit of a table's columns, from left to right.
    columns: Vec<(&'static str, &'static str, &'static str)>,
    /// What a click on a column's cell opens: the column's heading, a title and an address.
    opens: Vec<(&'static str, &'static str, &'static str)>,
}

/// A table's page in the console, from the columns `Project`, `Dataset` and `Table` of a row.
pub(crate) const BIGQUERY_TABLE: &str = "https://console.cloud.google.com/bigquery?p=${__data.fields.Project}&d=${__data.fields.Dataset}&t=${__data.fields.Table}&page=table";

impl Panel {
    fn new(kind: Kind, size: (u32, u32), title: &'static str, description: &'static str, unit: &'static str) -> Self {
        Panel {
            kind,
            title,
            description,
            unit,
            size,
            queries: Vec::new(),
            thresholds: None,
            mappings: Vec::new(),
            links: Vec::new(),
            colors: &[],
            columns: Vec::new(),
            opens: Vec::new(),
        }
    }

    /// A number for now; one per series of its queries.
    pub fn stat(title: &'static str, description: &'static str, unit: &'static str) -> Self {
        Panel::new(Kind::Stat, (4, 4), title, description, unit)
    }

    /// Lines over time.
    pub fn lines(title: &'static str, description: &'static str, unit: &'static str) -> Self {
        Panel::new(Kind::Lines, (12, 8), title, description, unit)
    }

    /// Stacked areas over time, for parts of a whole that is there at each moment.
    pub fn areas(title: &'static str, description: &'static str, unit: &'static str) -> Self {
        Panel::new(Kind::Areas, (12, 8), title, description, unit)
    }

    /// Stacked bars over time, for events, with their total. Count them by `increase` over `$__rate_interval`.
    pub fn bars(title: &'static str, description: &'static str, unit: &'static str) -> Self {
        Panel::new(Kind::Bars, (12, 8), title, description, unit)
    }

    /// A horizontal bar per series, for now.
    pub fn gauges(title: &'static str, description: &'static str, unit: &'static str) -> Self {
        Panel::new(Kind::Gauges, (12, 8), title, description, unit)
    }

    /// A table with a row per series; give its columns by [`Panel::column`].
    pub fn table(title: &'static str, description: &'static str, unit: &'static str) -> Self {
        Panel::new(Kind::Table, (12, 8), title, description, unit)
    }

    /// A band of colour per series over time, for states; give their names by [`Panel::map`].
    pub fn states(title: &'static str, description: &'static str, unit: &'static str) -> Self {
        Panel::new(Kind::States, (12, 8), title, description, unit)
    }

    /// Adds a query. `@job`, `@env`, `@project` and the like in its selectors stand for the dashboard's variables.
    pub fn query(mut self, legend: &'static str, query: &str) -> Self {
        self.queries.push((legend, expand(query)));
        self
    }

    /// Sets width (of 24) and height in grid units.
    pub fn sized(mut self, w: u32, h: u32) -> Self {
        self.size = (w, h);
        self
    }

    /// Green below `limit`, red from it on.
    pub fn red_from(mut self, limit: f64) -> Self {
        self.thresholds = Some(steps("green", "red", limit));
        self
    }

    /// Red below `limit`, green from it on.
    pub fn green_from(mut self, limit: f64) -> Self {
        self.thresholds = Some(steps("red", "green", limit));
        self
    }

    /// Shows the number `value` as `text` in `color`.
    pub fn map(mut self, value: &str, text: &str, color: &str) -> Self {
        let options = json!({value: {"text": text, "color": color, "index": self.mappings.len()}});
        self.mappings.push(json!({"type": "value", "options": options}));
        self
    }

    /// Colours the series whose names are such a word or end in it, and tells several of them apart by shades.
    pub fn colored(mut self, colors: &'static [(&'static str, &'static str)]) -> Self {
        self.colors = colors;
        self
    }

    /// Links to the runbook section of `alert`.
    pub fn alert(mut self, alert: &str) -> Self {
        self.links.push(link(&format!("Runbook: {alert}"), &runbook(alert)));
        self
    }

    /// Links to another dashboard of ours, for the same time and variables.
    pub fn dashboard(mut self, name: &str) -> Self {
        let mut onward = link(&format!("Dashboard: {name}"), &format!("/d/footprint-{name}"));
        merge(&mut onward, json!({"includeVars": true, "keepTime": true, "targetBlank": false}));
        self.links.push(onward);
        self
    }

    /// Links to an address outside.
    pub fn link(mut self, title: &str, url: &str) -> Self {
        self.links.push(link(title, url));
        self
    }

    /// Whether it leads anywhere.
    pub(crate) fn has_links(&self) -> bool {
        !self.links.is_empty()
    }

    /// Adds a column: a label, or the value (`Value`, with several queries `Value #A`, `Value #B`..).
    /// An empty unit is text; the unit `link` is for addresses: their cells say *Open* and do so.
    pub fn column(mut self, field: &'static str, heading: &'static str, unit: &'static str) -> Self {
        self.columns.push((field, heading, unit));
        self
    }

    /// Lets a click on a cell of the column with this heading open an address, made of the row's `${__data.fields.Heading}`.
    pub fn opens(mut self, heading: &'static str, title: &'static str, url: &'static str) -> Self {
        self.opens.push((heading, title, url));
        self
    }

    pub(crate) fn size(&self) -> (u32, u32) {
        self.size
    }
}

fn steps(low: &str, high: &str, limit: f64) -> Value {
    json!({"mode": "absolute", "steps": [{"color": low, "value": null}, {"color": high, "value": limit}]})
}
