//! The commands that give roles in Airflow, and Composer's in front of it.

use super::super::report::{EMAIL, MEMBER, quoted};
use crate::airflow::place::RawAuth;

/// Who we are to an Airflow.
#[derive(Debug, Clone)]
pub enum User {
    /// A user of Airflow's own; without a name where a token is used.
    Airflow(Option<String>),
    /// A Google identity behind Composer's proxy: project, location and name of the environment where they are known.
    Google(Option<[String; 3]>),
}

/// A role with the two permissions that are needed: Google's own `roles/composer.user` may also run DAGs.
pub fn composer_role(project: &str) -> String {
    let project = quoted(project);
    format!(
        "gcloud iam roles create footprintComposerReader --project {project} \
         --permissions composer.environments.get,composer.environments.list\n\
         gcloud projects add-iam-policy-binding {project} --member {MEMBER} \
         --role projects/{project}/roles/footprintComposerReader"
    )
}

impl From<&RawAuth> for User {
    fn from(auth: &RawAuth) -> Self {
        if auth.google { Self::Google(None) } else { Self::Airflow(auth.username.clone()) }
    }
}

impl User {
    /// Commands that give a role: `Viewer`, or for the audit log one of its own.
    pub(super) fn grant(&self, audit: bool) -> String {
        let role = if audit { AUDITOR } else { "Viewer" };
        let made = [
            format!("roles create {AUDITOR}"),
            format!("roles add-perms {AUDITOR} --resource 'Audit Logs' --action can_read"),
        ];
        let own = match self {
            Self::Airflow(name) => {
                format!("users add-role --username {} --role {role}", name.as_deref().map_or("USER".to_owned(), quoted))
            }
            Self::Google(_) => format!("users add-role --email {EMAIL} --role {role}"),
        };
        let commands = made.into_iter().filter(|_| audit).chain([own]).map(|command| self.run(&command));
        commands.chain(self.remark(audit)).collect::<Vec<_>>().join("\n")
    }

    /// A command of Airflow's own, as it is run here.
    fn run(&self, command: &str) -> String {
        let Self::Google(environment) = self else { return format!("airflow {command}") };
        let unknown = || ["PROJECT", "LOCATION", "ENVIRONMENT"].map(str::to_owned);
        let [project, location, name] = environment.clone().unwrap_or_else(unknown).map(|part| quoted(&part));
        let (group, rest) = command.split_once(' ').unwrap_or((command, ""));
        let (verb, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        format!(
            "gcloud composer environments run {name} --project {project} --location {location} {group} {verb} -- {rest}"
        )
    }

    fn remark(&self, audit: bool) -> Option<String> {
        let simple = "# With Airflow 3's simple auth manager: simple_auth_manager_users = USER:viewer in [core].\n\
             # If everything is lacking, check user, password or token first: Airflow answers 403 to wrong ones, too.";
        (matches!(self, Self::Airflow(_)) && !audit).then(|| simple.to_owned())
    }
}

const AUDITOR: &str = "FootprintAudit";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_granted_where_airflow_runs() {
        let own = User::Airflow(Some("foot print".to_owned()));
        assert!(own.grant(false).starts_with("airflow users add-role --username 'foot print' --role Viewer\n#"));
        assert_eq!(own.grant(true).lines().count(), 3);
        let composer = User::Google(Some(["p", "europe-west1", "prod"].map(str::to_owned)));
        assert_eq!(
            composer.grant(false),
            "gcloud composer environments run prod --project p --location europe-west1 users add-role -- \
             --email EMAIL --role Viewer"
        );
        assert!(composer.grant(true).contains("roles add-perms -- FootprintAudit --resource 'Audit Logs'"));
        assert!(User::Google(None).grant(false).contains("run ENVIRONMENT --project PROJECT"));
    }
}
