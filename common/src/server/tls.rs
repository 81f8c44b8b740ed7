//! TLS for the listener.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use serde_saphyr::Spanned;

use super::web_config::RawTls;
use crate::config::ConfigError;

/// The server's TLS configuration; relative paths start at `dir`.
pub(super) fn build(raw: &RawTls, dir: &Path) -> Result<Arc<ServerConfig>, ConfigError> {
    crate::upstream::install_crypto();
    let certificates = certificates("cert", raw.cert_file.as_ref(), raw.cert.as_ref(), dir)?;
    let key = pem("key", raw.key_file.as_ref(), raw.key.as_ref(), dir)?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| unusable("key", "holds no PEM private key"))?;
    let builder = ServerConfig::builder_with_protocol_versions(&versions(raw)?);
    let builder = match client_verifier(raw, dir)? {
        None => builder.with_no_client_auth(),
        Some(verifier) => builder.with_client_cert_verifier(verifier),
    };
    let config = builder.with_single_cert(certificates, key);
    let mut config = config.map_err(|error| unusable("cert", &format!("certificate and key do not fit: {error}")))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn versions(raw: &RawTls) -> Result<Vec<&'static SupportedProtocolVersion>, ConfigError> {
    let number = |name: &str, value: &Option<Spanned<String>>, default| match value.as_ref().map(|v| v.value.as_str()) {
        None => Ok(default),
        Some("TLS12") => Ok(12),
        Some("TLS13") => Ok(13),
        Some(other) => {
            let key = format!("tls_server_config.{name}");
            let error = ConfigError::new(key, format!("{other} is not supported"), "write TLS12 or TLS13");
            Err(value.as_ref().map_or(error.clone(), |value| error.at(value)))
        }
    };
    let (min, max) = (number("min_version", &raw.min_version, 12)?, number("max_version", &raw.max_version, 13)?);
    let all = [(12, &version::TLS12), (13, &version::TLS13)];
    let chosen: Vec<_> = all.into_iter().filter(|(n, _)| (min..=max).contains(n)).map(|(_, v)| v).collect();
    if chosen.is_empty() { Err(unusable("min_version", "is above max_version")) } else { Ok(chosen) }
}

type Verifier = Arc<dyn rustls::server::danger::ClientCertVerifier>;

/// The check of client certificates. Go's modes that ask for a certificate without verifying it
/// protect nothing and are refused.
fn client_verifier(raw: &RawTls, dir: &Path) -> Result<Option<Verifier>, ConfigError> {
    let wanted = raw.client_auth_type.as_ref().map_or("NoClientCert", |value| value.value.as_str());
    let has_ca = raw.client_ca_file.is_some() || raw.client_ca.is_some();
    let optional = match wanted {
        "NoClientCert" | "" if !has_ca => return Ok(None),
        "NoClientCert" | "" => return Err(unusable("client_ca_file", "is given while client_auth_type asks for no certificate")),
        "VerifyClientCertIfGiven" => true,
        "RequireAndVerifyClientCert" => false,
        other => return Err(unusable("client_auth_type", &format!("{other} is not supported"))),
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates("client_ca", raw.client_ca_file.as_ref(), raw.client_ca.as_ref(), dir)? {
        roots.add(certificate).map_err(|_| unusable("client_ca_file", "holds a certificate that cannot be used"))?;
    }
    let builder = WebPkiClientVerifier::builder(Arc::new(roots));
    let builder = if optional { builder.allow_unauthenticated() } else { builder };
    builder.build().map(Some).map_err(|error| unusable("client_ca_file", &error.to_string()))
}

fn certificates(
    name: &str,
    file: Option<&PathBuf>,
    inline: Option<&String>,
    dir: &Path,
) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let bytes = pem(name, file, inline, dir)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(unusable(name, "holds no PEM certificate")),
    }
}

fn pem(name: &str, file: Option<&PathBuf>, inline: Option<&String>, dir: &Path) -> Result<Vec<u8>, ConfigError> {
    match (file, inline) {
        (Some(file), None) => {
            let file = dir.join(file);
            fs::read(&file).map_err(|error| unusable(name, &format!("cannot read {}: {error}", file.display())))
        }
        (None, Some(inline)) => Ok(inline.clone().into_bytes()),
        _ => Err(unusable(name, &format!("needs exactly one of {name}_file and {name}"))),
    }
}

fn unusable(key: &str, problem: &str) -> ConfigError {
    let fix = "TLS needs cert_file and key_file in PEM; client certificates need client_auth_type RequireAndVerifyClientCert or VerifyClientCertIfGiven with client_ca_file";
    ConfigError::new(format!("tls_server_config.{key}"), problem, fix)
}
