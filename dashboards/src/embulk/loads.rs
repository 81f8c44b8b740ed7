//! Which loads fail, why, and how long they take.

use super::{LOAD, grown, newest};
use crate::{Panel, Row};

/// Causes and where they strike.
pub(super) fn why() -> Row {
    Row { title: "What failed, and why", panels: vec![failed(), states(), causes(), reruns(), stalest()] }
}

fn failed() -> Panel {
    let failures = newest("embulk_job_consecutive_failures");
    let about = "embulk_job, runtime, cause, evidence, rule, outcome";
    let when = format!("max by ({about}) (embulk_job_last_failure_timestamp_seconds{{@load}})");
    Panel::table("Loads that fail now, and why", "The cause of the last run, the rule and kind of evidence behind it, and for how many runs in a row. The causes are explained in docs/CAUSES.md.", "short")
        .sized(24, 8)
        .query("", &format!("1000 * ({when} and on ({LOAD}) ({failures} > 0))"))
        .query("", &format!("{failures} > 0"))
        .column("embulk_job", "Load", "")
        .column("runtime", "Runtime", "")
        .column("outcome", "Outcome", "")
        .column("cause", "Cause", "")
        .column("rule", "Rule", "")
        .column("evidence", "Found in", "")
        .column("Value #A", "Ended", "dateTimeAsIso")
        .column("Value #B", "In a row", "short")
        .alert("EmbulkLoadFailing")
}

fn states() -> Panel {
    Panel::states(
        "How each load's last run ended",
        "Red since when: what was deployed, or what came into the data, at that time?",
        "short",
    )
    .sized(24, 9)
    .query("{{embulk_job}} ({{runtime}})", &newest("embulk_job_last_run_success"))
    .map("0", "failed", "red")
    .map("1", "success", "green")
}

fn causes() -> Panel {
    let own = "embulk_job, runtime, cause";
    let by_job = grown(own, own, "embulk_job_failures_total{@load}", "$__rate_interval");
    Panel::bars(
        "Failures by cause",
        "One cause over many loads: repair that first. unclassified: a rule of your own names it.",
        "short",
    )
    .query("{{cause}}", &format!("sum by (cause) ({by_job}) > 0"))
    .query(
        "{{cause}}, all loads",
        &format!("{} > 0", grown("cause", "runtime, cause", "embulk_failure_causes_total{@job}", "$__rate_interval")),
    )
    .alert("EmbulkFailuresUnclassified")
}

fn reruns() -> Panel {
    let ended = |matcher: &str| {
        grown("cause", "runtime, cause, outcome", &format!("embulk_reruns_total{{@job{matcher}}}"), "30d")
    };
    Panel::table("What running again cures, last 30 days", "How often the run after a failure succeeded, by what the failure was. A cause that reruns do not cure needs a person, not a retry.", "short")
        .query("", &format!("{} > 0", ended("")))
        .query("", &format!("{} / ({} > 0)", ended(r#",outcome="success""#), ended("")))
        .column("cause", "Cause", "")
        .column("Value #A", "Runs after it", "short")
        .column("Value #B", "Cured", "percentunit")
}

fn stalest() -> Panel {
    let last = newest("embulk_job_last_success_timestamp_seconds");
    Panel::table(
        "Longest without a success",
        "Loads by the age of their last success; those that never succeeded have none. Is it meant to be that old?",
        "s",
    )
    .query("", &format!("topk(25, time() - ({last} > 0))"))
    .column("embulk_job", "Load", "")
    .column("runtime", "Runtime", "")
    .column("Value", "Last success", "s")
}

/// Durations, queues, retries.
pub(super) fn times() -> Row {
    Row { title: "What takes how long", panels: vec![took(), active(), spread(), queue(), retries(), tasks()] }
}

fn took() -> Panel {
    Panel::lines(
        "Duration of the last run",
        "A line that climbs over days: more data, or a slower source or destination.",
        "s",
    )
    .query("{{embulk_job}} ({{runtime}})", &newest("embulk_job_last_run_duration_seconds"))
}

fn active() -> Panel {
    let since = newest("embulk_job_oldest_active_run_start_timestamp_seconds");
    let by = "embulk_job, runtime, state";
    Panel::lines("Runs that go on, and since when", "Runs by state, and the age of each load's oldest active run. Pending for long: no node, no image, no capacity.", "short")
        .query("{{embulk_job}} {{state}}", &format!("max by ({by}) (embulk_job_runs_active{{@load}}) > 0"))
        .query("{{embulk_job}} age in minutes", &format!("(time() - ({since} > 0)) / 60"))
        .alert("EmbulkLoadPending")
}

fn spread() -> Panel {
    let own = "embulk_job, runtime, outcome, le";
    let buckets = format!(
        "sum by (outcome, le) (max by ({own}) (rate(embulk_job_run_duration_seconds_bucket{{@load}}[$__rate_interval])))"
    );
    Panel::lines(
        "Duration of nine in ten runs",
        "By outcome. Failures that take as long as successes fail at their end: in the commit or copy.",
        "s",
    )
    .query("{{outcome}}", &format!("histogram_quantile(0.9, {buckets})"))
}

fn queue() -> Panel {
    let buckets =
        "sum by (runtime, le) (max by (runtime, le) (rate(embulk_run_queue_seconds_bucket{@job}[$__rate_interval])))";
    Panel::lines(
        "Wait for a start, nine in ten runs",
        "From when a run was asked for until its process started: scheduling, image pull, queue.",
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
    .query("", &format!("{} < {}", of("done"), of("planned")))
    .query("", &format!("{} > {}", of("planned"), of("done")))
    .column("embulk_job", "Load", "")
    .column("runtime", "Runtime", "")
    .column("Value #A", "Done", "short")
    .column("Value #B", "Planned", "short")
}
