//! Grafana dashboards as Rust values. [`all`] lists them; their JSON is committed in `grafana/` and
//! rewritten by `UPDATE_EXPECT=1 cargo test -p footprint-dashboards`.
//!
//! To add a panel, add a [`Panel`] to a row of a dashboard: kind, title, what to do, unit, query.
//! Ids, positions, data source and everything that dashboard-linter asks for are filled in.

mod airflow;
mod bigquery;
mod dashboard;
mod embulk;
mod exporters;
mod freshness;
mod overview;
mod panel;
pub mod rules;
mod trust;
mod variable;

pub use dashboard::{Annotation, Dashboard, Row};
pub use panel::Panel;
pub use variable::Variable;

/// Where the runbook is read; `#` and the alert's name in lower case lead to its section.
pub const RUNBOOK: &str = "https://github.com/footprint-exporters/footprint/blob/main/docs/RUNBOOK.md";

/// Address of an alert's section in the runbook.
pub fn runbook(alert: &str) -> String {
    format!("{RUNBOOK}#{}", alert.to_lowercase())
}

/// Every dashboard, in the order in which a reader should open them.
pub fn all() -> Vec<Dashboard> {
    vec![
        overview::dashboard(),
        airflow::dashboard(),
        bigquery::dashboard(),
        embulk::dashboard(),
        freshness::dashboard(),
        exporters::dashboard(),
    ]
}

/// Replaces the selector shorthands, which stand for matchers on the dashboard's variables: `@dag`
/// includes `@env`, `@task` and `@table` include `@project`, and all include `@job`, as do `@reservation`, `@load` and `@exporter`.
fn expand(query: &str) -> String {
    query
        .replace("@dag", r#"@env,dag_id=~"$dag_id""#)
        .replace("@task", r#"@project,dag_id=~"$dag_id""#)
        .replace("@table", r#"@project,dataset=~"$dataset",table=~"$table""#)
        .replace("@project", r#"@job,gcp_project=~"$gcp_project""#)
        .replace("@reservation", r#"@job,reservation=~"$reservation""#)
        .replace("@load", r#"@job,embulk_job=~"$embulk_job",runtime=~"$runtime""#)
        .replace("@exporter", r#"@job,exporter=~"$exporter""#)
        .replace("@env", r#"@job,airflow_environment=~"$airflow_environment""#)
        .replace("@job", r#"job=~"$job""#)
}

/// The data source that every panel, variable and annotation asks: the one chosen on the dashboard.
fn datasource() -> serde_json::Value {
    serde_json::json!({"type": "prometheus", "uid": "${datasource}"})
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use serde_json::Value;

    fn series_over_time() -> impl Iterator<Item = (Value, Value)> {
        let boards = super::all().into_iter().map(|board| serde_json::from_str::<Value>(&board.render()).unwrap());
        let panels = boards.flat_map(|board| board["panels"].as_array().unwrap().clone());
        let panels = panels.filter(|panel| panel["type"] == "timeseries");
        panels.flat_map(|panel| {
            panel["targets"].as_array().unwrap().clone().into_iter().map(move |target| (panel.clone(), target))
        })
    }

    #[test]
    fn what_is_added_up_are_increases_in_windows_that_meet() {
        for (panel, target) in series_over_time() {
            let grown = target["expr"].as_str().unwrap().contains("increase(");
            let counted = target["expr"].as_str().unwrap().contains("[$__rate_interval]") && grown;
            let meet = target["interval"] == "$__rate_interval";
            let summed = panel["options"]["legend"]["calcs"][0] == "sum";
            assert_eq!((counted, counted), (meet, summed), "{}: {}", panel["title"], target["expr"]);
        }
    }

    #[test]
    fn states_that_are_series_have_colours_of_their_own() {
        for (panel, target) in series_over_time() {
            let legend = target["legendFormat"].as_str().unwrap();
            if ["state", "outcome", "verdict", "late_cause"]
                .iter()
                .any(|label| legend.ends_with(&format!("{{{{{label}}}}}")))
            {
                assert_ne!(panel["fieldConfig"]["overrides"], serde_json::json!([]), "{}: {legend}", panel["title"]);
            }
        }
    }
}
