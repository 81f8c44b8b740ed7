//! Sharding: several exporters with the same configuration share out what they watch.
//!
//! A target (an Airflow, a project, a dataset, a load) belongs to exactly one shard, by rendezvous hashing: each shard
//! draws a number for it, and the highest wins. So all exporters agree without talking, and a shard more takes its
//! targets evenly from the others and moves nothing else.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

/// More shards than anybody needs; a larger number is a slip of the pen.
const MOST: u32 = 1000;
const FIX: &str = "write it as 2/5 for the second of five, or as pod/5 in a StatefulSet";

/// The part of all targets that an exporter watches; all of them by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    number: u32,
    of: u32,
}

impl Default for Shard {
    fn default() -> Self {
        Self { number: 1, of: 1 }
    }
}

impl Shard {
    /// Reads `2/5`, or `pod/5` in a pod of a StatefulSet, where the ordinal at the end of the environment variable
    /// `HOSTNAME` tells the shard: pods 0 and 5 are both the first of five.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::read(text, std::env::var("HOSTNAME").ok().as_deref())
    }

    fn read(text: &str, host: Option<&str>) -> Result<Self, String> {
        let (number, of) = text.split_once('/').ok_or(FIX)?;
        let of = of.parse().ok().filter(|of| (1..=MOST).contains(of)).ok_or(FIX)?;
        let number = match number {
            "pod" => ordinal(host)? % of + 1,
            number => number.parse().map_err(|_| FIX)?,
        };
        if (1..=of).contains(&number) { Ok(Self { number, of }) } else { Err(FIX.to_owned()) }
    }

    /// Whether this shard watches `target`. The name must be the same in all shards and after a restart.
    pub fn owns(self, target: &str) -> bool {
        (1..=self.of).max_by_key(|number| drawn(target, *number)) == Some(self.number)
    }

    /// Whether there is only this one.
    pub fn is_whole(self) -> bool {
        self.of == 1
    }

    /// Number of this shard, from 1.
    pub fn number(self) -> u32 {
        self.number
    }

    /// How many shards there are.
    pub fn count(self) -> u32 {
        self.of
    }
}

fn ordinal(host: Option<&str>) -> Result<u32, String> {
    let ordinal = host.and_then(|host| host.rsplit_once('-')?.1.parse().ok());
    ordinal
        .ok_or_else(|| "pod/N needs a HOSTNAME that ends in -NUMBER, as the pods of a StatefulSet have it".to_owned())
}

/// SipHash 1-3 with a key of zeros: the same number on every machine and in every version.
fn drawn(target: &str, number: u32) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(target.as_bytes());
    hasher.write(&number.to_le_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shards(of: u32) -> Vec<Shard> {
        (1..=of).map(|number| Shard { number, of }).collect()
    }

    fn owner(target: &str, of: u32) -> u32 {
        let owners: Vec<_> = shards(of).into_iter().filter(|shard| shard.owns(target)).collect();
        assert_eq!(owners.len(), 1, "{target} of {of}");
        owners[0].number
    }

    proptest! {
        #[test]
        fn every_target_has_one_owner_and_a_shard_more_only_takes(target in ".{0,40}", of in 1u32..20) {
            let (before, after) = (owner(&target, of), owner(&target, of + 1));
            prop_assert!(after == before || after == of + 1);
        }
    }

    #[test]
    fn targets_are_spread_evenly() {
        for of in [2, 5, 16] {
            let mut counts = vec![0_u32; of as usize];
            for target in 0..10_000 {
                counts[owner(&format!("analytics-{}.dataset_{target}", target % 7), of) as usize - 1] += 1;
            }
            let even = 10_000.0 / f64::from(of);
            // Four standard deviations of a fair draw.
            let allowed = 4.0 * (even * (1.0 - 1.0 / f64::from(of))).sqrt();
            assert!(counts.iter().all(|count| (f64::from(*count) - even).abs() < allowed), "{of}: {counts:?}");
        }
    }

    #[test]
    fn owners_are_the_same_in_every_version() {
        let owners: Vec<u32> = ["analytics", "finance", "shop.orders", ""].iter().map(|name| owner(name, 5)).collect();
        assert_eq!(owners, [3, 1, 5, 2]);
    }

    #[test]
    fn shards_are_written_as_numbers_or_taken_from_the_pod() {
        assert_eq!(Shard::read("2/5", None), Ok(Shard { number: 2, of: 5 }));
        let of_pod = |host| Shard::read("pod/5", Some(host)).map(Shard::number);
        assert_eq!([of_pod("exporter-0"), of_pod("exporter-4"), of_pod("a-b-7")], [Ok(1), Ok(5), Ok(3)]);
        for (text, host) in [
            ("", None),
            ("3", None),
            ("0/5", None),
            ("6/5", None),
            ("1/0", None),
            ("1/1001", None),
            ("-1/5", None),
            ("pod/5", None),
            ("pod/5", Some("exporter")),
            ("pod/5", Some("exporter-a1b2c")),
        ] {
            assert!(Shard::read(text, host).is_err(), "{text} {host:?}");
        }
    }
}
