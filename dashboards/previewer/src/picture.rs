//! Pictures of pages, made by a Chromium that is installed.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use footprint_preview::Page;
use tokio::process::Command;

/// Names under which distributions install Chromium.
const BROWSERS: [&str; 5] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
/// A page of ours takes seconds.
const TIMEOUT: Duration = Duration::from_secs(90);

/// The browser on the PATH, if there is one that runs.
pub async fn browser() -> Option<&'static str> {
    for name in BROWSERS {
        let version = Command::new(name).arg("--version").stdin(Stdio::null()).output().await;
        if version.is_ok_and(|output| output.status.success()) {
            return Some(name);
        }
    }
    None
}

/// Makes a PNG beside the page and returns its file.
///
/// # Errors
/// When the browser fails, hangs or makes no picture.
pub async fn make(browser: &str, page: &Page) -> Result<PathBuf, String> {
    let picture = page.file.with_extension("png");
    let failed = |why: &str| format!("{browser} made no picture of {}: {why}", page.file.display());
    // An old picture must not be taken for the new one.
    if picture.exists() {
        std::fs::remove_file(&picture).map_err(|error| failed(&error.to_string()))?;
    }
    // A profile of its own: another Chromium that runs holds the lock of the usual one.
    let profile = tempfile::tempdir().map_err(|error| failed(&error.to_string()))?;
    let running =
        command(browser, page, &picture, profile.path()).map_err(|error| failed(&error.to_string()))?.output();
    let output = tokio::time::timeout(TIMEOUT, running).await.map_err(|_| failed("it hangs"))?;
    let output = output.map_err(|error| failed(&error.to_string()))?;
    if output.status.success() && picture.exists() {
        return Ok(picture);
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().lines().last().unwrap_or_default()))
}

fn command(browser: &str, page: &Page, picture: &Path, profile: &Path) -> std::io::Result<Command> {
    let file = page.file.canonicalize()?;
    let mut command = Command::new(browser);
    // Without a sandbox it also runs as root and in containers; the page is ours and runs no script.
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]);
    command.arg(format!("--user-data-dir={}", profile.display()));
    command.arg(format!("--window-size={},{}", footprint_preview::WIDTH, page.height));
    command.arg(format!("--screenshot={}", picture.display()));
    let address = reqwest::Url::from_file_path(file).map_err(|()| std::io::Error::other("its path is not absolute"))?;
    command.arg(address.as_str()).stdin(Stdio::null()).kill_on_drop(true);
    Ok(command)
}
