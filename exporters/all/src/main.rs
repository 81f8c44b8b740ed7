//! `footprint`: all exporters in one program. It is the exporter by whose name it is called, through a link; four
//! programs would hold the same code four times.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let called = PathBuf::from(std::env::args_os().next().unwrap_or_default());
    match called.file_name().and_then(|name| name.to_str()).unwrap_or_default() {
        "airflow-exporter" => airflow_exporter::EXPORTER.main(),
        "bigquery-exporter" => bigquery_exporter::EXPORTER.main(),
        "embulk-exporter" => embulk_exporter::EXPORTER.main(),
        "freshness-exporter" => freshness_exporter::EXPORTER.main(),
        other => {
            eprintln!(
                "{other}: no exporter has this name; make a link to this program that is called airflow-exporter, \
                 bigquery-exporter, embulk-exporter or freshness-exporter, and call that"
            );
            ExitCode::from(2)
        }
    }
}
