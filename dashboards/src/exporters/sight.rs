//! Whether the exporters see what they should, and how their polls go.

use super::of_source;
use crate::{Panel, Row};

/// Which sources can be read, and how old what they said is.
pub(super) fn sources() -> Row {
    Row { title: "Do they see?", panels: vec![up(), age()] }
}

fn up() -> Panel {
    Panel::states("Sources", "Whether the last poll of each source succeeded. Red: the reason is among the failed polls; the start page of the exporter has the whole error.", "none")
        .sized(12, 10)
        .query("{{exporter}} {{source}} {{target}}", &of_source("footprint_source_up"))
        .map("0", "failing", "red")
        .map("1", "up", "green")
        .alert("ExporterSourceDown")
}

fn age() -> Panel {
    let last = of_source("footprint_source_last_success_timestamp_seconds");
    let every = of_source("footprint_source_interval_seconds");
    Panel::gauges("Age of data in polls", "Time since the last good poll, in intervals of the source. Far above 3, and minutes: its numbers are of the past.", "short")
        .sized(12, 10)
        .query("{{exporter}} {{source}} {{target}}", &format!("topk(20, (time() - ({last} > 0)) / on (exporter, source, target) {every})"))
        .red_from(30.0)
        .alert("ExporterDataStale")
}

/// How polls go.
pub(super) fn polls() -> Row {
    Row { title: "How do their polls go?", panels: vec![failed(), pace(), duration()] }
}

fn failed() -> Panel {
    let own = "exporter, source, target, reason";
    Panel::bars("Failed polls by reason", "auth and permission: a credential or a role. throttled and timeout: a slower pace. unavailable: the other side's status page. decode: report it. too_many_series: watch less.", "short")
        .sized(8, 8)
        .query("{{exporter}} {{source}} {{target}} {{reason}}", &format!("sum by ({own}) (max by ({own}) (increase(footprint_poll_failures_total{{@exporter}}[$__rate_interval]))) > 0"))
        .alert("ExporterSourceDown")
}

fn pace() -> Panel {
    Panel::lines("Polls a minute", "How often sources are asked. Less than the interval promises: the exporter backs off, or an upstream is slow.", "short")
        .sized(8, 8)
        .query("{{exporter}} {{source}}", "60 * sum by (exporter, source) (max by (exporter, source, target) (rate(footprint_polls_total{@exporter}[$__rate_interval])))")
        .alert("ExporterDataStale")
}

fn duration() -> Panel {
    Panel::lines("How long polls take", "95th percentile by source. Longer than the interval: data gets older; watch fewer things in one process.", "s")
        .sized(8, 8)
        .query("{{exporter}} {{source}}", "histogram_quantile(0.95, sum by (exporter, source, le) (rate(footprint_poll_duration_seconds_bucket{@exporter}[$__rate_interval])))")
        .alert("ExporterDataStale")
}
