//! `bigquery-exporter`

fn main() -> std::process::ExitCode {
    bigquery_exporter::EXPORTER.main()
}
