//! State that outlives the process: one file per target, replaced as a whole.
//!
//! A file is a header line (JSON: format, version, exporter, target, length and CRC of the body)
//! and a JSON body. It is written beside its place, synced and renamed, so that a crash leaves
//! the old file or the new one. What does not fit is refused and moved aside, never guessed at.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::telemetry::Telemetry;

const FORMAT: &str = "footprint-state";

/// The directory of all state files of one exporter, locked against a second process.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    exporter: &'static str,
    telemetry: Arc<Telemetry>,
    _lock: File,
}

/// One state file.
#[derive(Debug)]
pub struct StateFile {
    dir: Arc<StateDir>,
    target: String,
    version: u32,
    failing: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    exporter: String,
    target: String,
    bytes: usize,
    crc32: u32,
}

impl StateDir {
    /// Opens the directory, making it if needed.
    ///
    /// # Errors
    /// When it cannot be made or written, or another process of this exporter uses it.
    pub fn open(path: &Path, exporter: &'static str, telemetry: Arc<Telemetry>) -> Result<Arc<Self>, String> {
        let shown = path.display();
        fs::create_dir_all(path).map_err(|error| format!("cannot make the state directory {shown}: {error}"))?;
        let lock = File::create(path.join(format!("{exporter}.lock")))
            .map_err(|error| format!("cannot write to the state directory {shown}: {error}"))?;
        lock.try_lock().map_err(|_| {
            format!(
                "the state directory {shown} is in use by another {exporter} exporter; give each its own --state.dir"
            )
        })?;
        Ok(Arc::new(Self { path: path.to_owned(), exporter, telemetry, _lock: lock }))
    }

    /// The state of `target`, if there is any that can be used. `version` is that of the body's
    /// shape; a file of another version is refused.
    pub fn load<T: DeserializeOwned>(self: &Arc<Self>, target: &str, version: u32) -> (StateFile, Option<T>) {
        let file = StateFile { dir: self.clone(), target: target.to_owned(), version, failing: false };
        let loaded = file.read();
        self.telemetry.state_opened(target, loaded.is_err());
        match loaded {
            Ok(state) => (file, state),
            Err(problem) => {
                let kept = file.move_aside();
                tracing::error!(target, problem, kept, "state file refused; counting begins anew from now");
                (file, None)
            }
        }
    }
}

impl StateFile {
    /// Replaces the file. A failure is counted and logged once until a write succeeds again. Says
    /// whether it was written.
    pub fn save<T: Serialize>(&mut self, state: &T) -> bool {
        match self.write(state) {
            Ok(()) => {
                if std::mem::take(&mut self.failing) {
                    tracing::info!(target = self.target, "state file can be written again");
                }
                true
            }
            Err(error) => {
                self.dir.telemetry.state_write_failed(&self.target);
                if !std::mem::replace(&mut self.failing, true) {
                    let path = self.path().display().to_string();
                    tracing::error!(target = self.target, path, %error, "cannot write the state file; a restart now would count again what was counted since the last good write");
                }
                false
            }
        }
    }

    fn write<T: Serialize>(&self, state: &T) -> io::Result<()> {
        let body = serde_json::to_vec(state)?;
        let header = Header {
            format: FORMAT.to_owned(),
            version: self.version,
            exporter: self.dir.exporter.to_owned(),
            target: self.target.clone(),
            bytes: body.len(),
            crc32: crc32fast::hash(&body),
        };
        let mut file = tempfile::NamedTempFile::new_in(&self.dir.path)?;
        serde_json::to_writer(&mut file, &header)?;
        file.write_all(b"\n")?;
        file.write_all(&body)?;
        file.as_file().sync_all()?;
        file.persist(self.path()).map_err(|error| error.error)?;
        File::open(&self.dir.path)?.sync_all()
    }

    fn read<T: DeserializeOwned>(&self) -> Result<Option<T>, String> {
        let bytes = match fs::read(self.path()) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("cannot be read: {error}")),
        };
        let newline =
            bytes.iter().position(|byte| *byte == b'\n').ok_or("has no header line: it is torn or no state file")?;
        let (head, body) = (&bytes[..newline], &bytes[newline + 1..]);
        let header: Header =
            serde_json::from_slice(head).map_err(|_| "has no valid header: it is torn or no state file")?;
        self.check(&header, body)?;
        serde_json::from_slice(body)
            .map(Some)
            .map_err(|error| format!("does not have the shape of version {}: {error}", self.version))
    }

    fn check(&self, header: &Header, body: &[u8]) -> Result<(), String> {
        if header.format != FORMAT {
            return Err("is no Footprint state file".to_owned());
        }
        if (header.exporter.as_str(), header.target.as_str()) != (self.dir.exporter, self.target.as_str()) {
            return Err(format!("belongs to the {} exporter and target {}", header.exporter, header.target));
        }
        if header.version != self.version {
            let age = if header.version > self.version { "a newer" } else { "an older" };
            return Err(format!("is of {age} version ({}; this build reads {})", header.version, self.version));
        }
        if header.bytes != body.len() || header.crc32 != crc32fast::hash(body) {
            return Err("is torn: length or checksum differ from its header".to_owned());
        }
        Ok(())
    }

    fn move_aside(&self) -> String {
        let kept = self.path().with_extension("refused");
        match fs::rename(self.path(), &kept) {
            Ok(()) => kept.display().to_string(),
            Err(error) => format!("not kept: {error}"),
        }
    }

    /// The file's place; characters that a file name may not hold become their hex code.
    fn path(&self) -> PathBuf {
        let name: String = self
            .target
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') {
                    c.to_string()
                } else {
                    format!("%{:x}", c as u32)
                }
            })
            .collect();
        self.dir.path.join(format!("{}-{name}.json", self.dir.exporter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path, exporter: &'static str) -> Arc<StateDir> {
        StateDir::open(path, exporter, Arc::default()).unwrap()
    }

    /// A directory with one good state file of exporter `x`, target `t/1`, version 2.
    fn saved() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let (mut file, none) = open(dir.path(), "x").load::<Vec<u32>>("t/1", 2);
        assert_eq!(none, None);
        file.save(&vec![1, 2, 3]);
        let path = file.path();
        (dir, path)
    }

    fn load(dir: &Path, version: u32) -> Option<Vec<u32>> {
        open(dir, "x").load("t/1", version).1
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let (dir, path) = saved();
        assert_eq!(path.file_name().unwrap(), "x-t%2f1.json");
        assert_eq!(load(dir.path(), 2), Some(vec![1, 2, 3]));
    }

    #[test]
    fn older_newer_torn_and_foreign_files_are_refused_and_kept() {
        for version in [1, 3] {
            let (dir, path) = saved();
            assert_eq!(load(dir.path(), version), None);
            assert!(path.with_extension("refused").exists() && !path.exists());
        }
        let whole = fs::read(saved().1).unwrap_or_default();
        let (dir, path) = saved();
        let good = if whole.is_empty() { fs::read(&path).unwrap() } else { whole };
        let mut flipped = good.clone();
        *flipped.last_mut().unwrap() ^= 1;
        let foreign = String::from_utf8(good.clone()).unwrap().replacen("\"x\"", "\"y\"", 1).into_bytes();
        for bad in [&good[..good.len() - 1], &good[..20], b"", b"{}\n[]", &flipped, &foreign] {
            fs::write(&path, bad).unwrap();
            assert_eq!(load(dir.path(), 2), None, "{}", String::from_utf8_lossy(bad));
        }
        fs::write(&path, &good).unwrap();
        assert_eq!(load(dir.path(), 2), Some(vec![1, 2, 3]));
    }

    #[test]
    fn a_second_process_is_kept_out() {
        let dir = tempfile::tempdir().unwrap();
        let _first = open(dir.path(), "x");
        let second = StateDir::open(dir.path(), "x", Arc::default());
        assert!(second.unwrap_err().contains("in use by another x exporter"));
    }

    #[test]
    fn a_failed_write_is_counted_and_keeps_the_old_file() {
        let (dir, path) = saved();
        let telemetry = Arc::new(Telemetry::default());
        let state = StateDir::open(dir.path(), "x", telemetry.clone()).unwrap();
        let (mut file, _) = state.load::<Vec<u32>>("t/1", 2);
        // A directory in the file's place makes the rename fail, also for root.
        fs::remove_file(&path).unwrap();
        fs::create_dir_all(path.join("occupied")).unwrap();
        file.save(&vec![9]);
        let mut snapshot = crate::snapshot::Snapshot::new();
        telemetry.write_to(&mut snapshot, "x");
        let failures = snapshot.family("footprint_state_write_failures_total").unwrap();
        assert_eq!(failures.iter().next().unwrap().number(), 1.0);
    }
}
