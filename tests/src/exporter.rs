//! An exporter as a process of its own, as users run it.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::exposed::Exposed;

/// A running exporter; killed when dropped.
pub struct Exporter {
    child: Child,
    /// Root of its pages.
    pub url: String,
}

impl Exporter {
    /// Starts a binary of the workspace with a configuration file, listening on `port`. Logs go
    /// to `DIR/NAME.log`, appended.
    pub fn start(name: &str, config: &Path, port: u16, args: &[&str]) -> Self {
        Self::start_with(&[], name, config, port, args)
    }

    /// The same with more environment variables.
    pub fn start_with(environment: &[(&str, &str)], name: &str, config: &Path, port: u16, args: &[&str]) -> Self {
        let log = config.with_file_name(format!("{name}.log"));
        let log = File::options().create(true).append(true).open(log).expect("log file");
        let child = Command::new(binary(name))
            .arg("--config.file")
            .arg(config)
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .args(args)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the exporter starts");
        Self { child, url: format!("http://127.0.0.1:{port}") }
    }

    /// Its metrics; `None` while it does not answer.
    pub async fn metrics(&self) -> Option<Exposed> {
        footprint_common::upstream::install_crypto();
        let response = reqwest::get(format!("{}/metrics", self.url)).await.ok()?;
        Some(Exposed::parse(&response.text().await.ok()?))
    }

    /// Its metrics once `ready` says so.
    ///
    /// # Panics
    /// When that takes longer than `limit`; `what` names what was waited for.
    pub async fn wait_for(&self, what: &str, limit: Duration, ready: impl Fn(&Exposed) -> bool) -> Exposed {
        let started = Instant::now();
        loop {
            if let Some(exposed) = self.metrics().await.filter(|exposed| ready(exposed)) {
                return exposed;
            }
            assert!(started.elapsed() < limit, "no {what} within {limit:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// When it cannot be waited for.
    pub fn wait(&mut self) -> std::process::ExitStatus {
        self.child.wait().expect("a child can be waited for")
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A loopback port that is free now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    listener.local_addr().expect("its address").port()
}

/// A binary of the workspace, next to the test's own; `cargo build --workspace` makes it.
pub fn binary(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("own path");
    let target = own.ancestors().nth(2).expect("target directory");
    let path = target.join(name);
    assert!(path.exists(), "{} is missing: run `cargo build --workspace` first", path.display());
    path
}
