//! The web configuration in force, read again when a file of it has changed.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use http::HeaderMap;
use tokio::sync::watch;

use super::auth::{Rate, Users};
use super::{Signal, web_config};
use crate::config::ConfigError;

/// One good state of the web configuration.
#[derive(Default)]
pub(super) struct Active {
    pub(super) tls: Option<Arc<rustls::ServerConfig>>,
    pub(super) users: Option<Users>,
    pub(super) headers: HeaderMap,
    pub(super) rate: Option<Rate>,
}

/// The newest good state.
pub(super) struct Live {
    path: Option<PathBuf>,
    active: RwLock<Arc<Active>>,
    watched: Mutex<Watched>,
}

/// The files behind the state, and what was last seen of them.
#[derive(Default)]
struct Watched {
    files: Vec<PathBuf>,
    /// When the state was last read, or reading it was tried.
    tried: Vec<Stamp>,
    seen: Vec<Stamp>,
    problem: Option<String>,
}

/// Tells a file from its successor: device, inode, size, times of content and of inode.
type Stamp = Option<(u64, u64, u64, (i64, i64), (i64, i64))>;

/// Looks at the files for ever. Connections of an outdated state end after their request.
pub(super) async fn follow(live: Arc<Live>, every: Duration, signal: Arc<watch::Sender<Signal>>) {
    while live.path.is_some() {
        tokio::time::sleep(every).await;
        let looking = live.clone();
        if let Ok(true) = tokio::task::spawn_blocking(move || looking.look()).await {
            signal.send_modify(|signal| signal.recycle += 1);
        }
    }
}

impl Live {
    /// Reads the configuration; without a path everything is open.
    pub(super) fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let mut watched = Watched::default();
        let active = match path {
            None => Active::default(),
            Some(path) => watched.read(path)?,
        };
        let path = path.map(Path::to_owned);
        Ok(Self { path, active: RwLock::new(Arc::new(active)), watched: Mutex::new(watched) })
    }

    /// The state for the next connection or request.
    pub(super) fn current(&self) -> Arc<Active> {
        self.active.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the files again if they have changed; whether there is a new state. A change is
    /// read when it is seen unaltered twice, since a file may be looked at while it is written.
    pub(super) fn look(&self) -> bool {
        let Some(path) = &self.path else { return false };
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamps(&watched.files);
        let settled = now == std::mem::replace(&mut watched.seen, now.clone());
        if !settled || (now == watched.tried && watched.problem.is_none()) {
            return false;
        }
        match watched.read(path).and_then(|active| self.no_weaker(active).map_err(|error| error.in_file(path))) {
            Ok(active) => {
                tracing::info!(file = %path.display(), "web configuration read again");
                watched.problem = None;
                *self.active.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(active);
                true
            }
            Err(error) => {
                watched.complain(&error);
                false
            }
        }
    }

    /// A file that an editor has emptied for a moment must not open the exporter to everyone.
    fn no_weaker(&self, new: Active) -> Result<Active, ConfigError> {
        let old = self.current();
        let lost =
            |key, what| Err(ConfigError::new(key, format!("{what} would be switched off"), "restart to do this"));
        match () {
            () if old.tls.is_some() && new.tls.is_none() => lost("tls_server_config", "TLS"),
            () if old.users.is_some() && new.users.is_none() => lost("basic_auth_users", "basic auth"),
            () => Ok(new),
        }
    }
}

impl Watched {
    fn read(&mut self, path: &Path) -> Result<Active, ConfigError> {
        // Stamps are taken before the content is read: a change in between is seen next time.
        self.watch(vec![path.to_owned()]);
        let raw = web_config::load(path)?;
        let dir = path.parent().unwrap_or(Path::new(""));
        let mut files = vec![path.to_owned()];
        files.extend(raw.files().map(|file| dir.join(file)));
        self.watch(files);
        raw.activate(dir).map_err(|error| error.in_file(path))
    }

    fn watch(&mut self, files: Vec<PathBuf>) {
        self.tried = stamps(&files);
        self.seen = self.tried.clone();
        self.files = files;
    }

    /// Tells of a problem once, although reading is tried again each time.
    fn complain(&mut self, error: &ConfigError) {
        let problem = error.to_string();
        if self.problem.as_ref() != Some(&problem) {
            let problem = problem.replace('\n', ";");
            tracing::error!(problem, "the new web configuration cannot be used; the last good one stays in force");
        }
        self.problem = Some(problem);
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
    files.iter().map(|file| stamp(file)).collect()
}

fn stamp(file: &Path) -> Stamp {
    let data = std::fs::metadata(file).ok()?;
    let (modified, changed) = ((data.mtime(), data.mtime_nsec()), (data.ctime(), data.ctime_nsec()));
    Some((data.dev(), data.ino(), data.size(), modified, changed))
}
