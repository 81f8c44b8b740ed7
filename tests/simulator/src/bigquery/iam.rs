//! Who may do what: roles, and the errors of those who may not.

use serde_json::json;

use super::world::{Access, BigQuery};
use crate::http::{Answer, Request};

/// What is said to those without a token that is known.
pub const NO_TOKEN: &str = "Request had invalid authentication credentials. Expected OAuth 2 access token.";

/// Permissions by role, as Google's IAM reference lists them, as far as they matter here.
const ROLES: [(&str, &[&str]); 5] = [
    (
        "roles/bigquery.resourceViewer",
        &[
            "bigquery.bireservations.get",
            "bigquery.capacityCommitments.get",
            "bigquery.capacityCommitments.list",
            "bigquery.jobs.get",
            "bigquery.jobs.list",
            "bigquery.jobs.listAll",
            "bigquery.jobs.listExecutionMetadata",
            "bigquery.reservationAssignments.list",
            "bigquery.reservationAssignments.search",
            "bigquery.reservations.get",
            "bigquery.reservations.list",
            "resourcemanager.projects.get",
            "resourcemanager.projects.list",
        ],
    ),
    (
        "roles/bigquery.metadataViewer",
        &[
            "bigquery.datasets.get",
            "bigquery.tables.get",
            "bigquery.tables.list",
            "resourcemanager.projects.get",
            "resourcemanager.projects.list",
        ],
    ),
    (
        "roles/bigquery.user",
        &[
            "bigquery.datasets.get",
            "bigquery.jobs.create",
            "bigquery.jobs.list",
            "bigquery.reservations.get",
            "bigquery.reservations.list",
            "bigquery.tables.list",
            "resourcemanager.projects.get",
            "resourcemanager.projects.list",
        ],
    ),
    ("roles/bigquery.jobUser", &["bigquery.jobs.create", "resourcemanager.projects.get"]),
    ("roles/bigquery.admin", &["*"]),
];

/// Whether a role is one of those above.
pub fn is_role(role: &str) -> bool {
    ROLES.iter().any(|(name, _)| *name == role)
}

/// The caller of a request.
#[derive(Clone, Copy, Debug)]
pub enum Caller<'a> {
    /// No access is configured.
    Anybody,
    /// A known token.
    Known(&'a Access),
}

/// Who calls; a token that is not known is 401.
pub fn caller<'a>(world: &'a BigQuery, request: &Request) -> Result<Caller<'a>, Answer> {
    if world.access.is_empty() {
        return Ok(Caller::Anybody);
    }
    let token = request.bearer();
    let known = world.access.iter().find(|access| Some(access.token.as_str()) == token);
    known.map(Caller::Known).ok_or_else(|| {
        error(401, "authError", "UNAUTHENTICATED", NO_TOKEN)
            .with("www-authenticate", "Bearer realm=\"https://accounts.google.com/\"")
    })
}

impl Caller<'_> {
    /// Whether the caller has a permission in a project.
    pub fn may(&self, project: &str, permission: &str) -> bool {
        let Caller::Known(access) = self else { return true };
        let here = access.projects.is_empty() || access.projects.iter().any(|id| id == project);
        let grants = |role: &String| {
            let found = ROLES.iter().find(|(name, _)| name == role);
            found.is_some_and(|(_, all)| all.contains(&permission) || all.contains(&"*"))
        };
        here && access.roles.iter().any(grants)
    }

    /// The same with the error that Google answers.
    pub fn must(&self, project: &str, permission: &str) -> Result<(), Answer> {
        if self.may(project, permission) {
            return Ok(());
        }
        let message = format!(
            "Access Denied: Project {project}: User does not have {permission} permission in project {project}."
        );
        Err(error(403, "accessDenied", "PERMISSION_DENIED", &message))
    }

    /// The caller's own address.
    pub fn email(&self) -> String {
        match self {
            Caller::Anybody => String::new(),
            Caller::Known(access) => {
                let default = || format!("{}@simulated.iam.gserviceaccount.com", access.token);
                access.email.clone().unwrap_or_else(default)
            }
        }
    }
}

/// An error in BigQuery's classic shape.
pub fn error(code: u16, reason: &str, status: &str, message: &str) -> Answer {
    let item = json!({"message": message, "domain": "global", "reason": reason});
    let body = json!({"error": {"code": code, "message": message, "errors": [item], "status": status}});
    Answer { kind: "application/json; charset=UTF-8", ..Answer::json_with(code, &body) }
}

/// The reason and the status that go with a code.
pub fn words(code: u16) -> (&'static str, &'static str) {
    match code {
        400 => ("invalid", "INVALID_ARGUMENT"),
        401 => ("authError", "UNAUTHENTICATED"),
        403 => ("accessDenied", "PERMISSION_DENIED"),
        404 => ("notFound", "NOT_FOUND"),
        429 => ("rateLimitExceeded", "RESOURCE_EXHAUSTED"),
        501 => ("notImplemented", "UNIMPLEMENTED"),
        500.. => ("backendError", "UNAVAILABLE"),
        _ => ("invalid", "FAILED_PRECONDITION"),
    }
}
