//! Variables at the head of a dashboard.

use serde_json::{Value, json};

use crate::{datasource, expand};

/// A drop-down filled with the values of a label; several or all may be chosen.
#[derive(Debug)]
pub struct Variable {
    name: &'static str,
    label: &'static str,
    /// Selector shorthand of the series whose label values are offered.
    series: &'static str,
}

impl Variable {
    /// Offers the values that label `name` has on `series` (a selector, shorthands allowed).
    pub fn new(name: &'static str, label: &'static str, series: &'static str) -> Self {
        Variable { name, label, series }
    }

    pub(crate) fn json(&self) -> Value {
        let query = format!("label_values({}, {})", expand(self.series), self.name);
        json!({
            "name": self.name, "label": self.label, "type": "query", "datasource": datasource(),
            "query": {"query": query, "refId": "StandardVariableQuery"},
            "multi": true, "includeAll": true, "allValue": ".+", "refresh": 2, "sort": 1,
            "current": {"selected": true, "text": ["All"], "value": ["$__all"]},
        })
    }
}

/// The drop-down of Prometheus data sources.
pub(crate) fn datasource_variable() -> Value {
    json!({"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus",
           "current": {"selected": false, "text": "default", "value": "default"}})
}
