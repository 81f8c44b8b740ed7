//! Which loads fail, and why.

use super::{LOAD, grown, newest};
use crate::{Panel, Row};

/// Causes and where they strike.
pub(super) fn why() -> Row {
    let panels = vec![failed(), states(), most(), causes(), by_load(), reruns(), stalest()];
    Row { title: "What failed, and why", panels }
}

fn failed() -> Panel {
    let failures = newest("embulk_job_consecutive_failures");
    let about = "embulk_job, runtime, cause, evidence, rule, outcome";
    let when = format!("max by ({about}) (embulk_job_last_failure_timestamp_seconds{{@load}})");
    let when = format!("topk by ({LOAD}) (1, {when})");
    Panel::table("Loads that fail now, and why", "The cause of the last run, the rule and kind of evidence behind it, and for how many runs in a row. The causes are explained in docs/CAUSES.md.", "short")
        .sized(24, 8)
        .query("", &format!("1000 * ({when} and on ({LOAD}) ({failures} > 0))"))
        .query("", &format!("{failures} > 0"))
        .column("embulk_job", "Load", "")
        .column("runtime", "Runtime", "")
        .column("outcome", "Outcome", "")
        .column("cause", "Cause", "")
        .column("Value #A", "Ended", "dateTimeFromNow")
        .column("Value #B", "In a row", "short")
        .column("rule", "Rule", "")
        .column("evidence", "Found in", "")
        .alert("EmbulkLoadFailing")
}

fn states() -> Panel {
    Panel::states(
        "How each load's last run ended",
        "Red since when: what was deployed, or what came into the data, at that time? Choose fewer loads above if the list is long.",
        "short",
    )
    .sized(24, 9)
    .query("{{embulk_job}} ({{runtime}})", &format!("min by ({LOAD}) (embulk_job_last_run_success{{@load}})"))
    .map("0", "failed", "red")
    .map("1", "success", "green")
}

fn most() -> Panel {
    let ended = |matcher: &str| {
        let series = format!("embulk_job_runs_total{{@load{matcher}}}");
        grown(LOAD, "embulk_job, runtime, outcome", &series, "$__range")
    };
    let failed = format!("topk(25, {} > 0)", ended(r#",outcome!="success""#));
    Panel::table("Loads that fail most in this time range", "Runs that failed, were killed or ended unseen, beside all runs. A load that heals by reruns costs time and money too: repair what leads this list.", "short")
        .query("", &failed)
        .query("", &format!("{} and on ({LOAD}) {failed}", ended("")))
        .column("embulk_job", "Load", "")
        .column("runtime", "Runtime", "")
        .column("Value #A", "Failed", "short")
        .column("Value #B", "Runs", "short")
        .alert("EmbulkLoadFailingRepeatedly")
}

fn causes() -> Panel {
    let all = grown(
        "cause",
        "runtime, cause",
        r#"embulk_failure_causes_total{@job,runtime=~"$runtime"}"#,
        "$__rate_interval",
    );
    Panel::bars(
        "Failures by cause",
        "Of all loads. One cause over many of them: repair that first. unclassified: a rule of your own names it.",
        "short",
    )
    .query("{{cause}}", &format!("{all} > 0"))
    .alert("EmbulkFailuresUnclassified")
}

fn by_load() -> Panel {
    let own = "embulk_job, runtime, cause";
    let again = grown(own, own, "embulk_job_failures_total{@load}", "$__range");
    Panel::gauges(
        "Causes that come again, by load",
        "How often a load failed with a cause that it had failed with before; its first failure of a cause is not in it. These are the habits to end.",
        "short",
    )
    .query("{{embulk_job}} ({{runtime}}) {{cause}}", &format!("topk(20, {again} > 0)"))
    .alert("EmbulkLoadFailingRepeatedly")
}

fn reruns() -> Panel {
    let ended = |matcher: &str| {
        let series = format!(r#"embulk_reruns_total{{@job,runtime=~"$runtime"{matcher}}}"#);
        grown("cause", "runtime, cause, outcome", &series, "30d")
    };
    Panel::table("What running again cures, last 30 days", "How often the run after a failure succeeded, by what the failure was. A cause that reruns do not cure needs a person, not a retry.", "short")
        .query("", &format!("{} > 0", ended("")))
        .query("", &format!("{} / on (cause) ({} > 0)", ended(r#",outcome="success""#), ended("")))
        .column("cause", "Cause", "")
        .column("Value #A", "Runs after it", "short")
        .column("Value #B", "Cured", "percentunit")
}

fn stalest() -> Panel {
    let last = newest("embulk_job_last_success_timestamp_seconds");
    let failures = newest("embulk_job_consecutive_failures");
    Panel::table(
        "Longest without a success",
        "Loads by the age of their last success, then those that failed and of which no success is known. Is it meant to be that old? Who reads the table?",
        "s",
    )
    .query("", &format!("topk(25, time() - ({last} > 0))"))
    .query("", &format!("topk(25, {failures} > 0 and on ({LOAD}) ({last} == 0))"))
    .column("embulk_job", "Load", "")
    .column("runtime", "Runtime", "")
    .column("Value #A", "Last success", "s")
    .column("Value #B", "Failures, no success known", "short")
    .alert("EmbulkLoadFailingRepeatedly")
}
