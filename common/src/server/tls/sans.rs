//! Client certificates of certain names only.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use serde_saphyr::Spanned;

use crate::config::ConfigError;

/// A verifier that also wants one of the allowed names among the certificate's subject
/// alternative names.
#[derive(Debug)]
struct Restricted {
    inner: Arc<dyn ClientCertVerifier>,
    allowed: Vec<String>,
}

/// Restricts `inner` to DNS names, URIs and IP addresses.
///
/// # Errors
/// When the list is empty, which would refuse everyone, or holds an e-mail address.
pub(super) fn restrict(
    inner: Arc<dyn ClientCertVerifier>,
    written: &[Spanned<String>],
) -> Result<Arc<dyn ClientCertVerifier>, ConfigError> {
    let wrong = |problem, fix| ConfigError::new("tls_server_config.client_allowed_sans", problem, fix);
    if written.is_empty() {
        return Err(wrong("an empty list would refuse every client", "add a name, or remove the key"));
    }
    if let Some(mail) = written.iter().find(|name| name.value.contains('@') && !name.value.contains("://")) {
        return Err(wrong("e-mail addresses are not supported", "write DNS names, URIs or IP addresses").at(mail));
    }
    let allowed = written.iter().map(|name| name.value.clone()).collect();
    Ok(Arc::new(Restricted { inner, allowed }))
}

impl Restricted {
    fn admits(&self, certificate: &CertificateDer<'_>) -> bool {
        let Ok(parsed) = webpki::EndEntityCert::try_from(certificate) else { return false };
        let names = || parsed.valid_dns_names().chain(parsed.valid_uri_names());
        self.allowed.iter().any(|allowed| match ServerName::try_from(allowed.as_str()) {
            Ok(address @ ServerName::IpAddress(_)) => parsed.verify_is_valid_for_subject_name(&address).is_ok(),
            _ => names().any(|name| name == allowed),
        })
    }
}

impl ClientCertVerifier for Restricted {
    fn offer_client_auth(&self) -> bool {
        self.inner.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.inner.verify_client_cert(certificate, between, now)?;
        let refused = Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);
        if self.admits(certificate) { Ok(verified) } else { Err(refused) }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
