//! The systemd units before systemd, and before the exporters whose flags they give.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use footprint_tests::peers;

use super::{EXPORTERS, checked, read, root, said};

/// Largest exposure, of 100, that `systemd-analyze security` may see: half of it is Internet and local sockets.
const EXPOSURE: &str = "15";

fn unit(exporter: &str) -> String {
    read(&format!("deploy/systemd/{exporter}-exporter.service"))
}

fn analyze(arguments: &[&str], file: &Path) -> Option<Output> {
    let program = peers::available(&["systemd"]).then(|| peers::run("install", &["systemd"]))?;
    Some(Command::new(program.trim()).args(arguments).arg(file).output().unwrap())
}

/// The unit with a command that is installed here, or `verify` speaks of that only.
fn installed(dir: &Path, exporter: &str, text: &str) -> PathBuf {
    let path = dir.join(format!("{exporter}-exporter.service"));
    fs::write(&path, text.replace(&format!("ExecStart=/usr/local/bin/{exporter}-exporter"), "ExecStart=/bin/true"))
        .unwrap();
    path
}

#[test]
fn systemd_takes_the_units() {
    let dir = tempfile::tempdir().unwrap();
    for (exporter, _) in EXPORTERS {
        let Some(output) = analyze(&["verify"], &installed(dir.path(), exporter, &unit(exporter))) else { return };
        assert!(output.status.success() && said(&output).is_empty(), "{exporter}: {}", said(&output));
    }
    // A key that systemd does not know is only a line on stderr.
    let wrong = unit("airflow").replace("ProtectSystem=", "ProtectSystm=");
    assert!(said(&analyze(&["verify"], &installed(dir.path(), "airflow", &wrong)).unwrap()).contains("ProtectSystm"));
}

#[test]
fn units_leave_little_open() {
    let security = ["security", "--offline=true", "--threshold", EXPOSURE];
    for (exporter, _) in EXPORTERS {
        let file = root(&format!("deploy/systemd/{exporter}-exporter.service"));
        let Some(output) = analyze(&security, &file) else { return };
        assert!(output.status.success(), "{exporter}: {}", said(&output));
    }
    let dir = tempfile::tempdir().unwrap();
    let open = unit("airflow").replace("DynamicUser=yes\n", "").replace("NoNewPrivileges=yes\n", "");
    assert!(!analyze(&security, &installed(dir.path(), "airflow", &open)).unwrap().status.success());
}

#[test]
fn exporters_take_the_flags_of_their_units() {
    let config = root("deploy/compose/config").display().to_string();
    for (exporter, port) in EXPORTERS {
        let unit = unit(exporter);
        let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
        let (program, flags) = start.split_once(' ').unwrap();
        assert_eq!(program, format!("/usr/local/bin/{exporter}-exporter"));
        assert!(flags.ends_with(&format!(":{port}")) && flags.contains("--state.dir=${STATE_DIRECTORY}"), "{flags}");
        assert!(unit.contains(&format!("\nStateDirectory={exporter}-exporter\n")));
        let flags = flags.replace("/etc/footprint", &config).replace("${STATE_DIRECTORY}", "state");
        checked(exporter, &flags.split(' ').map(str::to_owned).collect::<Vec<_>>());
    }
}
