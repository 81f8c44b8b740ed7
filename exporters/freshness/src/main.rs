//! `freshness-exporter`

fn main() -> std::process::ExitCode {
    freshness_exporter::EXPORTER.main()
}
