//! The `process_*` metrics that Prometheus users expect of every target. Read from procfs when
//! the board is published; elsewhere than on Linux they are absent.

use crate::snapshot::Snapshot;

crate::metrics! {
    /// Processor time that the process has used.
    counter process_cpu_seconds_total { }
    /// Resident memory of the process.
    gauge process_resident_memory_bytes { }
    /// Virtual memory of the process.
    gauge process_virtual_memory_bytes { }
    /// When the process started, in Unix time.
    gauge process_start_time_seconds { }
    /// File descriptors that the process has open.
    gauge process_open_fds { }
}

/// Kernel ticks per second in /proc/self/stat; fixed at 100 for user space on every Linux.
const TICKS: f64 = 100.0;
/// Field positions of proc(5) `stat`, counted from the field behind the command name.
const UTIME: usize = 11;
const STIME: usize = 12;
const STARTTIME: usize = 19;
const VSIZE: usize = 20;

pub(crate) fn write_to(snapshot: &mut Snapshot) {
    if let Some(fields) = stat() {
        let field = |index: usize| fields.get(index).copied().unwrap_or(0.0);
        snapshot.set(&process_cpu_seconds_total, [], (field(UTIME) + field(STIME)) / TICKS);
        snapshot.set(&process_virtual_memory_bytes, [], field(VSIZE));
        if let Some(boot) = boot_time() {
            snapshot.set(&process_start_time_seconds, [], boot + field(STARTTIME) / TICKS);
        }
    }
    if let Some(bytes) = resident_bytes() {
        snapshot.set(&process_resident_memory_bytes, [], bytes);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        snapshot.set(&process_open_fds, [], open.count() as f64);
    }
}

fn stat() -> Option<Vec<f64>> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The command name may hold spaces; it ends at the last parenthesis.
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split_ascii_whitespace().map(|field| field.parse().unwrap_or(0.0)).collect())
}

fn resident_bytes() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_ascii_whitespace().next()?.parse::<f64>().ok().map(|kib| kib * 1024.0)
}

fn boot_time() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    text.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_seen() {
        let mut snapshot = Snapshot::new();
        write_to(&mut snapshot);
        let value = |name| snapshot.family(name).unwrap().iter().next().unwrap().number();
        assert!(value("process_resident_memory_bytes") > 1e5);
        let age = crate::board::unix_seconds(std::time::SystemTime::now()) - value("process_start_time_seconds");
        assert!((-2.0..3600.0).contains(&age), "{age}");
        assert!(value("process_open_fds") >= 3.0);
    }
}
