//! The workflow for GitHub Actions before actionlint; it does not run here.

use std::fs;

use super::{judged, read, root, said};

const WORKFLOW: &str = ".github/workflows/ci.yml";

#[test]
fn actionlint_takes_the_workflow() {
    let Some(output) = judged("workflow", &root(WORKFLOW)) else { return };
    assert!(output.status.success(), "{}", said(&output));
    let good = read(WORKFLOW);
    for (from, to) in
        [("runs-on:", "runs-onn:"), ("github.ref }}", "github.reff }}"), ("  test:", "  test:\n    needs: nobody")]
    {
        let file = tempfile::NamedTempFile::with_suffix(".yml").unwrap();
        assert!(good.contains(from), "{from}");
        fs::write(file.path(), good.replacen(from, to, 1)).unwrap();
        assert_eq!(judged("workflow", file.path()).unwrap().status.code(), Some(1), "{to}");
    }
}
