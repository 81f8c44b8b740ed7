//! Real third-party software, driven by the scripts in `tests/peers`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Exit code of the scripts for software that cannot be had here.
const UNAVAILABLE: i32 = 77;

/// Path below `tests/peers`.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name)
}

/// Runs a script to its end and returns what it printed.
///
/// # Panics
/// When it fails, with what it said.
pub fn run(name: &str, args: &[&str]) -> String {
    let output = Command::new(script(name)).args(args).output().expect("the script starts");
    assert!(output.status.success(), "{name} {args:?}: {}", said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Makes a peer available. `false` means that it cannot be had here: one loud line says so, and
/// where `FOOTPRINT_REQUIRE_PEERS` is set the test fails.
pub fn available(peer: &[&str]) -> bool {
    let output = Command::new(script("install")).args(peer).output().expect("the script starts");
    match output.status.code() {
        Some(0) => true,
        Some(UNAVAILABLE) => {
            println!("SKIPPED: {} {}", peer.join(" "), String::from_utf8_lossy(&output.stderr).trim());
            let required = std::env::var_os("FOOTPRINT_REQUIRE_PEERS").is_some();
            assert!(!required, "FOOTPRINT_REQUIRE_PEERS is set");
            false
        }
        _ => panic!("install {peer:?}: {}", said(&output)),
    }
}

fn said(output: &Output) -> String {
    format!("{} {}", output.status, String::from_utf8_lossy(&output.stderr))
}
