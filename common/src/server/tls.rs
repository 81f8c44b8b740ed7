//! TLS for the listener.

mod sans;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use serde_saphyr::Spanned;

use super::web_config::RawTls;
use crate::config::ConfigError;

/// The server's TLS configuration; relative paths start at `dir`.
pub(super) fn build(written: &Spanned<RawTls>, dir: &Path) -> Result<Arc<ServerConfig>, ConfigError> {
    crate::upstream::install_crypto();
    let raw = &written.value;
    refuse_unsupported(raw)?;
    let place = |error: ConfigError| if error.at.is_none() { error.at(written) } else { error };
    let certificates = certificates("cert", &raw.cert_file, &raw.cert, dir).map_err(place)?;
    let key = pem("key", &raw.key_file, &raw.key, dir).map_err(place)?;
    let key = PrivateKeyDer::from_pem_slice(&key)
        .map_err(|_| place(wrong("key", "there is no private key", "write one in PEM, not encrypted")))?;
    let builder = ServerConfig::builder_with_protocol_versions(&versions(raw)?);
    let builder = match client_verifier(raw, dir).map_err(place)? {
        None => builder.with_no_client_auth(),
        Some(verifier) => builder.with_client_cert_verifier(verifier),
    };
    let fit = |error| {
        place(wrong("key", &format!("certificate and key do not fit: {error}"), "give the key of the certificate"))
    };
    let mut config = builder.with_single_cert(certificates, key).map_err(fit)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.ignore_client_order = raw.prefer_server_cipher_suites.unwrap_or(true);
    Ok(Arc::new(config))
}

fn refuse_unsupported(raw: &RawTls) -> Result<(), ConfigError> {
    let lists = [("cipher_suites", &raw.cipher_suites), ("curve_preferences", &raw.curve_preferences)];
    for (key, value) in lists {
        if let Some(value) = value {
            let fix = "remove the key: only forward secret AEAD suites and current curves are offered anyway";
            return Err(wrong(key, "a choice of one's own is not supported", fix).at(value));
        }
    }
    Ok(())
}

fn versions(raw: &RawTls) -> Result<Vec<&'static SupportedProtocolVersion>, ConfigError> {
    let number = |key: &str, value: &Option<Spanned<String>>, default| {
        let Some(value) = value else { return Ok(default) };
        match value.value.as_str() {
            "TLS12" => Ok(12),
            "TLS13" => Ok(13),
            other => Err(wrong(key, &format!("{other} is not supported"), "write TLS12 or TLS13").at(value)),
        }
    };
    let (min, max) = (number("min_version", &raw.min_version, 12)?, number("max_version", &raw.max_version, 13)?);
    let all = [(12, &version::TLS12), (13, &version::TLS13)];
    let chosen: Vec<_> = all.into_iter().filter(|(n, _)| (min..=max).contains(n)).map(|(_, v)| v).collect();
    let above = || wrong("min_version", "is above max_version", "remove one of them");
    if chosen.is_empty() { Err(raw.min_version.iter().fold(above(), ConfigError::at)) } else { Ok(chosen) }
}

/// The check of client certificates. Go's modes that ask for a certificate without verifying it
/// protect nothing and are refused.
fn client_verifier(raw: &RawTls, dir: &Path) -> Result<Option<Arc<dyn ClientCertVerifier>>, ConfigError> {
    let has_ca = raw.client_ca_file.is_some() || raw.client_ca.is_some();
    let optional = match raw.client_auth_type.as_ref().map_or("", |value| value.value.as_str()) {
        "NoClientCert" | "" if !has_ca && raw.client_allowed_sans.is_none() => return Ok(None),
        "NoClientCert" | "" => {
            let problem = "no client certificate is asked for, although client_ca_file or client_allowed_sans is given";
            return Err(wrong("client_auth_type", problem, "write RequireAndVerifyClientCert"));
        }
        "VerifyClientCertIfGiven" => true,
        "RequireAndVerifyClientCert" => false,
        other => {
            let fix = "write RequireAndVerifyClientCert, VerifyClientCertIfGiven or NoClientCert";
            let error = wrong("client_auth_type", &format!("{other} is not supported"), fix);
            return Err(raw.client_auth_type.iter().fold(error, ConfigError::at));
        }
    };
    let mut roots = RootCertStore::empty();
    let unusable = |problem: &str| wrong("client_ca_file", problem, "give the CA's certificates in PEM");
    for certificate in certificates("client_ca", &raw.client_ca_file, &raw.client_ca, dir)? {
        roots.add(certificate).map_err(|error| unusable(&error.to_string()))?;
    }
    let builder = WebPkiClientVerifier::builder(Arc::new(roots));
    let builder = if optional { builder.allow_unauthenticated() } else { builder };
    let verifier = builder.build().map_err(|error| unusable(&error.to_string()))?;
    match &raw.client_allowed_sans {
        None => Ok(Some(verifier)),
        Some(allowed) => sans::restrict(verifier, allowed).map(Some),
    }
}

type File = Option<Spanned<PathBuf>>;
type Inline = Option<Spanned<String>>;

fn certificates(
    key: &str,
    file: &File,
    inline: &Inline,
    dir: &Path,
) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let bytes = pem(key, file, inline, dir)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => {
            let error = wrong(key, "there is no certificate", "write one in PEM");
            Err(inline.iter().fold(file.iter().fold(error, ConfigError::at), ConfigError::at))
        }
    }
}

fn pem(key: &str, file: &File, inline: &Inline, dir: &Path) -> Result<Vec<u8>, ConfigError> {
    match (file, inline) {
        (Some(file), None) => {
            let path = dir.join(&file.value);
            fs::read(&path).map_err(|error| {
                let problem = format!("cannot read {}: {error}", path.display());
                let fix = "correct the path, which starts at this file's folder, or make the file readable";
                wrong(&format!("{key}_file"), &problem, fix).at(file)
            })
        }
        (None, Some(inline)) => Ok(inline.value.clone().into_bytes()),
        (None, None) => Err(wrong(&format!("{key}_file"), "is missing", &format!("add {key}_file or {key}"))),
        (Some(_), Some(inline)) => {
            let problem = format!("is given beside {key}_file");
            Err(wrong(key, &problem, "remove one of them").at(inline))
        }
    }
}

fn wrong(key: &str, problem: &str, fix: &str) -> ConfigError {
    ConfigError::new(format!("tls_server_config.{key}"), problem, fix)
}
