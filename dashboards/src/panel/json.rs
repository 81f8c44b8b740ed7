//! A panel as Grafana's JSON has it.

use serde_json::{Value, json};

use super::{Kind, Panel};
use crate::dashboard::merge;
use crate::datasource;

impl Panel {
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
            Kind::Lines | Kind::Areas | Kind::Bars => "timeseries",
            Kind::Gauges => "bargauge",
            Kind::Table => "table",
            Kind::States => "state-timeline",
        }
    }

    fn targets(&self) -> Vec<Value> {
        let instant = matches!(self.kind, Kind::Stat | Kind::Gauges | Kind::Table);
        let format = if self.kind == Kind::Table { "table" } else { "time_series" };
        let target = |((legend, expr), id): (&(&str, String), char)| {
            let mut target = json!({"refId": id.to_string(), "datasource": datasource(), "expr": expr,
                                    "legendFormat": legend, "instant": instant, "range": !instant, "format": format});
            if self.kind == Kind::Bars {
                // $__rate_interval is longer than the step that Grafana would take, so neighbouring bars would count the
                // same events. As the least step it is the step itself: windows meet, and hold four scrapes or more.
                target["interval"] = json!("$__rate_interval");
            }
            target
        };
        self.queries.iter().zip('A'..='Z').map(target).collect()
    }

    fn defaults(&self) -> Value {
        let plain = json!({"mode": "absolute", "steps": [{"color": "green", "value": null}]});
        let mode = if self.thresholds.is_some() { "thresholds" } else { "palette-classic" };
        let mut defaults = json!({"unit": self.unit, "mappings": self.mappings, "color": {"mode": mode},
                                  "custom": self.custom(), "thresholds": self.thresholds.clone().unwrap_or(plain)});
        if matches!(self.kind, Kind::Lines | Kind::Areas | Kind::Bars | Kind::Gauges) {
            defaults["min"] = json!(0);
        }
        defaults
    }

    fn custom(&self) -> Value {
        match self.kind {
            Kind::Lines => {
                json!({"drawStyle": "line", "lineWidth": 1, "fillOpacity": 8, "showPoints": "auto", "spanNulls": false})
            }
            Kind::Areas => {
                json!({"drawStyle": "line", "fillOpacity": 50, "lineWidth": 1, "showPoints": "auto", "spanNulls": false,
                       "stacking": {"mode": "normal", "group": "A"}})
            }
            Kind::Bars => {
                json!({"drawStyle": "bars", "barAlignment": -1, "fillOpacity": 80, "lineWidth": 0, "stacking": {"mode": "normal", "group": "A"}})
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
            Kind::Lines | Kind::Areas => {
                json!({"legend": legend("table", &["lastNotNull", "max"]), "tooltip": {"mode": "multi", "sort": "desc"}})
            }
            Kind::Bars => {
                let mut largest_first = legend("table", &["sum"]);
                merge(&mut largest_first, json!({"sortBy": "Total", "sortDesc": true}));
                json!({"legend": largest_first, "tooltip": {"mode": "multi", "sort": "desc"}})
            }
        }
    }

    fn overrides(&self) -> Vec<Value> {
        let column = |(_, heading, unit): &(&str, &'static str, &'static str)| {
            let properties = of_unit(unit);
            (!properties.is_empty()).then(|| rule("byName", heading, &properties))
        };
        let opened = |(heading, title, url): &(&str, &str, &str)| rule("byName", heading, &[opens(title, url)]);
        let colored = |(word, color): &(&str, &str)| {
            let shades = json!({"id": "color", "value": {"mode": "shades", "fixedColor": color}});
            rule("byRegexp", &format!("/(^| ){word}$/"), &[shades])
        };
        let columns = self.columns.iter().filter_map(column).chain(self.opens.iter().map(opened));
        columns.chain(self.colors.iter().map(colored)).collect()
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

/// What a column's unit means to Grafana; nothing for text.
fn of_unit(unit: &str) -> Vec<Value> {
    match unit {
        "" => Vec::new(),
        "link" => {
            let open = json!([{"type": "regex", "options": {"pattern": ".+", "result": {"text": "Open", "index": 0}}}]);
            vec![opens("Open", "${__value.raw}"), json!({"id": "mappings", "value": open})]
        }
        unit => vec![json!({"id": "unit", "value": unit})],
    }
}

fn opens(title: &str, url: &str) -> Value {
    json!({"id": "links", "value": [{"title": title, "url": url, "targetBlank": true}]})
}

fn rule(matcher: &str, options: &str, properties: &[Value]) -> Value {
    json!({"matcher": {"id": matcher, "options": options}, "properties": properties})
}

fn legend(mode: &str, calcs: &[&str]) -> Value {
    json!({"displayMode": mode, "placement": "bottom", "showLegend": true, "calcs": calcs})
}
