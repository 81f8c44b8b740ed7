//! `embulk-exporter`

fn main() {}
