//! Who we are at Google, as IAM writes it: read from what the Application Default Credentials say of themselves
//! (Google Cloud, "How Application Default Credentials works"), in that order. No secret is read.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde::Deserialize;

use crate::gcp::auth::TokenSource;
use crate::upstream::Upstream;

/// A metadata server is on the machine itself.
const PATIENCE: Duration = Duration::from_secs(3);

/// Our identity such as `serviceAccount:NAME@PROJECT.iam.gserviceaccount.com`; `None` where it cannot be told:
/// people's own credentials, federations without impersonation and tokens in files do not say whose they are.
pub async fn member(tokens: &TokenSource) -> Option<String> {
    let TokenSource::Google(_) = tokens else { return None };
    let email = match file() {
        Some(file) => of_file(&std::fs::read(file).ok()?)?,
        None => of_metadata_server().await?,
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    (email.contains('@') && email.chars().all(fits)).then(|| format!("serviceAccount:{email}"))
}

/// The file of the credentials, if there is one.
fn file() -> Option<PathBuf> {
    let named = std::env::var_os("GOOGLE_APPLICATION_CREDENTIALS").map(PathBuf::from);
    let usual =
        || Some(PathBuf::from(std::env::var_os("HOME")?).join(".config/gcloud/application_default_credentials.json"));
    named.or_else(|| usual().filter(|path| path.exists()))
}

#[derive(Deserialize)]
struct Credentials {
    client_email: Option<String>,
    service_account_impersonation_url: Option<String>,
}

fn of_file(text: &[u8]) -> Option<String> {
    let credentials: Credentials = serde_json::from_slice(text).ok()?;
    let impersonated = |url: String| Some(url.rsplit('/').next()?.split(':').next()?.to_owned());
    credentials.client_email.or_else(|| credentials.service_account_impersonation_url.and_then(impersonated))
}

async fn of_metadata_server() -> Option<String> {
    let host = std::env::var("GCE_METADATA_HOST").unwrap_or_else(|_| "metadata.google.internal".to_owned());
    let url = format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/email");
    let upstream = Upstream::new("metadata", PATIENCE, None, Arc::default()).ok()?;
    let request = upstream.request(Method::GET, &url).header("Metadata-Flavor", "Google");
    let answer = upstream.send(request, "email").await.ok()?.success("email").ok()?;
    Some(String::from_utf8(answer.body).ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_say_whose_they_are() {
        let key = br#"{"type":"service_account","client_email":"a@p.iam.gserviceaccount.com","private_key":"planted"}"#;
        assert_eq!(of_file(key).as_deref(), Some("a@p.iam.gserviceaccount.com"));
        let other = br#"{"type":"impersonated_service_account","source_credentials":{},"service_account_impersonation_url":
            "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/b@p.iam.gserviceaccount.com:generateAccessToken"}"#;
        assert_eq!(of_file(other).as_deref(), Some("b@p.iam.gserviceaccount.com"));
        assert_eq!(of_file(br#"{"type":"authorized_user","refresh_token":"planted"}"#), None);
    }
}
