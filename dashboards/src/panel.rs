//! A panel: a title, what to do about it, a unit and the queries.

use serde_json::{Value, json};

use crate::dashboard::{link, merge};
use crate::{datasource, expand, runbook};

/// How a panel draws its queries.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Stat,
    Lines,
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

    /// Stacked bars over time, for events.
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
    /// An empty unit is text; the unit `link` makes the text an address to open.
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

    pub(crate) fn json(&self) -> Value {
        json!({
            "type": self.plugin(), "title": self.title, "description": self.description,
            "datasource": datasource(), "targets": self.targets(), "links": self.links,
            "fieldConfig": {"defaults": self.defaults(), "overrides": self.overrides()},
            "options": self.options(), "transformations": self.transformations(),
        })
    }

    fn plugin(&self) -> &'static str {
        match self.kind {
            Kind::Stat => "stat",
            Kind::Lines | Kind::Bars => "timeseries",
            Kind::Gauges => "bargauge",
            Kind::Table => "table",
            Kind::States => "state-timeline",
        }
    }

    fn targets(&self) -> Vec<Value> {
        let instant = matches!(self.kind, Kind::Stat | Kind::Gauges | Kind::Table);
        let format = if self.kind == Kind::Table { "table" } else { "time_series" };
        let target = |((legend, expr), id): (&(&str, String), char)| {
            json!({"refId": id.to_string(), "datasource": datasource(), "expr": expr, "legendFormat": legend,
                   "instant": instant, "range": !instant, "format": format})
        };
        self.queries.iter().zip('A'..='Z').map(target).collect()
    }

    fn defaults(&self) -> Value {
        let plain = json!({"mode": "absolute", "steps": [{"color": "green", "value": null}]});
        let mode = if self.thresholds.is_some() { "thresholds" } else { "palette-classic" };
        let mut defaults = json!({"unit": self.unit, "mappings": self.mappings, "color": {"mode": mode},
                                  "custom": self.custom(), "thresholds": self.thresholds.clone().unwrap_or(plain)});
        if matches!(self.kind, Kind::Lines | Kind::Bars | Kind::Gauges) {
            defaults["min"] = json!(0);
        }
        defaults
    }

    fn custom(&self) -> Value {
        match self.kind {
            Kind::Lines => {
                json!({"drawStyle": "line", "lineWidth": 1, "fillOpacity": 8, "showPoints": "auto", "spanNulls": false})
            }
            Kind::Bars => {
                json!({"drawStyle": "bars", "fillOpacity": 80, "lineWidth": 0, "stacking": {"mode": "normal", "group": "A"}})
            }
            Kind::States => json!({"fillOpacity": 80, "lineWidth": 0}),
            Kind::Table => json!({"align": "auto", "filterable": true}),
            Kind::Stat | Kind::Gauges => json!({}),
        }
    }

    fn options(&self) -> Value {
        let last = json!({"calcs": ["lastNotNull"], "fields": "", "values": false});
        match self.kind {
            Kind::Stat => json!({"reduceOptions": last, "colorMode": "value", "graphMode": "none", "textMode": "auto"}),
            Kind::Gauges => {
                json!({"reduceOptions": last, "orientation": "horizontal", "displayMode": "basic", "showUnfilled": true})
            }
            Kind::Table => json!({"showHeader": true, "cellHeight": "sm"}),
            Kind::States => {
                json!({"mergeValues": true, "showValue": "never", "rowHeight": 0.8, "legend": legend("list", &[])})
            }
            Kind::Lines => {
                json!({"legend": legend("table", &["lastNotNull", "max"]), "tooltip": {"mode": "multi", "sort": "desc"}})
            }
            Kind::Bars => json!({"legend": legend("table", &["sum"]), "tooltip": {"mode": "multi", "sort": "desc"}}),
        }
    }

    fn overrides(&self) -> Vec<Value> {
        let property = |(_, heading, unit): &(&str, &str, &'static str)| {
            let property = match *unit {
                "" => return None,
                "link" => {
                    json!({"id": "links", "value": [{"title": "Open", "url": "${__value.raw}", "targetBlank": true}]})
                }
                unit => json!({"id": "unit", "value": unit}),
            };
            Some(json!({"matcher": {"id": "byName", "options": heading}, "properties": [property]}))
        };
        let opened = |(heading, title, url): &(&str, &str, &str)| {
            let link = json!({"id": "links", "value": [{"title": title, "url": url, "targetBlank": true}]});
            json!({"matcher": {"id": "byName", "options": heading}, "properties": [link]})
        };
        self.columns.iter().filter_map(property).chain(self.opens.iter().map(opened)).collect()
    }

    /// Tables show the named columns only, in their order and under their headings.
    fn transformations(&self) -> Vec<Value> {
        if self.kind != Kind::Table {
            return Vec::new();
        }
        let fields: Vec<&str> = self.columns.iter().map(|c| c.0).collect();
        let order: Value = fields.iter().enumerate().map(|(i, f)| (f.to_string(), json!(i))).collect();
        let names: Value = self.columns.iter().map(|c| (c.0.to_string(), json!(c.1))).collect();
        let keep = json!({"id": "filterFieldsByName", "options": {"include": {"names": fields}}});
        let arrange =
            json!({"id": "organize", "options": {"indexByName": order, "renameByName": names, "excludeByName": {}}});
        vec![json!({"id": "merge", "options": {}}), keep, arrange]
    }
}

fn steps(low: &str, high: &str, limit: f64) -> Value {
    json!({"mode": "absolute", "steps": [{"color": low, "value": null}, {"color": high, "value": limit}]})
}

fn legend(mode: &str, calcs: &[&str]) -> Value {
    json!({"displayMode": mode, "placement": "bottom", "showLegend": true, "calcs": calcs})
}
