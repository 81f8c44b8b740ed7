//! Whether the exporter is well.

use super::grown;
use crate::{Panel, Row, trust};

/// What the exporter says of itself.
pub(super) fn exporter() -> Row {
    trust::row("embulk", streams())
}

fn streams() -> Vec<Panel> {
    let of = |metric: &str| format!(r#"{metric}{{@job,runtime=~"$runtime"}}"#);
    let read = format!("max by (runtime) (rate({}[$__rate_interval]))", of("embulk_log_bytes_read_total"));
    let own = "runtime, stream";
    let resumes = grown(own, own, &of("embulk_stream_resumes_total"), "$__rate_interval");
    vec![
        Panel::lines("Logs followed now", "As many as runs go on. Far more: logs of runs that have ended are still open; report it. None while runs go on: is the right to read logs missing?", "short")
            .sized(8, 8)
            .query("{{runtime}}", &format!("max by (runtime) ({})", of("embulk_logs_followed")))
            .alert("EmbulkEvidenceMissing"),
        Panel::lines("Log bytes read a second", "What reading logs costs the platform's API. A load that logs at debug level stands out here.", "Bps")
            .sized(8, 8)
            .query("{{runtime}}", &read),
        Panel::bars("Streams taken up again", "Watches and logs that broke off and went on. Some are normal: API servers end watches. Many: look at the network between.", "short")
            .sized(8, 8)
            .query("{{runtime}} {{stream}}", &format!("{resumes} > 0")),
    ]
}
