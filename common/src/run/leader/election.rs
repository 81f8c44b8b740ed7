//! One try for the lease, and giving it back.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, ObjectMeta, PostParams};
use tokio::time::Instant;

use super::DURATION;

/// Our part in an election.
pub(super) struct Election {
    api: Api<Lease>,
    pub(super) name: String,
    identity: String,
    /// Another's lease as it was last seen: its version, and since when it is that.
    seen: Option<(String, Instant)>,
}

impl Election {
    /// For the lease of this name; `identity` tells us from the others.
    pub(super) fn new(api: Api<Lease>, name: String, identity: String) -> Self {
        Self { api, name, identity, seen: None }
    }

    /// Takes or renews the lease; says whether we hold it.
    ///
    /// # Errors
    /// What the API server said.
    pub(super) async fn attempt(&mut self) -> Result<bool, String> {
        let there = self.api.get_opt(&self.name).await.map_err(|error| told(&error))?;
        if there.as_ref().is_some_and(|lease| !self.may_take(lease)) {
            return Ok(false);
        }
        let (wish, parameters) = (self.wish(there.as_ref()), PostParams::default());
        let written = match there {
            None => self.api.create(&parameters, &wish).await,
            Some(_) => self.api.replace(&self.name, &parameters, &wish).await,
        };
        match written {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            Err(error) => Err(told(&error)),
        }
    }

    fn may_take(&mut self, lease: &Lease) -> bool {
        let spec = lease.spec.clone().unwrap_or_default();
        let holder = spec.holder_identity.unwrap_or_default();
        if holder.is_empty() || holder == self.identity {
            return true;
        }
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        let since = match &self.seen {
            Some((seen, since)) if *seen == version => *since,
            _ => {
                let now = Instant::now();
                self.seen = Some((version, now));
                now
            }
        };
        let lasts = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        since.elapsed() >= lasts.map_or(DURATION, Duration::from_secs)
    }

    /// The lease as ours, in place of `there`.
    fn wish(&self, there: Option<&Lease>) -> Lease {
        let before = there.and_then(|lease| lease.spec.clone()).unwrap_or_default();
        let now = Some(MicroTime(jiff::Timestamp::now()));
        let ours = before.holder_identity.as_ref() == Some(&self.identity);
        let transitions = before.lease_transitions.unwrap_or(0);
        let spec = LeaseSpec {
            acquire_time: if ours { before.acquire_time } else { now.clone() },
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
            lease_transitions: Some(if ours || there.is_none() { transitions } else { transitions + 1 }),
            renew_time: now,
            ..LeaseSpec::default()
        };
        let version = there.and_then(|lease| lease.metadata.resource_version.clone());
        let metadata = ObjectMeta { name: Some(self.name.clone()), resource_version: version, ..ObjectMeta::default() };
        Lease { metadata, spec: Some(spec) }
    }

    /// Gives the lease back, if we hold it.
    ///
    /// # Errors
    /// What the API server said.
    pub(super) async fn release(&mut self) -> Result<(), String> {
        let lease = self.api.get(&self.name).await.map_err(|error| told(&error))?;
        let mut free = self.wish(Some(&lease));
        if let Some(spec) = free.spec.as_mut().filter(|_| holds(&lease, &self.identity)) {
            (spec.holder_identity, spec.lease_duration_seconds) = (None, Some(1));
            self.api.replace(&self.name, &PostParams::default(), &free).await.map_err(|error| told(&error))?;
        }
        Ok(())
    }
}

fn holds(lease: &Lease, identity: &str) -> bool {
    lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()) == Some(identity)
}

/// What the API server said; nothing of what was sent.
fn told(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => format!("{} {}", status.code, status.message),
        other => other.to_string(),
    }
}
