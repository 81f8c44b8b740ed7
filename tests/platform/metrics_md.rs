//! docs/METRICS.md, written from the catalogues.

use std::fmt::Write;

use footprint_common::metric::{Family, Kind};

use crate::catalogue::CATALOGUES;

/// The page as it should be committed.
pub fn page() -> String {
    let mut page = String::from(INTRODUCTION);
    for (title, families) in CATALOGUES {
        let _ = write!(page, "\n## {title}\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n");
        families.iter().for_each(|family| page.push_str(&row(family)));
    }
    page
}

const INTRODUCTION: &str = "# Metrics

Written from the declarations in the code by `UPDATE_EXPECT=1 cargo test -p footprint-tests --test contract`; do not edit.
Times are Unix times in seconds, durations are in seconds. Prometheus adds `job` and `instance` to every series.
A histogram `x` is exposed as `x_bucket` (with `le`), `x_sum` and `x_count`. The values of `cause` are explained in
[CAUSES.md](CAUSES.md).
";

fn row(family: &Family) -> String {
    let labels: Vec<String> = family.labels.iter().map(|l| format!("`{l}`")).collect();
    let (kind, meaning) = (family.kind.as_str(), cell(family.help()));
    format!("| `{}` | {kind} | {} | {meaning}{} |\n", family.name, labels.join(", "), buckets(family))
}

fn buckets(family: &Family) -> String {
    match family.kind {
        Kind::Histogram => {
            format!(" Buckets: {}.", family.buckets.iter().map(f64::to_string).collect::<Vec<_>>().join(", "))
        }
        _ => String::new(),
    }
}

/// Text that does not break a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
