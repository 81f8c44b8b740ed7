//! How long loads take, wait and try.

use super::{LOAD, active, grown, newest};
use crate::{Panel, Row};

/// Durations, queues, retries.
pub(super) fn taken() -> Row {
    let panels = vec![open(), usual(), took(), states(), spread(), queue(), retries(), tasks()];
    Row { title: "What takes how long", panels }
}

fn open() -> Panel {
    let since = newest("embulk_job_oldest_active_run_start_timestamp_seconds");
    let usual = newest("embulk_job_last_success_duration_seconds");
    let of = |what: &str| format!("{what} and on ({LOAD}) ({since} > 0)");
    let waits = format!(r#"max by ({LOAD}) (embulk_job_runs_active{{@load,state="pending"}})"#);
    Panel::table("Runs that are open longest", "Each load's oldest run that goes on or waits, beside its last success. Far older than that: read its log for what it waits for.", "s")
        .query("", &format!("topk(25, time() - ({since} > 0))"))
        .query("", &of(&usual))
        .query("", &of(&waits))
        .column("embulk_job", "Load", "")
        .column("runtime", "Runtime", "")
        .column("Value #A", "Open for", "s")
        .column("Value #B", "Last success took", "s")
        .column("Value #C", "Runs waiting", "short")
        .alert("EmbulkLoadRunsLong")
}

fn usual() -> Panel {
    let took = "embulk_job_last_run_duration_seconds";
    let usual = format!("max by ({LOAD}) (quantile_over_time(0.5, {took}{{@load}}[7d]))");
    Panel::gauges("Last duration against the usual", "Last run's duration as a multiple of the load's median of the week. Far above 1: more data, a slower source, or retries. Far below: did it do its work?", "short")
        .query("{{embulk_job}} ({{runtime}})", &format!("topk(15, {} / on ({LOAD}) ({usual} > 0))", newest(took)))
        .red_from(3.0)
        .alert("EmbulkLoadRunsLong")
}

fn took() -> Panel {
    Panel::lines(
        "Duration of the last run",
        "A line that climbs over days: more data, or a slower source or destination. A jump: a change to find.",
        "s",
    )
    .query("{{embulk_job}} ({{runtime}})", &newest("embulk_job_last_run_duration_seconds"))
}

fn states() -> Panel {
    let runs = "max by (embulk_job, runtime, state) (embulk_job_runs_active{@load})";
    Panel::lines(
        "Runs that go on and runs that wait",
        "Pending runs that grow while running ones do not: no node, no image, no capacity. None at all where there always are some: who starts them?",
        "short",
    )
    .query("{{runtime}} {{state}}", &format!("sum by (runtime, state) ({runs})"))
    .colored(&[("running", "green"), ("pending", "yellow"), ("wait", "orange")])
    .query("loads that wait", &format!("count({}) or vector(0)", active("pending")))
    .alert("EmbulkLoadPending")
}

fn spread() -> Panel {
    let own = "embulk_job, runtime, outcome, le";
    let rate = "rate(embulk_job_run_duration_seconds_bucket{@load}[$__rate_interval])";
    let buckets = format!("sum by (outcome, le) (max by ({own}) ({rate}))");
    Panel::lines(
        "Duration of nine in ten runs",
        "By outcome. Failures that take as long as successes fail at their end: in the commit or copy.",
        "s",
    )
    .query("{{outcome}}", &format!("histogram_quantile(0.9, {buckets})"))
    .colored(&[("success", "green"), ("failure", "red"), ("killed", "purple"), ("unknown", "yellow")])
}

fn queue() -> Panel {
    let rate = r#"rate(embulk_run_queue_seconds_bucket{@job,runtime=~"$runtime"}[$__rate_interval])"#;
    let buckets = format!("sum by (runtime, le) (max by (runtime, le) ({rate}))");
    Panel::lines(
        "Wait for a start, nine in ten runs",
        "From when a run was asked for until its process started: scheduling, image pull, queue. Minutes: a node pool or queue is too small.",
        "s",
    )
    .query("{{runtime}}", &format!("histogram_quantile(0.9, {buckets})"))
    .alert("EmbulkLoadPending")
}

fn retries() -> Panel {
    let own = "embulk_job, runtime, retried_by";
    let series = "embulk_job_retries_total{@load}";
    Panel::bars("Retries", "airflow and platform start the whole run again; plugin repeats a request or batch. Many: see what the causes say.", "short")
        .query("{{embulk_job}} by {{retried_by}}", &format!("{} > 0", grown("embulk_job, retried_by", own, series, "$__rate_interval")))
}

fn tasks() -> Panel {
    let of = |state: &str| format!(r#"max by ({LOAD}) (embulk_job_last_run_tasks{{@load,state="{state}"}})"#);
    Panel::table(
        "Tasks that the last run did not finish",
        "Embulk's own tasks: how far a failed run came before it ended.",
        "short",
    )
    .query("", &format!("{} < on ({LOAD}) {}", of("done"), of("planned")))
    .query("", &format!("{} > on ({LOAD}) {}", of("planned"), of("done")))
    .column("embulk_job", "Load", "")
    .column("runtime", "Runtime", "")
    .column("Value #A", "Done", "short")
    .column("Value #B", "Planned", "short")
}
