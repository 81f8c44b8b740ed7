//! Basic auth against bcrypt hashes, and the rate limit.

use std::collections::{BTreeMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use siphasher::sip128::{Hasher128, SipHasher24};
use tokio::sync::Semaphore;

/// Verified pairs that are remembered, so that a scrape does not cost a bcrypt each time.
const REMEMBERED: usize = 256;
/// Hashes that are computed at the same time; each costs about a tenth of a second of one core.
pub(super) const AT_ONCE: usize = 2;
/// Costs that are taken; one more doubles the time, which is about 6 s at 17.
const COSTS: std::ops::RangeInclusive<u32> = 4..=17;

/// Users with their bcrypt hashes. There is no Debug, which would show them.
pub(super) struct Users {
    hashes: BTreeMap<String, String>,
    /// The costliest hash. An unknown user's password is compared with it and refused anyway, so
    /// that the time taken does not tell which users there are.
    decoy: String,
    verified: Mutex<HashSet<u128>>,
    key: [u8; 16],
    /// For [`AT_ONCE`] computations.
    pub(super) slots: Arc<Semaphore>,
}

impl Users {
    /// Users whose hashes were checked with [`cost`]; none if there are none.
    pub(super) fn new(hashes: BTreeMap<String, String>) -> Option<Self> {
        let decoy = hashes.values().max_by_key(|hash| cost(hash).ok())?.clone();
        let mut key = [0; 16];
        rustls::crypto::ring::default_provider().secure_random.fill(&mut key).ok()?;
        Some(Self { hashes, decoy, verified: Mutex::default(), key, slots: Arc::new(Semaphore::new(AT_ONCE)) })
    }

    /// Whether the request comes from one of the users.
    pub(super) async fn admits(&self, headers: &HeaderMap) -> bool {
        let Some((user, password)) = credentials(headers) else { return false };
        let key = self.digest(&user, &password);
        if self.verified().contains(&key) {
            return true;
        }
        let known = self.hashes.get(&user);
        let admitted = self.matches(password, known.unwrap_or(&self.decoy).clone()).await && known.is_some();
        if admitted {
            self.remember(key);
        }
        admitted
    }

    async fn matches(&self, password: String, hash: String) -> bool {
        let Ok(slot) = self.slots.clone().acquire_owned().await else { return false };
        let check = move || {
            // Here, since the computation goes on when the client has gone.
            let _slot = slot;
            bcrypt::verify(password, &hash).unwrap_or(false)
        };
        tokio::task::spawn_blocking(check).await.unwrap_or(false)
    }

    fn remember(&self, key: u128) {
        let mut verified = self.verified();
        if verified.len() >= REMEMBERED {
            verified.clear();
        }
        verified.insert(key);
    }

    fn digest(&self, user: &str, password: &str) -> u128 {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        (user, password).hash(&mut hasher);
        hasher.finish128().as_u128()
    }

    fn verified(&self) -> MutexGuard<'_, HashSet<u128>> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The cost of a bcrypt hash.
///
/// # Errors
/// What is wrong with it, without the text itself.
pub(super) fn cost(hash: &str) -> Result<u32, String> {
    let parts: bcrypt::HashParts = hash.parse().map_err(|_| "the value is no bcrypt hash".to_owned())?;
    let cost = parts.get_cost();
    if COSTS.contains(&cost) { Ok(cost) } else { Err(format!("a cost of {cost} is outside of 4 to 17")) }
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
    /// One request per `interval` for ever, and `burst` at once after a pause.
    pub(super) fn new(interval: Duration, burst: u32) -> Self {
        let burst = f64::from(burst);
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
