//! Whether the exporter is well.

use super::grown;
use crate::{Panel, Row};

/// What the exporter says of itself.
pub(super) fn exporter() -> Row {
    Row { title: "Can you believe this page?", panels: polls().into_iter().chain(streams()).chain(itself()).collect() }
}

fn polls() -> Vec<Panel> {
    vec![
        Panel::states("Sources", "Red: that platform, or Airflow, cannot be read; the start page of the exporter says why.", "none")
            .query("{{source}} {{target}}", r#"max by (source, target) (footprint_source_up{@job,exporter="embulk"})"#)
            .map("0", "failing", "red")
            .map("1", "up", "green")
            .alert("ExporterSourceDown"),
        Panel::gauges("Age of data in polls", "Time since the last good poll, in intervals of the source. Far above 3: this page shows the past.", "short")
            .query("{{source}} {{target}}", r#"(time() - (max by (source, target) (footprint_source_last_success_timestamp_seconds{@job,exporter="embulk"}) > 0)) / on (source, target) max by (source, target) (footprint_source_interval_seconds{@job,exporter="embulk"})"#)
            .red_from(100.0)
            .alert("ExporterDataStale"),
        Panel::bars("Failed polls by reason", "auth and permission want a grant, throttled wants a longer interval, unavailable wants the platform's status page, decode a bug report.", "short")
            .query("{{source}} {{reason}}", r#"sum by (source, reason) (max by (source, target, reason) (increase(footprint_poll_failures_total{@job,exporter="embulk"}[$__rate_interval]))) > 0"#)
            .alert("ExporterSourceDown"),
        Panel::bars("Calls to platforms and Airflow by result", "HTTP status codes. 401 and 403 are rights, 410 is a watch that begins anew, 429 is pace, 5xx is the other side.", "short")
            .query("{{api}} {{code}}", r#"sum by (api, code) (increase(footprint_api_requests_total{@job,exporter="embulk"}[$__rate_interval])) > 0"#),
    ]
}

fn streams() -> Vec<Panel> {
    let of = |metric: &str| format!(r#"{metric}{{@job,runtime=~"$runtime"}}"#);
    let read = format!("max by (runtime) (rate({}[$__rate_interval]))", of("embulk_log_bytes_read_total"));
    let own = "runtime, stream";
    let resumes = grown(own, own, &of("embulk_stream_resumes_total"), "$__rate_interval");
    vec![
        Panel::lines("Logs followed now", "As many as runs go on. Far more: logs of runs that have ended are still open; report it. None while runs go on: is the right to read logs missing?", "short")
            .sized(8, 8)
            .query("{{runtime}}", &format!("max by (runtime) ({})", of("embulk_logs_followed")))
            .alert("EmbulkEvidenceMissing"),
        Panel::lines("Log bytes read a second", "What reading logs costs the platform's API. A load that logs at debug level stands out here.", "Bps")
            .sized(8, 8)
            .query("{{runtime}}", &read),
        Panel::bars("Streams taken up again", "Watches and logs that broke off and went on. Some are normal: API servers end watches. Many: look at the network between.", "short")
            .sized(8, 8)
            .query("{{runtime}} {{stream}}", &format!("{resumes} > 0")),
    ]
}

fn itself() -> Vec<Panel> {
    vec![
        Panel::lines("Series", "What the sources publish, and what is withheld for want of room. Withheld families are missing whole: lower max_jobs or raise max_series.", "short")
            .query("{{source}} {{target}}", r#"max by (source, target) (footprint_series{@job,exporter="embulk"})"#)
            .query("withheld: {{family}} {{target}}", r#"max by (source, target, family) (footprint_withheld_series{@job,exporter="embulk"})"#)
            .alert("ExporterSeriesWithheld"),
        Panel::table("The exporter's state files", "Failed writes: mend the disk or its rights before a restart, else runs are counted twice. Refused: counting began anew at the last start, the log says why.", "short")
            .query("", r#"sum by (instance, target) (increase(footprint_state_write_failures_total{@job,exporter="embulk"}[$__range]))"#)
            .query("", r#"max by (instance, target) (footprint_state_refused{@job,exporter="embulk"})"#)
            .query("", r#"max by (instance, version, revision) (footprint_build_info{@job,exporter="embulk"})"#)
            .column("instance", "Instance", "")
            .column("target", "Target", "")
            .column("Value #A", "Failed writes", "short")
            .column("Value #B", "Refused", "short")
            .column("version", "Version", "")
            .column("revision", "Revision", ""),
    ]
}
