//! `airflow-exporter`

fn main() -> std::process::ExitCode {
    airflow_exporter::EXPORTER.main()
}
