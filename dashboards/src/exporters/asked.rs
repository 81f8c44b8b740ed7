//! What the exporters ask of others, and what that costs.

use crate::{Panel, Row};

/// Calls to upstream APIs.
pub(super) fn upstream() -> Row {
    Row { title: "What do they ask of others?", panels: vec![calls(), refused(), billed()] }
}

fn calls() -> Panel {
    Panel::lines("Calls to upstream APIs a second", "By API. BigQuery allows 100 a second for a user and method; Airflow's web server far less: see its budget on the Airflow dashboard.", "reqps")
        .sized(10, 8)
        .query("{{exporter}} {{api}}", "sum by (exporter, api) (rate(footprint_api_requests_total{@exporter}[$__rate_interval]))")
}

fn refused() -> Panel {
    Panel::bars("Calls that did not succeed", "By HTTP status code, or timeout and connect where there was no answer. 401 and 403: rights. 429: pace. 5xx: the other side.", "short")
        .sized(10, 8)
        .query("{{exporter}} {{api}} {{code}}", r#"sum by (exporter, api, code) (increase(footprint_api_requests_total{@exporter,code!~"2..|304"}[$__rate_interval])) > 0"#)
        .alert("ExporterSourceDown")
}

fn billed() -> Panel {
    Panel::stat(
        "BigQuery bytes billed to the exporters",
        "They read lists and metadata, which cost nothing, and run no query. Anything but 0 is a fault: report it.",
        "bytes",
    )
    .sized(4, 8)
    .query("", "sum(increase(footprint_query_billed_bytes_total{@exporter}[$__range])) or vector(0)")
    .red_from(1.0)
}
