//! Which exporters run, what they keep and what they weigh.

use crate::{Panel, Row};

/// Which exporters there are.
pub(super) fn there() -> Row {
    Row { title: "Are they there?", panels: vec![up(), blind(), oldest(), versions(), shards()] }
}

fn up() -> Panel {
    Panel::stat("Exporters that answer", "One number for each kind, replicas counted. A kind that should be there and is not: nobody watches what it watches.", "short")
        .sized(6, 5)
        .query("{{exporter}}", "count by (exporter) (max by (exporter, job, instance) (footprint_build_info{@exporter}))")
        .alert("ExporterDown")
}

fn blind() -> Panel {
    Panel::stat(
        "Sources that cannot be read",
        "Their last poll failed. Above 0: the panels below say which and why; what they show elsewhere is old or gone.",
        "short",
    )
    .sized(4, 5)
    .query("", "count(max by (exporter, source, target) (footprint_source_up{@exporter}) == 0) or vector(0)")
    .red_from(1.0)
    .alert("ExporterSourceDown")
}

fn oldest() -> Panel {
    let age = "max by (exporter, source, target) (footprint_source_last_success_timestamp_seconds{@exporter}) > 0";
    Panel::stat("Oldest data", "Time since the source that waits longest was read. Some sources are asked every hour; see the age in intervals below.", "s")
        .sized(4, 5)
        .query("", &format!("max(time() - ({age}))"))
        .alert("ExporterDataStale")
}

fn versions() -> Panel {
    Panel::table("Builds, and since when they run", "A new version or a restart explains many a bend. Restarts that nobody made: out of memory, or a node that went away.", "none")
        .sized(10, 5)
        .query("", "max by (exporter, job, instance, version, revision) (footprint_build_info{@exporter})")
        .query("", "1000 * max by (job, instance) (process_start_time_seconds{@job}) and on (job, instance) max by (job, instance) (footprint_build_info{@exporter})")
        .query("", "1000 * max by (job, instance) (footprint_config_last_reload_success_timestamp_seconds{@exporter})")
        .column("exporter", "Exporter", "")
        .column("instance", "Instance", "")
        .column("version", "Version", "")
        .column("revision", "Revision", "")
        .column("Value #B", "Started", "dateTimeFromNow")
        .column("Value #C", "Configuration read", "dateTimeFromNow")
        .alert("ExporterConfigNotReloaded")
}

fn shards() -> Panel {
    Panel::table("Who watches what", "With --shard, each number from 1 to the last must be there. With --leader-election.lease, one of each lease polls (1) and the others stand by (0).", "none")
        .sized(24, 5)
        .query("", "max by (exporter, job, instance) (footprint_shard{@exporter})")
        .query("", "max by (exporter, job, instance) (footprint_shards{@exporter})")
        .query("", "max by (exporter, job, instance) (footprint_leader{@exporter})")
        .column("exporter", "Exporter", "")
        .column("instance", "Instance", "")
        .column("Value #A", "Shard", "short")
        .column("Value #B", "Of", "short")
        .column("Value #C", "Polls", "short")
        .alert("ExporterShardMissing")
}

/// What must outlive a restart.
pub(super) fn kept() -> Row {
    Row { title: "What do they keep?", panels: vec![state(), reloaded()] }
}

fn state() -> Panel {
    Panel::table("State files", "Failed writes: mend the disk or its rights before a restart, else what ended since is counted twice. Refused: counting began anew at the last start, the log says why.", "short")
        .sized(16, 7)
        .query("", "sum by (exporter, instance, target) (increase(footprint_state_write_failures_total{@exporter}[$__range]))")
        .query("", "max by (exporter, instance, target) (footprint_state_refused{@exporter})")
        .column("exporter", "Exporter", "")
        .column("instance", "Instance", "")
        .column("target", "Target", "")
        .column("Value #A", "Failed writes", "short")
        .column("Value #B", "Refused", "bool_yes_no")
        .alert("ExporterStateNotSaved")
}

fn reloaded() -> Panel {
    Panel::stat("Is the configuration in force that is on disk?", "No: the file was read again and cannot be used, so the exporter goes on with the one before. Its log names line, key and fix.", "none")
        .sized(8, 7)
        .query("{{exporter}} {{instance}}", "min by (exporter, instance) (footprint_config_last_reload_successful{@exporter})")
        .map("0", "no", "red")
        .map("1", "yes", "green")
        .alert("ExporterConfigNotReloaded")
}

/// What they cost the machine.
pub(super) fn weighs() -> Row {
    Row { title: "What do they weigh?", panels: vec![cpu(), memory(), files(), series()] }
}

/// A metric of the process, only of our exporters: every target has such.
fn process(metric: &str) -> String {
    format!(
        "{metric} * on (job, instance) group_left (exporter) max by (job, instance, exporter) (footprint_build_info{{@exporter}})"
    )
}

fn cpu() -> Panel {
    Panel::lines(
        "Processor cores in use",
        "A small part of one core is usual. A whole core for long: watch fewer things in one process, or report it.",
        "short",
    )
    .query(
        "{{exporter}} {{instance}}",
        &process("max by (job, instance) (rate(process_cpu_seconds_total{@job}[$__rate_interval]))"),
    )
}

fn memory() -> Panel {
    Panel::lines("Memory", "Resident, and the address space behind it. It grows with what is watched, not with time: a line that climbs for days is a leak, report it.", "bytes")
        .query("{{exporter}} {{instance}}", &process("max by (job, instance) (process_resident_memory_bytes{@job})"))
        .query("{{exporter}} {{instance}} address space", &process("max by (job, instance) (process_virtual_memory_bytes{@job})"))
}

fn files() -> Panel {
    Panel::lines(
        "Open files and connections",
        "It follows the number of logs and connections. A line that only climbs is a leak, report it.",
        "short",
    )
    .query("{{exporter}} {{instance}}", &process("max by (job, instance) (process_open_fds{@job})"))
}

fn series() -> Panel {
    Panel::lines("Series", "What the sources publish, and what is withheld for want of room. Withheld families are missing whole: watch less, or raise the limit of series.", "short")
        .query("{{exporter}} {{source}} {{target}}", &format!("topk(20, {})", super::of_source("footprint_series")))
        .query("withheld: {{family}} {{target}}", "max by (exporter, source, target, family) (footprint_withheld_series{@exporter})")
        .alert("ExporterSeriesWithheld")
}
