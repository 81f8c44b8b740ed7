//! Rings as base64 in saved state: 10,000 tables of numbers in decimal would be many megabytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

use super::writes::Session;

/// Writes sessions as text.
pub fn serialize<S: Serializer>(sessions: &[Session], serializer: S) -> Result<S::Ok, S::Error> {
    let bytes: Vec<u8> = sessions.iter().flatten().flat_map(|half| half.to_be_bytes()).collect();
    serializer.serialize_str(&text(&bytes))
}

/// Reads sessions from text.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Session>, D::Error> {
    let bytes = bytes::<D::Error>(&String::deserialize(deserializer)?)?;
    let half = |chunk: &[u8], at: usize| u16::from_be_bytes([chunk[at], chunk[at + 1]]);
    Ok(bytes.chunks_exact(6).map(|chunk| [half(chunk, 0), half(chunk, 2), half(chunk, 4)]).collect())
}

pub(super) fn text(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

pub(super) fn bytes<E: Error>(text: &str) -> Result<Vec<u8>, E> {
    STANDARD_NO_PAD.decode(text).map_err(E::custom)
}
