//! `embulk-exporter`

fn main() -> std::process::ExitCode {
    embulk_exporter::EXPORTER.main()
}
