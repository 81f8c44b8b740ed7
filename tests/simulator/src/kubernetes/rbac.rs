//! Who may do what.

use super::parts::{Access, Rule};
use super::status::{failure, failure_of};
use crate::http::{Answer, Request};
use crate::time::Time;

/// Who asks; None is everybody, where there are no tokens.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a>(Option<&'a Access>);

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// get, list, watch, create or update.
    pub verb: &'a str,
    /// `pods`, `pods/log` or `leases`.
    pub resource: &'a str,
    /// None for all namespaces.
    pub namespace: Option<&'a str>,
    /// Of one pod, else empty.
    pub name: &'a str,
}

/// Finds out whose token it is, or refuses; without tokens everybody may do everything.
pub fn caller<'a>(tokens: &'a [Access], request: &Request, now: Time) -> Result<Caller<'a>, Answer> {
    if tokens.is_empty() {
        return Ok(Caller(None));
    }
    let given = request.bearer();
    let valid = |access: &&Access| given == Some(&access.token) && access.expires_at.is_none_or(|at| now < at);
    let known = tokens.iter().find(valid);
    known.map(|access| Caller(Some(access))).ok_or_else(|| failure(401, "Unauthorized", "Unauthorized"))
}

impl Caller<'_> {
    /// Whether a rule allows it.
    pub fn may(self, wish: Wish<'_>) -> bool {
        self.0.is_none_or(|access| access.rules.iter().any(|rule| rule.allows(wish)))
    }

    /// Refuses what no rule allows.
    pub fn must(self, wish: Wish<'_>) -> Result<(), Answer> {
        let Some(access) = self.0.filter(|_| !self.may(wish)) else { return Ok(()) };
        let (kind, group) = match wish.resource {
            "leases" => ("leases.coordination.k8s.io", "coordination.k8s.io"),
            _ => ("pods", ""),
        };
        let what = if wish.name.is_empty() { kind.to_owned() } else { format!("{kind} \"{}\"", wish.name) };
        let place = match wish.namespace {
            Some(namespace) => format!("in the namespace \"{namespace}\""),
            None => "at the cluster scope".into(),
        };
        let Wish { verb, resource, .. } = wish;
        let message = format!(
            "{what} is forbidden: User \"{}\" cannot {verb} resource \"{resource}\" in API group \"{group}\" {place}",
            access.user
        );
        Err(failure_of(403, "Forbidden", &message, wish.name))
    }
}

impl Rule {
    fn allows(&self, wish: Wish<'_>) -> bool {
        let one_of = |all: &[String], wanted: &str| all.iter().any(|one| one == "*" || one == wanted);
        self.namespace.as_deref().is_none_or(|here| wish.namespace == Some(here))
            && one_of(&self.resources, wish.resource)
            && one_of(&self.verbs, wish.verb)
    }
}
