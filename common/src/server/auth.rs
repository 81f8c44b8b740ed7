//! Basic auth against bcrypt hashes, and the rate limit.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use tokio::sync::Semaphore;

/// Verified pairs that are remembered, so that a scrape does not cost a bcrypt each time.
const REMEMBERED: usize = 256;
/// Hashes that are computed at the same time; each costs about a tenth of a second of one core.
const AT_ONCE: usize = 2;
/// Compared with where the user is unknown, so that an answer takes as long as for a known one.
/// It is the hash of no one's password.
const NOBODY: &str = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

/// Users with their bcrypt hashes. Debug shows neither.
pub(super) struct Users {
    hashes: BTreeMap<String, String>,
    verified: Mutex<HashSet<(u64, u64)>>,
    keys: (RandomState, RandomState),
    slots: Arc<Semaphore>,
}

impl Users {
    /// # Errors
    /// Names the user whose hash is none.
    pub(super) fn new(hashes: BTreeMap<String, String>) -> Result<Self, String> {
        for (user, hash) in &hashes {
            let known = hash.parse::<bcrypt::HashParts>().is_ok();
            if !known {
                return Err(user.clone());
            }
        }
        let keys = (RandomState::new(), RandomState::new());
        Ok(Self { hashes, verified: Mutex::default(), keys, slots: Arc::new(Semaphore::new(AT_ONCE)) })
    }

    /// Whether the request comes from one of the users.
    pub(super) async fn admits(&self, headers: &HeaderMap) -> bool {
        let Some((user, password)) = credentials(headers) else { return false };
        let hash = self.hashes.get(&user).cloned();
        // The hash is part of the key: a changed password makes what was verified worthless.
        let pair = (&user, &password, &hash);
        let key = (self.keys.0.hash_one(pair), self.keys.1.hash_one(pair));
        if self.lock().contains(&key) {
            return true;
        }
        let Ok(_slot) = self.slots.acquire().await else { return false };
        let check = move || {
            let matches = bcrypt::verify(password, hash.as_deref().unwrap_or(NOBODY)).unwrap_or(false);
            matches && hash.is_some()
        };
        let admitted = tokio::task::spawn_blocking(check).await.unwrap_or(false);
        if admitted {
            let mut verified = self.lock();
            if verified.len() >= REMEMBERED {
                verified.clear();
            }
            verified.insert(key);
        }
        admitted
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<(u64, u64)>> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    let decoded = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(encoded.trim()).ok()).flatten()?;
    let (user, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// A token bucket over all requests.
pub(super) struct Rate {
    interval: Duration,
    burst: f64,
    level: Mutex<(f64, Instant)>,
}

impl Rate {
    pub(super) fn new(interval: Duration, burst: f64) -> Self {
        Self { interval, burst, level: Mutex::new((burst, Instant::now())) }
    }

    /// Whether there is one more request to be had.
    pub(super) fn take(&self) -> bool {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let refill = now.duration_since(level.1).as_secs_f64() / self.interval.as_secs_f64();
        *level = ((level.0 + refill).min(self.burst), now);
        let enough = level.0 >= 1.0;
        level.0 -= f64::from(u8::from(enough));
        enough
    }
}
