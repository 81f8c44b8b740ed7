//! Where logs lie: patterns of paths, what of a name rotation added, and a look at what is there.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

/// A pattern of paths, folder by folder.
#[derive(Debug, Clone)]
pub struct Pattern {
    root: PathBuf,
    folders: Vec<Folder>,
    file: glob::Pattern,
    /// Literal extension of the pattern, with its dot; rotation may have cut it off.
    extension: String,
}

#[derive(Debug, Clone)]
enum Folder {
    Named(glob::Pattern),
    AnyDepth,
}

/// A file that fits a pattern, or would without what rotation added to its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it lies.
    pub path: PathBuf,
    /// Where the log lies, or lay before it was rotated.
    pub log: PathBuf,
    /// Device and inode.
    pub inode: (u64, u64),
    /// Bytes on the disk.
    pub size: u64,
    /// Milliseconds of Unix time.
    pub changed_ms: i64,
    /// Number that rotation gave it; 0 for none.
    pub number: u32,
    /// Whether it is compressed.
    pub gz: bool,
    /// Whether its path is a symbolic link.
    pub link: bool,
}

/// What a look found, and what it could not look at.
#[derive(Debug, Default)]
pub struct Look {
    /// Files.
    pub files: Vec<Found>,
    /// Folders and files that could not be looked at.
    pub troubles: Vec<(PathBuf, io::Error)>,
}

/// Folders below each other that are entered at most.
const MAX_DEPTH: usize = 32;

impl Pattern {
    /// Reads a pattern: `*`, `?` and `[...]` within names, `**` for any number of folders.
    ///
    /// # Errors
    /// When it is no pattern, or names no file.
    pub fn new(path: &Path) -> Result<Self, String> {
        let shown = || format!("`{}` is no pattern of files", path.display());
        let names: Vec<_> = path.components().collect();
        let is_pattern = |name: &Component<'_>| name.as_os_str().to_string_lossy().contains(['*', '?', '[']);
        let (file, folders) = names.split_last().ok_or_else(shown)?;
        let Component::Normal(file) = file else { return Err(shown()) };
        let fixed = folders.iter().position(is_pattern).unwrap_or(folders.len());
        let part = |name: &Component<'_>| match name.as_os_str().to_str() {
            Some("**") => Ok(Folder::AnyDepth),
            name => name.and_then(|name| glob::Pattern::new(name).ok()).map(Folder::Named).ok_or_else(shown),
        };
        let text = file.to_str().filter(|text| *text != "**").ok_or_else(shown)?;
        let extension = text.rsplit_once('.').map(|(_, end)| end).filter(|end| !end.contains(['*', '?', '[']));
        Ok(Self {
            root: folders[..fixed].iter().collect(),
            folders: folders[fixed..].iter().map(part).collect::<Result<_, _>>()?,
            file: glob::Pattern::new(text).map_err(|_| shown())?,
            extension: extension.map(|end| format!(".{end}")).unwrap_or_default(),
        })
    }

    /// Looks for files. Files are not opened.
    pub fn look(&self, look: &mut Look) {
        self.enter(&self.root, &self.folders, MAX_DEPTH, &mut HashSet::new(), look);
    }

    /// `seen` holds the folders that `**` has led to, so that links do not lead in circles.
    fn enter(
        &self,
        at: &Path,
        folders: &[Folder],
        depth: usize,
        seen: &mut HashSet<(u64, u64, usize)>,
        look: &mut Look,
    ) {
        let entries = match fs::metadata(at).and_then(|meta| Ok((meta, fs::read_dir(at)?))) {
            Ok((meta, _)) if !seen.insert((meta.dev(), meta.ino(), folders.len())) => return,
            Ok((_, entries)) => entries,
            Err(error) => return look.troubles.push((at.to_owned(), error)),
        };
        let rest = match folders.split_first() {
            Some((Folder::AnyDepth, rest)) => {
                self.enter(at, rest, depth, seen, look);
                rest
            }
            Some((_, rest)) => rest,
            None => folders,
        };
        for entry in entries.flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let Some(name) = name.to_str() else { continue };
            match folders.first() {
                None => self.take(&path, name, look),
                Some(_) if depth == 0 || !path.is_dir() => {}
                Some(Folder::AnyDepth) => self.enter(&path, folders, depth - 1, seen, look),
                Some(Folder::Named(pattern)) if pattern.matches(name) => self.enter(&path, rest, depth - 1, seen, look),
                Some(Folder::Named(_)) => {}
            }
        }
    }

    fn take(&self, path: &Path, name: &str, look: &mut Look) {
        let Some(log) = self.log(name) else { return };
        match fs::metadata(path) {
            Ok(meta) if meta.is_file() => look.files.push(Found::new(path, path.with_file_name(log), &meta)),
            Ok(meta) if meta.is_dir() && log == name => {
                look.troubles.push((path.to_owned(), io::ErrorKind::IsADirectory.into()));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => look.troubles.push((path.to_owned(), error)),
            Ok(_) | Err(_) => {}
        }
    }

    /// Name of the log that a file belongs to, if its log fits the pattern.
    fn log(&self, name: &str) -> Option<String> {
        let shorter = || std::iter::successors(Some(name), |name| without_rotation(name));
        let bare = shorter().skip(1).filter(|name| !name.contains('.'));
        let with_extension = bare.map(|name| format!("{name}{}", self.extension));
        shorter().map(str::to_owned).chain(with_extension).find(|name| self.file.matches(name))
    }
}

impl Found {
    /// What sorts parts of a log by age.
    pub fn age(&self) -> (i64, Reverse<u32>, &Path) {
        (self.changed_ms, Reverse(self.number), &self.path)
    }

    fn new(path: &Path, log: PathBuf, meta: &Metadata) -> Self {
        Self {
            log,
            inode: (meta.dev(), meta.ino()),
            size: meta.size(),
            changed_ms: meta.mtime().saturating_mul(1000) + meta.mtime_nsec() / 1_000_000,
            number: number(path),
            gz: path.extension().is_some_and(|end| end == "gz"),
            link: path.is_symlink(),
            path: path.to_owned(),
        }
    }
}

/// Name of a log without extension, date, time and number of rotation; the folder's name where
/// nothing else is left.
pub fn stem(log: &Path) -> String {
    let name = log.file_name().unwrap_or_default().to_string_lossy();
    let mut rest: &str = &name;
    while let Some(shorter) = without_rotation(rest).or_else(|| without_extension(rest)) {
        rest = shorter;
    }
    if !ALL_DATE.is_match(rest) {
        return rest.to_owned();
    }
    log.parent().and_then(Path::file_name).map_or(rest.to_owned(), |name| name.to_string_lossy().into_owned())
}

const EXTENSIONS: [&str; 5] = [".log", ".txt", ".out", ".err", ".stdout"];
const DATE: &str = r"\d{4}[-._]?[01]\d[-._]?[0-3]\d([-._T]?[0-2]\d[-._:]?[0-5]\d([-._:]?[0-5]\d)?([-._:,]?\d{3})?Z?)?";
static ROTATED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&format!(r"(?:\.gz|\.\d{{1,3}}|[-._]{DATE}|[-._]1\d{{9}}(\d{{3}})?|\.old|~)$")).expect("is a regex")
});
static ALL_DATE: LazyLock<Regex> = LazyLock::new(|| Regex::new(&format!(r"^(?:{DATE}|\d+)?$")).expect("is a regex"));

/// The number at the end of a name: the older, the higher.
fn number(path: &Path) -> u32 {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}

/// The name without the last thing that rotation, or a date in each run's name, put at its end.
fn without_rotation(name: &str) -> Option<&str> {
    ROTATED.find(name).map(|end| &name[..end.start()]).filter(|rest| !rest.is_empty())
}

fn without_extension(name: &str) -> Option<&str> {
    EXTENSIONS.iter().find_map(|end| name.strip_suffix(end)).filter(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_files_belong_to_their_log() {
        let pattern = Pattern::new(Path::new("/l/*.log")).unwrap();
        let log = |name: &str| pattern.log(name);
        for name in
            ["a.log", "a.log.1", "a.log.12.gz", "a.1.gz", "a.log-20260302", "a.log-20260302.gz", "a.log.2026-03-02.3"]
        {
            assert_eq!(log(name).as_deref(), Some("a.log"), "{name}");
        }
        assert_eq!(log("a-20260302.log").as_deref(), Some("a-20260302.log"));
        for name in ["a.csv", "a.csv.gz", "a.logs"] {
            assert_eq!(log(name), None, "{name}");
        }
    }

    #[test]
    fn stems() {
        let check = |name: &str, expected: &str| assert_eq!(stem(&Path::new("/l/shop").join(name)), expected, "{name}");
        for name in [
            "a.log",
            "a.log.3.gz",
            "a-20260302.log",
            "a_2026-03-02T06:00:01Z.log",
            "a.20260302_060001.log.gz",
            "a-1772431200.log",
        ] {
            check(name, "a");
        }
        check("shard-1.log", "shard-1");
        check("v0.9.log", "v0");
        check("20260302.log", "shop");
    }
}
