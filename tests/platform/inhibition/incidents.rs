//! What fires together, and what of it people are told.

use footprint_tests::prometheus::Labels;
use promql_parser::parser::Expr;

/// Alerts that fire at once, as `Name{label="value"}`.
pub struct Incident {
    /// What happened.
    pub name: &'static str,
    /// What reaches people.
    pub told: &'static [&'static str],
    /// What Alertmanager keeps to itself.
    pub silent: &'static [&'static str],
}

/// Labels of an alert in the notation of an incident.
///
/// # Panics
/// When it is none.
pub fn labels(alert: &str) -> Labels {
    let Ok(Expr::VectorSelector(selector)) = promql_parser::parser::parse(alert) else { panic!("{alert}") };
    let name = selector.name.unwrap_or_else(|| panic!("{alert}: no name"));
    let labels = selector.matchers.matchers.into_iter().map(|matcher| (matcher.name, matcher.value));
    labels.chain([("alertname".to_owned(), name)]).collect()
}

/// The incidents. Neighbours that are told show where a silence ends.
pub const INCIDENTS: &[Incident] = &[
    Incident {
        name: "a failed DAG makes a table late that pages",
        told: &[
            r#"DagFailureMakesDataLate{severity="critical",airflow_environment="prod",dag_id="Ingest",dag_label="ingest"}"#,
            r#"DagRunFailed{severity="warning",airflow_environment="prod",dag_id="other",dag_label="other"}"#,
            r#"DagRunFailed{severity="warning",airflow_environment="test",dag_id="Ingest",dag_label="ingest"}"#,
            r#"TableLate{severity="critical",gcp_project="p",dataset="d",table="of_nobody"}"#,
            r#"TableLate{severity="critical",gcp_project="p",dataset="d",table="of_other",dag_label="other"}"#,
        ],
        silent: &[
            r#"DagRunFailed{severity="warning",airflow_environment="prod",dag_id="Ingest",dag_label="ingest"}"#,
            r#"DagFailingRepeatedly{severity="critical",airflow_environment="prod",dag_id="Ingest"}"#,
            r#"DagLate{severity="critical",airflow_environment="prod",dag_id="Ingest"}"#,
            r#"TableLate{severity="critical",gcp_project="p",dataset="raw",table="orders",dag_label="ingest"}"#,
            r#"TableLate{severity="warning",gcp_project="p",dataset="raw",table="clicks",dag_label="ingest"}"#,
            r#"EmbulkLoadFailing{severity="warning",embulk_job="orders",runtime="kubernetes",dag_id="Ingest"}"#,
            r#"EmbulkLoadFailingRepeatedly{severity="critical",embulk_job="orders",runtime="kubernetes",dag_id="Ingest"}"#,
            r#"BigQueryWorkloadFailing{severity="warning",gcp_project="p",dag_id="ingest",dag_label="ingest",task_id="load"}"#,
        ],
    },
    Incident {
        name: "a failed DAG makes a table late that pages, and nothing else says so",
        told: &[
            r#"DagFailureMakesDataLate{severity="critical",airflow_environment="prod",dag_id="a",dag_label="a"}"#,
            r#"TableLate{severity="info",gcp_project="p",dataset="d",table="t",dag_label="b"}"#,
        ],
        silent: &[r#"DagRunFailed{severity="warning",airflow_environment="prod",dag_id="a",dag_label="a"}"#],
    },
    Incident {
        name: "no message to the chat takes a page away",
        told: &[
            r#"DagRunFailed{severity="warning",airflow_environment="prod",dag_id="a",dag_label="a"}"#,
            r#"TableLate{severity="critical",gcp_project="p",dataset="d",table="t",dag_label="a"}"#,
            r#"DagFailureMakesDataLate{severity="warning",airflow_environment="prod",dag_id="b",dag_label="b"}"#,
            r#"TableLate{severity="critical",gcp_project="p",dataset="d",table="u",dag_label="b"}"#,
            r#"DagFailingRepeatedly{severity="critical",airflow_environment="prod",dag_id="b"}"#,
            r#"DagLate{severity="critical",airflow_environment="prod",dag_id="b"}"#,
            r#"DagFailureMakesDataLate{severity="warning",airflow_environment="prod",dag_id="c",dag_label="c"}"#,
            r#"EmbulkLoadFailingRepeatedly{severity="critical",embulk_job="x",runtime="docker",dag_id="c"}"#,
        ],
        silent: &[
            r#"TableLate{severity="warning",gcp_project="p",dataset="d",table="v",dag_label="b"}"#,
            r#"DagRunFailed{severity="warning",airflow_environment="prod",dag_id="b",dag_label="b"}"#,
        ],
    },
    Incident {
        name: "the load or the query of a DAG that failed",
        told: &[
            r#"DagRunFailed{severity="warning",airflow_environment="prod",dag_id="a",dag_label="a"}"#,
            r#"EmbulkLoadFailing{severity="warning",embulk_job="by hand",runtime="docker"}"#,
            r#"BigQueryWorkloadFailing{severity="warning",gcp_project="p",dag_id="b",dag_label="b",task_id="t"}"#,
        ],
        silent: &[
            r#"EmbulkLoadFailing{severity="warning",embulk_job="x",runtime="docker",dag_id="a"}"#,
            r#"BigQueryWorkloadFailing{severity="warning",gcp_project="p",dag_id="a",dag_label="a",task_id="t"}"#,
        ],
    },
    Incident {
        name: "the load of a DAG that fails again and again",
        told: &[
            r#"DagFailingRepeatedly{severity="critical",airflow_environment="prod",dag_id="a"}"#,
            r#"EmbulkLoadFailingRepeatedly{severity="critical",embulk_job="y",runtime="docker"}"#,
            r#"EmbulkLoadFailing{severity="warning",embulk_job="y",runtime="kubernetes"}"#,
        ],
        silent: &[
            r#"DagRunFailed{severity="warning",airflow_environment="prod",dag_id="a",dag_label="a"}"#,
            r#"EmbulkLoadFailingRepeatedly{severity="critical",embulk_job="x",runtime="docker",dag_id="a"}"#,
            r#"EmbulkLoadFailing{severity="warning",embulk_job="y",runtime="docker"}"#,
        ],
    },
    Incident {
        name: "tables that are late often",
        told: &[
            r#"TableLate{severity="critical",gcp_project="p",dataset="d",table="now"}"#,
            r#"TableFreshnessBudgetBurnFast{severity="warning",gcp_project="p",dataset="d",table="before"}"#,
            r#"TableFreshnessBudgetBurnSlow{severity="info",gcp_project="p",dataset="d",table="long_before"}"#,
        ],
        silent: &[
            r#"TableFreshnessBudgetBurnFast{severity="warning",gcp_project="p",dataset="d",table="now"}"#,
            r#"TableFreshnessBudgetBurnSlow{severity="info",gcp_project="p",dataset="d",table="now"}"#,
            r#"TableFreshnessBudgetBurnSlow{severity="info",gcp_project="p",dataset="d",table="before"}"#,
        ],
    },
    Incident {
        name: "a scheduler is down",
        told: &[
            r#"AirflowSchedulerDown{severity="critical",airflow_environment="prod"}"#,
            r#"DagLate{severity="critical",airflow_environment="test",dag_id="a"}"#,
            r#"AirflowComponentUnhealthy{severity="warning",airflow_environment="prod",component="triggerer"}"#,
        ],
        silent: &[
            r#"DagLate{severity="critical",airflow_environment="prod",dag_id="a"}"#,
            r#"AirflowTasksQueuedTooLong{severity="warning",airflow_environment="prod"}"#,
            r#"AirflowPoolExhausted{severity="warning",airflow_environment="prod",pool="p"}"#,
        ],
    },
    Incident {
        name: "Composer is broken",
        told: &[
            r#"ComposerEnvironmentUnhealthy{severity="critical",airflow_environment="prod"}"#,
            r#"AirflowSchedulerDown{severity="critical",airflow_environment="test"}"#,
        ],
        silent: &[
            r#"AirflowSchedulerDown{severity="critical",airflow_environment="prod"}"#,
            r#"AirflowComponentUnhealthy{severity="warning",airflow_environment="prod",component="triggerer"}"#,
        ],
    },
    Incident {
        name: "a source is blind, another has no calls left",
        told: &[
            r#"ExporterDataStale{severity="critical",airflow_environment="prod",exporter="airflow",source="dags",target="prod"}"#,
            r#"DagRunStuck{severity="warning",airflow_environment="test",dag_id="a"}"#,
            r#"AirflowCallBudgetExhausted{severity="warning",airflow_environment="test"}"#,
            r#"ExporterSourceDown{severity="warning",airflow_environment="prod",exporter="airflow",source="status",target="prod"}"#,
        ],
        silent: &[
            r#"DagRunStuck{severity="warning",airflow_environment="prod",dag_id="a"}"#,
            r#"AirflowCallBudgetExhausted{severity="warning",airflow_environment="prod"}"#,
            r#"ExporterSourceDown{severity="warning",airflow_environment="prod",exporter="airflow",source="dags",target="prod"}"#,
            r#"AirflowActivityBehind{severity="warning",airflow_environment="test"}"#,
        ],
    },
    Incident {
        name: "an exporter is down, and with it the only one of its kind",
        told: &[
            r#"ExporterDown{severity="critical",exporter="airflow",instance="a:1"}"#,
            r#"BigQueryExporterAbsent{severity="critical",exporter="bigquery"}"#,
            r#"EmbulkExporterAbsent{severity="critical",exporter="embulk"}"#,
            r#"FreshnessExporterAbsent{severity="critical",exporter="freshness"}"#,
            r#"Watchdog{severity="none"}"#,
        ],
        silent: &[
            r#"AirflowExporterAbsent{severity="critical",exporter="airflow"}"#,
            r#"DagLate{severity="critical",airflow_environment="prod",dag_id="a"}"#,
            r#"FailureCauseUnclassifiedHigh{severity="info",airflow_environment="prod"}"#,
            r#"BigQueryJobsPending{severity="warning",gcp_project="p"}"#,
            r#"EmbulkLoadPending{severity="warning",embulk_job="x"}"#,
            r#"TableLate{severity="critical",gcp_project="p",dataset="d",table="t"}"#,
            r#"MaterializedViewStale{severity="warning",gcp_project="p",dataset="d",table="t"}"#,
            r#"FreshnessExporterBehind{severity="critical",gcp_project="p"}"#,
            r#"ExporterDataStale{severity="critical",exporter="embulk",source="docker",target="d"}"#,
        ],
    },
];
