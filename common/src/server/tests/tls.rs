//! TLS, with certificates made on the spot.

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};

use super::*;

/// A certificate authority.
pub(super) struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { certificate: params.self_signed(&key).unwrap(), issuer: Issuer::new(params, key) }
    }

    pub(super) fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A certificate for a name or address, and its key.
    pub(super) fn leaf(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// Writes a server certificate; the web configuration for it with `more` lines of TLS settings.
pub(super) fn written(folder: &Folder, authority: &Authority, more: &str) -> String {
    let (certificate, key) = authority.leaf("127.0.0.1");
    folder.write("cert.pem", &certificate);
    folder.write("key.pem", &key);
    format!("tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n{more}")
}

/// The body that a client gets, or nothing where TLS fails.
pub(super) async fn get(client: reqwest::ClientBuilder, address: SocketAddr) -> Option<String> {
    let response = client.build().unwrap().get(format!("https://{address}/")).send().await.ok()?;
    response.text().await.ok()
}

fn identity(authority: &Authority, name: &str) -> reqwest::Identity {
    let (certificate, key) = authority.leaf(name);
    reqwest::Identity::from_pem(format!("{certificate}{key}").as_bytes()).unwrap()
}

fn hello() -> Option<String> {
    Some("hello\n".to_owned())
}

#[tokio::test]
async fn the_certificate_is_the_configured_one_and_plain_http_is_not_answered() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let config = folder.config(&written(&folder, &authority, ""));
    let served = start(limits(), Some(&config)).await;
    assert_eq!(get(client(&authority.pem()), served.address()).await, hello());
    assert_eq!(get(client(&Authority::new().pem()), served.address()).await, None);
    assert!(!exchange(served.address(), &closing("GET", "/")).await.contains("HTTP/1.1"));
    assert_eq!(served.calls(), 1);
}

#[tokio::test]
async fn certificate_and_key_may_stand_in_the_file() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let (certificate, key) = authority.leaf("127.0.0.1");
    let indented = |pem: String| pem.lines().map(|line| format!("    {line}\n")).collect::<String>();
    let text = format!("tls_server_config:\n  cert: |\n{}  key: |\n{}", indented(certificate), indented(key));
    let served = start(limits(), Some(&folder.config(&text))).await;
    assert_eq!(get(client(&authority.pem()), served.address()).await, hello());
}

#[tokio::test]
async fn the_least_version_is_kept() {
    let (folder, authority) = (Folder::new(), Authority::new());
    for (least, old_client) in [("TLS12", hello()), ("TLS13", None)] {
        let config = folder.config(&written(&folder, &authority, &format!("  min_version: {least}\n")));
        let served = start(limits(), Some(&config)).await;
        let old = || client(&authority.pem()).tls_version_max(reqwest::tls::Version::TLS_1_2);
        assert_eq!(get(old(), served.address()).await, old_client, "{least}");
        assert_eq!(get(client(&authority.pem()), served.address()).await, hello(), "{least}");
    }
}

#[tokio::test]
async fn a_client_certificate_of_the_right_authority_is_required() {
    let (folder, authority, clients) = (Folder::new(), Authority::new(), Authority::new());
    folder.write("ca.pem", &clients.pem());
    let more = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n";
    let served = start(limits(), Some(&folder.config(&written(&folder, &authority, more)))).await;
    let known = client(&authority.pem()).identity(identity(&clients, "scraper"));
    assert_eq!(get(known, served.address()).await, hello());
    let stranger = client(&authority.pem()).identity(identity(&authority, "scraper"));
    assert_eq!(get(stranger, served.address()).await, None);
    assert_eq!(get(client(&authority.pem()), served.address()).await, None);
    assert_eq!(served.calls(), 1);
}

#[tokio::test]
async fn a_client_certificate_may_be_optional_but_never_wrong() {
    let (folder, authority, clients) = (Folder::new(), Authority::new(), Authority::new());
    folder.write("ca.pem", &clients.pem());
    let more = "  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.pem\n";
    let served = start(limits(), Some(&folder.config(&written(&folder, &authority, more)))).await;
    assert_eq!(get(client(&authority.pem()), served.address()).await, hello());
    // A client sends no certificate that the server's list of authorities does not cover, and all
    // authorities made here have one name.
    let stranger = client(&authority.pem()).identity(identity(&authority, "scraper"));
    assert_eq!(get(stranger, served.address()).await, None);
}

#[tokio::test]
async fn a_client_certificate_may_be_bound_to_names() {
    let (folder, authority) = (Folder::new(), Authority::new());
    folder.write("ca.pem", &authority.pem());
    let more = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n  client_allowed_sans: [scraper.example, 10.0.0.9]\n";
    let served = start(limits(), Some(&folder.config(&written(&folder, &authority, more)))).await;
    for (name, expected) in
        [("scraper.example", hello()), ("10.0.0.9", hello()), ("other.example", None), ("10.0.0.8", None)]
    {
        let client = client(&authority.pem()).identity(identity(&authority, name));
        assert_eq!(get(client, served.address()).await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_handshake_that_does_not_begin_is_cut() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let config = folder.config(&written(&folder, &authority, ""));
    let limits = Limits { handshake: Duration::from_millis(200), ..limits() };
    let served = start(limits, Some(&config)).await;
    let mut silent = TcpStream::connect(served.address()).await.unwrap();
    assert_eq!(get(client(&authority.pem()), served.address()).await, hello());
    assert_eq!(rest(&mut silent).await, "");
}
