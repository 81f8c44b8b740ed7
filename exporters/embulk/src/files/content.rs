//! What is in a file, plain or compressed: recognised by its beginning and by what was read last,
//! and read on from a place.

use std::fs::File;
use std::hash::Hasher;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

/// Bytes of the beginning by which a content is recognised.
pub const HEAD: usize = 1024;
/// Bytes in front of the place read to by which it is recognised.
const MARK: u64 = 256;
/// Bytes read at a time.
pub const CHUNK: usize = 256 * 1024;

/// A stretch of a content: where, how long, and a hash of it. Holds no text of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// Place of its first byte in the uncompressed content.
    pub at: u64,
    /// Bytes.
    pub length: usize,
    /// Hash of them.
    pub hash: u64,
}

impl Stretch {
    /// The stretch that these bytes are.
    pub fn of(at: u64, bytes: &[u8]) -> Self {
        Self { at, length: bytes.len(), hash: hash(bytes) }
    }

    /// Place behind its last byte.
    pub fn end(&self) -> u64 {
        self.at + self.length as u64
    }
}

/// Whether a file has a content that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Same {
    /// It has it, and maybe more.
    Yes,
    /// It has another.
    No,
    /// It has the beginning of it: it may be a copy that is being made.
    NotYet,
}

/// An open file at a place in its uncompressed content.
pub struct Content {
    bytes: Bytes,
    /// Place of the next byte.
    pub at: u64,
}

enum Bytes {
    Plain(File),
    Packed(Box<MultiGzDecoder<BufReader<File>>>),
}

impl Content {
    /// Opens a file for reading at its beginning.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path, gz: bool) -> io::Result<Self> {
        let file = File::open(path)?;
        let packed = |file| Bytes::Packed(Box::new(MultiGzDecoder::new(BufReader::new(file))));
        Ok(Self { bytes: if gz { packed(file) } else { Bytes::Plain(file) }, at: 0 })
    }

    /// Goes forward to a place; a compressed file is read up to there. Whether there is such a place.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn skip_to(&mut self, place: u64) -> io::Result<bool> {
        match &mut self.bytes {
            Bytes::Plain(file) => {
                self.at = file.seek(SeekFrom::Start(place))?;
                Ok(file.metadata()?.len() >= place)
            }
            Bytes::Packed(from) => {
                let wanted = place.saturating_sub(self.at);
                let skipped = io::copy(&mut from.take(wanted), &mut io::sink())?;
                self.at += skipped;
                Ok(skipped == wanted)
            }
        }
    }

    /// The next bytes, as many as there are up to `wanted`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn next(&mut self, wanted: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(wanted.min(CHUNK));
        let limit = wanted.min(CHUNK) as u64;
        let read = match &mut self.bytes {
            Bytes::Plain(file) => file.take(limit).read_to_end(&mut bytes),
            Bytes::Packed(from) => from.take(limit).read_to_end(&mut bytes),
        };
        self.at += bytes.len() as u64;
        // What comes before a fault is good; the next call meets the fault again.
        if bytes.is_empty() { read.map(|_| bytes) } else { Ok(bytes) }
    }

    /// Device and inode.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn inode(&self) -> io::Result<(u64, u64)> {
        let meta = match &self.bytes {
            Bytes::Plain(file) => file.metadata(),
            Bytes::Packed(from) => from.get_ref().get_ref().metadata(),
        };
        meta.map(|meta| (meta.dev(), meta.ino()))
    }

    /// The stretch of that length in front of a place, in a plain file; nothing in a compressed one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn mark(&mut self, place: u64) -> io::Result<Option<Stretch>> {
        if !matches!(self.bytes, Bytes::Plain(_)) {
            return Ok(None);
        }
        let at = place.saturating_sub(MARK);
        self.skip_to(at)?;
        let bytes = self.next((place - at) as usize)?;
        Ok(Some(Stretch::of(at, &bytes)).filter(|mark| mark.end() == place))
    }

    fn has(&mut self, stretch: &Stretch) -> io::Result<Same> {
        if !self.skip_to(stretch.at)? {
            return Ok(Same::NotYet);
        }
        let bytes = self.next(stretch.length)?;
        Ok(match bytes.len() == stretch.length {
            true if hash(&bytes) == stretch.hash => Same::Yes,
            true => Same::No,
            false => Same::NotYet,
        })
    }
}

/// The beginning of a file.
///
/// # Errors
/// When it cannot be read.
pub fn head(path: &Path, gz: bool) -> io::Result<Vec<u8>> {
    Content::open(path, gz)?.next(HEAD)
}

/// Whether a file has the content with this beginning, and this later stretch of it.
///
/// # Errors
/// When it cannot be read. A compressed file that is being written is an unexpected end.
pub fn compare(path: &Path, gz: bool, head: &Stretch, mark: &Stretch) -> io::Result<Same> {
    let compared = Content::open(path, gz)?.has(head).and_then(|same| match same {
        Same::Yes if mark.length > 0 => Content::open(path, gz)?.has(mark),
        same => Ok(same),
    });
    match compared {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Same::NotYet),
        compared => compared,
    }
}

/// Stable across builds, since it is saved.
fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn write(path: &Path, bytes: &[u8]) {
        if path.extension().is_some_and(|end| end == "gz") {
            let mut out = flate2::write::GzEncoder::new(File::create(path).unwrap(), flate2::Compression::fast());
            out.write_all(bytes).unwrap();
            out.finish().unwrap();
        } else {
            std::fs::write(path, bytes).unwrap();
        }
    }

    #[test]
    fn a_content_is_known_again_plain_and_compressed() {
        let dir = tempfile::tempdir().unwrap();
        let text: Vec<u8> = (0..5000u32).flat_map(|line| format!("line {line}\n").into_bytes()).collect();
        let (head, mark) = (Stretch::of(0, &text[..HEAD]), Stretch::of(20_000, &text[20_000..20_256]));
        for name in ["a.log", "a.log.1.gz"] {
            let path = dir.path().join(name);
            let same = |bytes: &[u8]| {
                write(&path, bytes);
                compare(&path, name.ends_with("gz"), &head, &mark).unwrap()
            };
            assert_eq!(same(&text), Same::Yes);
            assert_eq!(same(&text[..20_100]), Same::NotYet);
            assert_eq!(same(&text[..100]), Same::NotYet);
            assert_eq!(same(&text[1..]), Same::No);
            assert_eq!(same(&[&text[..20_000], &text[1..]].concat()), Same::No);
            write(&path, &text);
            let mut content = Content::open(&path, name.ends_with("gz")).unwrap();
            assert!(content.skip_to(30_000).unwrap());
            assert_eq!(content.next(10).unwrap(), text[30_000..30_010]);
            assert_eq!(content.at, 30_010);
        }
    }

    #[test]
    fn a_compressed_file_that_is_being_written_is_a_copy_not_yet() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.gz");
        let text: Vec<u8> = (0..50_000u64).flat_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect();
        write(&path, &text);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let (head, mark) = (Stretch::of(0, &text[..HEAD]), Stretch::of(390_000, &text[390_000..390_100]));
        assert_eq!(compare(&path, true, &head, &mark).unwrap(), Same::NotYet);
    }
}
