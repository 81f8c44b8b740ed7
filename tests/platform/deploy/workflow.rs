//! The workflow for GitHub Actions before actionlint; it does not run here.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use footprint_tests::peers;

use super::{read, root, said};

const WORKFLOW: &str = ".github/workflows/ci.yml";

/// `None` if actionlint cannot be had here. Shellcheck would judge the commands, where it happens to be installed.
fn linted(file: &Path) -> Option<Output> {
    let program = peers::available(&["actionlint"]).then(|| peers::run("install", &["actionlint"]))?;
    Some(Command::new(program.trim()).arg("-shellcheck=").arg(file).output().unwrap())
}

#[test]
fn actionlint_takes_the_workflow() {
    let Some(output) = linted(&root(WORKFLOW)) else { return };
    assert!(output.status.success(), "{}", said(&output));
    let good = read(WORKFLOW);
    for (from, to) in
        [("runs-on:", "runs-onn:"), ("github.ref }}", "github.reff }}"), ("  test:", "  test:\n    needs: nobody")]
    {
        let file = tempfile::NamedTempFile::with_suffix(".yml").unwrap();
        assert!(good.contains(from), "{from}");
        fs::write(file.path(), good.replacen(from, to, 1)).unwrap();
        assert_eq!(linted(file.path()).unwrap().status.code(), Some(1), "{to}");
    }
}
