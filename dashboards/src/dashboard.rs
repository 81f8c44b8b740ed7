//! A dashboard: its head, its rows and where each panel goes.

use serde_json::{Value, json};

use crate::panel::Panel;
use crate::variable::{Variable, datasource_variable};
use crate::{RUNBOOK, datasource, expand, trust};

/// Grafana's grid is 24 units wide.
const WIDTH: u32 = 24;

/// A dashboard before layout.
#[derive(Debug)]
pub struct Dashboard {
    /// Fixed id in addresses, and the name of the JSON file.
    pub uid: &'static str,
    /// Title as listed by Grafana.
    pub title: &'static str,
    /// What it answers.
    pub description: &'static str,
    /// Tag beside `footprint`.
    pub tag: &'static str,
    /// Drop-downs after the data source, in order.
    pub variables: Vec<Variable>,
    /// Marks drawn on every panel over time, besides those that all dashboards have.
    pub annotations: Vec<Annotation>,
    /// Where a panel leads that has no link of its own: title and address.
    pub onward: (&'static str, &'static str),
    /// Panels by row, from top to bottom.
    pub rows: Vec<Row>,
}

/// Panels under a heading, laid out from left to right and wrapped.
#[derive(Debug)]
pub struct Row {
    /// Heading; a click on it folds the row.
    pub title: &'static str,
    /// The panels, each with its size.
    pub panels: Vec<Panel>,
}

/// A mark on the time axis.
#[derive(Debug)]
pub struct Annotation {
    /// Name of its switch.
    pub name: &'static str,
    /// PromQL; a mark where it has a value.
    pub query: &'static str,
    /// Text, with `{{label}}` placeholders.
    pub text: &'static str,
    /// Colour of the mark.
    pub color: &'static str,
    /// Whether the value, in milliseconds of Unix time, is the moment to mark.
    pub at_value: bool,
}

impl Annotation {
    fn json(&self) -> Value {
        json!({"name": self.name, "enable": true, "iconColor": self.color, "datasource": datasource(),
               "expr": expand(self.query), "titleFormat": self.text, "step": "60s", "useValueForTime": self.at_value})
    }
}

impl Dashboard {
    /// The classic dashboard JSON, as committed, with a final newline.
    pub fn render(&self) -> String {
        format!("{:#}\n", self.json())
    }

    fn json(&self) -> Value {
        let mut variables = vec![datasource_variable()];
        variables.extend(self.variables.iter().map(Variable::json));
        let own = |mark: &&Annotation| self.annotations.iter().all(|special| special.name != mark.name);
        let common = trust::annotations();
        let annotations: Vec<Value> =
            self.annotations.iter().chain(common.iter().filter(own)).map(Annotation::json).collect();
        json!({
            "id": null, "uid": self.uid, "title": self.title, "description": self.description,
            "tags": ["footprint", self.tag], "schemaVersion": 39, "editable": false, "graphTooltip": 1,
            "refresh": "1m", "timezone": "browser", "time": {"from": "now-24h", "to": "now"},
            "templating": {"list": variables}, "links": self.links(), "panels": self.layout(),
            "annotations": {"list": annotations},
        })
    }

    fn links(&self) -> Value {
        let mut others = link("Footprint", "");
        merge(
            &mut others,
            json!({"type": "dashboards", "tags": ["footprint"], "asDropdown": true,
                                  "includeVars": true, "keepTime": true, "targetBlank": false}),
        );
        json!([others, link("Runbook", RUNBOOK)])
    }

    /// Places rows and panels: full width, no gaps between rows, ids counted from 1.
    fn layout(&self) -> Vec<Value> {
        let (mut placed, mut y) = (Vec::new(), 0);
        for row in &self.rows {
            let id = placed.len() + 1;
            placed.push(json!({"id": id, "type": "row", "title": row.title, "collapsed": false, "panels": [],
                               "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1}}));
            y = self.place(&row.panels, y + 1, &mut placed);
        }
        placed
    }

    /// Places the panels of a row from height `y` and returns where the next row starts.
    fn place(&self, panels: &[Panel], mut y: u32, placed: &mut Vec<Value>) -> u32 {
        let (mut x, mut tallest) = (0, 0);
        for panel in panels {
            let (w, h) = panel.size();
            if x + w > WIDTH {
                (x, y, tallest) = (0, y + tallest, 0);
            }
            let mut json = panel.json();
            merge(&mut json, json!({"id": placed.len() + 1, "gridPos": {"x": x, "y": y, "w": w, "h": h}}));
            if !panel.has_links() {
                merge(&mut json, json!({"links": [link(self.onward.0, self.onward.1)]}));
            }
            placed.push(json);
            (x, tallest) = (x + w, tallest.max(h));
        }
        y + tallest
    }
}

/// A link that opens beside the dashboard.
pub(crate) fn link(title: &str, url: &str) -> Value {
    json!({"title": title, "url": url, "type": "link", "icon": "external link", "tooltip": "", "tags": [],
           "asDropdown": false, "includeVars": false, "keepTime": false, "targetBlank": true})
}

/// Puts the entries of object `more` into object `into`.
pub(crate) fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}
