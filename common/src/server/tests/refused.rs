//! Web configurations that cannot be used, and what their errors tell.

use std::fmt::Debug;
use std::marker::PhantomData;

use super::*;
use crate::server::check_web_config;

/// A real hash, and a key that is none.
const HASH: &str = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";
const SECRET: &str = "open-sesame";

/// The error for this text, beside a good pair `cert.pem` and `key.pem`.
fn refusal(text: &str) -> String {
    let (folder, authority) = (Folder::new(), tls::Authority::new());
    tls::written(&folder, &authority, "");
    folder.write("ca.pem", &authority.pem());
    folder.write("other.pem", &authority.leaf("127.0.0.1").1);
    folder.write("rubbish.pem", SECRET);
    let config = folder.config(text);
    let error = check_web_config(&config).err().unwrap_or_else(|| panic!("is taken: {text}")).to_string();
    assert!(error.starts_with(&format!("{}:", config.display())), "names no file: {error}");
    assert!(error.contains("\n  fix: "), "names no fix: {error}");
    error
}

#[test]
fn errors_name_line_and_key() {
    let cases = [
        ("tls_server_config: {}\nbasic_auth: {}\n", ":2:", "basic_auth"),
        ("rate_limit: {interval: 1s, bursts: 3}\n", ":1:", "bursts"),
        ("basic_auth_users:\n  ann: plain\n", ":2:", "basic_auth_users.ann: the value is no bcrypt hash"),
        ("basic_auth_users:\n  ann:\n", ":2:", ""),
        ("\nrate_limit: {interval: soon}\n", ":2:", "rate_limit.interval"),
        ("rate_limit: {interval: 1s, burst: 0}\n", ":1:", "rate_limit.burst"),
        ("http_server_config:\n  headers: {Server: me}\n", ":2:", "http_server_config.headers.Server"),
        ("http_server_config:\n  headers: {X-Frame-Options: \"a\\nb\"}\n", ":2:", "headers.X-Frame-Options"),
    ];
    for (text, line, key) in cases {
        let error = refusal(text);
        assert!(error.contains(&format!("web.yaml{line}")) && error.contains(key), "{text}: {error}");
    }
}

#[test]
fn tls_errors_name_line_and_key() {
    let pair = "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n";
    let cases = [
        ("tls_server_config:\n  cert_file: cert.pem\n".to_owned(), "tls_server_config.key_file"),
        ("tls_server_config:\n  key_file: key.pem\n".to_owned(), "tls_server_config.cert_file"),
        (pair.replace("key.pem", "none.pem"), "web.yaml:3:"),
        (pair.replace("key.pem", "none.pem"), "tls_server_config.key_file: cannot read"),
        (pair.replace("key.pem", "rubbish.pem"), "tls_server_config.key: there is no private key"),
        (pair.replace("key.pem", "other.pem"), "tls_server_config.key: certificate and key do not fit"),
        (pair.replace("cert.pem", "rubbish.pem"), "tls_server_config.cert: there is no certificate"),
        (format!("{pair}  cert: x\n"), "tls_server_config.cert: is given beside cert_file"),
        (format!("{pair}  min_version: TLS10\n"), "tls_server_config.min_version: TLS10"),
        (format!("{pair}  min_version: TLS13\n  max_version: TLS12\n"), "web.yaml:4:"),
        (format!("{pair}  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]\n"), "tls_server_config.cipher_suites"),
        (
            format!("{pair}  client_auth_type: RequestClientCert\n"),
            "client_auth_type: RequestClientCert is not supported",
        ),
        (format!("{pair}  client_auth_type: RequireAnyClientCert\n"), "web.yaml:4:"),
        (format!("{pair}  client_auth_type: RequireAndVerifyClientCert\n"), "tls_server_config.client_ca_file"),
        (format!("{pair}  client_ca_file: ca.pem\n"), "tls_server_config.client_auth_type: no client certificate"),
    ];
    for (text, expected) in cases {
        let error = refusal(&text);
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[tokio::test]
async fn a_missing_file_is_named_and_nothing_is_served() {
    let folder = Folder::new();
    let path = folder.0.path().join("none.yaml");
    let error = Listeners::bind(&["127.0.0.1:0".to_owned()], Some(&path)).await.err().unwrap();
    assert!(error.starts_with(&format!("{}: cannot be read", path.display())), "{error}");
    assert!(error.contains("--web.config.file"), "{error}");
}

#[test]
fn errors_hold_no_secrets() {
    let almost = &HASH[..HASH.len() - 1];
    let cases = [
        format!("basic_auth_users: {{bob: '{almost}'}}\n"),
        format!("basic_auth_users: {{bob: '{SECRET}'}}\n"),
        format!("basic_auth_users: {{bob: ['{HASH}']}}\n"),
        format!("basic_auth_users: 'bob:{HASH}'\n"),
        format!("basic_auth_users: ['{HASH}']\n"),
        format!("basic_auth_users: {{'{HASH}': bob}}\n"),
        format!("basic_auth_users:\n- bob: {HASH}\n"),
        format!("basic_auth_users:\n  bob: {HASH}\n bob: {HASH}\n"),
        format!("basic_auth_users:\n  bob: {HASH}\n  bob: {HASH}\n"),
        format!("basic_auth_users:\nbob: {HASH}\n"),
        format!("basic_auth_users:\n  bob: {HASH} : {HASH}\n"),
        format!("basic_auth_users:\n  bob: {{{HASH}\n"),
        format!("{HASH}: bob\n"),
        format!("bob:{HASH}\n"),
        format!("rate_limit: {SECRET}\n"),
        format!("tls_server_config: {SECRET}\n"),
        format!("tls_server_config: {{cert_file: cert.pem, key: {SECRET}}}\n"),
        "tls_server_config: {cert_file: cert.pem, key_file: rubbish.pem}\n".to_owned(),
        "tls_server_config: {cert_file: rubbish.pem, key_file: key.pem}\n".to_owned(),
    ];
    for text in cases {
        let error = refusal(&text);
        for secret in [&HASH[7..20], SECRET] {
            assert!(!error.contains(secret), "{text} gives {error}");
        }
    }
}

struct Probe<T>(PhantomData<T>);

impl<T: Debug> Probe<T> {
    const SHOWS: bool = true;
}

trait Otherwise {
    const SHOWS: bool = false;
}

impl<T> Otherwise for Probe<T> {}

/// What cannot be formatted cannot be logged.
#[test]
fn what_holds_secrets_has_no_debug() {
    use crate::server::{auth::Users, live::Active, web_config};
    const { assert!(<Probe<Limits>>::SHOWS) };
    const { assert!(!<Probe<Users>>::SHOWS) };
    const { assert!(!<Probe<Active>>::SHOWS) };
    const { assert!(!<Probe<Live>>::SHOWS) };
    const { assert!(!<Probe<Listeners>>::SHOWS) };
    const { assert!(!<Probe<web_config::Raw>>::SHOWS) };
    const { assert!(!<Probe<web_config::RawTls>>::SHOWS) };
}
