//! Prints what the exporter sees in Embulk logs, one JSON object a file: how to find out why a load
//! counts as it does, and how to try a cause rule.
//!
//! `cargo run -p embulk-exporter --example read_log -- FILE...`

use std::fs::File;
use std::io::{self, Read};

use embulk_exporter::log::{Report, Runs};
use embulk_exporter::outcome::{outcome, why};
use embulk_exporter::run::Ending;
use footprint_common::cause::Classifier;
use serde_json::{Value, json};

fn main() -> io::Result<()> {
    for path in std::env::args().skip(1) {
        let reports = read(&path)?;
        println!("{}", json!({ "file": path, "runs": reports.into_iter().map(shown).collect::<Vec<_>>() }));
    }
    Ok(())
}

fn read(path: &str) -> io::Result<Vec<Report>> {
    let (mut file, mut runs) = (File::open(path)?, Runs::default());
    let mut chunk = vec![0; 1 << 16];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(runs.finish()),
            read => runs.feed(&chunk[..read]),
        }
    }
}

fn shown(report: Report) -> Value {
    let rows = |rows: Option<(u64, embulk_exporter::log::RowsSource)>| {
        rows.map_or(Value::Null, |(rows, source)| json!({ "rows": rows, "source": source.as_str() }))
    };
    let ending = Ending { log: Some(report), ..Ending::default() };
    let (outcome, why) = (outcome(&ending), why(&ending, &Classifier::builtin()));
    let Some(report) = ending.log else { return Value::Null };
    json!({
        "command": format!("{:?}", report.command).to_lowercase(),
        "runs": report.runs,
        "version": report.version,
        "outcome": outcome.as_str(),
        "cause": why.cause.as_str(),
        "rule": why.rule,
        "exit_code": report.exit_code,
        "input_plugin": report.plugins.input,
        "output_plugin": report.plugins.output,
        "read": rows(report.rows.read),
        "loaded": rows(report.rows.loaded),
        "rejected": rows(report.rows.rejected),
        "skipped": rows(report.rows.skipped),
        "read_at_least": report.rows.read_at_least,
        "bytes_read": report.bytes.read,
        "bytes_written": report.bytes.written,
        "tasks_done": report.tasks.map(|tasks| tasks.done),
        "tasks_planned": report.tasks.map(|tasks| tasks.planned),
        "destination": report.destination.map(|to| format!("{}.{}.{}", to.gcp_project, to.dataset, to.table)),
        "retries": report.plugin_retries,
        "warnings": report.warnings,
        "errors": report.errors,
    })
}
