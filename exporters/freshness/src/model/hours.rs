//! Which hours of the last 64 days were written in: a ring of bits.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::packed;

const HOURS: u32 = 64 * 24;

/// The hours (since 1970) with a write, up to 64 days before the newest one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hours {
    newest: u32,
    bits: [u64; (HOURS / 64) as usize],
}

impl Hours {
    /// Marks an hour as written. Hours that are too old are ignored, and newer ones push old ones out.
    pub fn set(&mut self, hour: u32) {
        if hour > self.newest {
            let gone = (hour - self.newest).min(HOURS);
            (0..gone).for_each(|back| self.put(hour - back, false));
            self.newest = hour;
        }
        if self.newest - hour < HOURS {
            self.put(hour, true);
        }
    }

    /// The hours written, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        let oldest = self.newest.saturating_sub(HOURS - 1);
        (oldest..=self.newest).filter(|hour| self.get(*hour))
    }

    fn get(&self, hour: u32) -> bool {
        self.bits[(hour % HOURS / 64) as usize] >> (hour % 64) & 1 == 1
    }

    fn put(&mut self, hour: u32, written: bool) {
        let (word, bit) = (&mut self.bits[(hour % HOURS / 64) as usize], 1_u64 << (hour % 64));
        *word = if written { *word | bit } else { *word & !bit };
    }
}

impl Serialize for Hours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.bits.iter().flat_map(|word| word.to_be_bytes()).collect();
        (self.newest, packed::text(&bytes)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (newest, text) = <(u32, String)>::deserialize(deserializer)?;
        let bytes = packed::bytes(&text)?;
        let mut hours = Self { newest, ..Self::default() };
        let words = bytes.chunks_exact(8).filter_map(|chunk| chunk.try_into().ok()).map(u64::from_be_bytes);
        hours.bits.iter_mut().zip(words).for_each(|(place, word)| *place = word);
        Ok(hours)
    }
}
