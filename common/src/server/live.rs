//! The web configuration in force, read again when a file of it has changed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use http::HeaderMap;

use super::auth::{Rate, Users};
use super::{tls, web_config};
use crate::config::ConfigError;

/// Least time between two looks at the files.
const LOOK_EVERY: Duration = Duration::from_secs(1);

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
    state: Mutex<State>,
}

struct State {
    active: Arc<Active>,
    looked: Instant,
    files: Vec<(PathBuf, Stamp)>,
}

/// Tells a file from its successor.
type Stamp = Option<(SystemTime, u64)>;

impl Live {
    /// Reads the configuration; without a path everything is open.
    pub(super) fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let (active, files) = match path {
            None => (Active::default(), Vec::new()),
            Some(path) => read(path)?,
        };
        let state = State { active: Arc::new(active), looked: Instant::now(), files };
        Ok(Self { path: path.map(Path::to_owned), state: Mutex::new(state) })
    }

    /// The state for the next connection or request.
    pub(super) fn current(&self) -> Arc<Active> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = self.path.as_ref().filter(|_| state.looked.elapsed() >= LOOK_EVERY) {
            state.refresh(path);
        }
        state.active.clone()
    }
}

impl State {
    fn refresh(&mut self, path: &Path) {
        self.looked = Instant::now();
        let now: Vec<_> = self.files.iter().map(|(file, _)| (file.clone(), stamp(file))).collect();
        if now == self.files {
            return;
        }
        // Also noted when the new state is bad, so that it is told of once and not each second.
        self.files = now;
        match read(path) {
            Ok((active, files)) => {
                (self.active, self.files) = (Arc::new(active), files);
                tracing::info!(file = %path.display(), "web configuration read again");
            }
            Err(error) => tracing::error!(%error, "the new web configuration cannot be used; the last good one stays"),
        }
    }
}

fn read(path: &Path) -> Result<(Active, Vec<(PathBuf, Stamp)>), ConfigError> {
    let dir = path.parent().unwrap_or(Path::new(""));
    let raw = web_config::load(path)?;
    let mut named = vec![path.to_owned()];
    named.extend(raw.files().map(|file| dir.join(file)));
    // Stamps are taken before the content is read: a change in between is seen next time.
    let files = named.into_iter().map(|file| (file.clone(), stamp(&file))).collect();
    let active = Active {
        tls: raw.tls_server_config.as_ref().map(|raw| tls::build(raw, dir)).transpose().map_err(|e| e.in_file(path))?,
        users: raw.users().map_err(|e| e.in_file(path))?,
        headers: raw.headers().map_err(|e| e.in_file(path))?,
        rate: raw.rate().map_err(|e| e.in_file(path))?,
    };
    Ok((active, files))
}

fn stamp(file: &Path) -> Stamp {
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
