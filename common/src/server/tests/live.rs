//! Changes of the web configuration while it is in force.

use super::tls::{Authority, get, written};
use super::*;

/// Longer than it takes to see a change and to read it.
const SEVERAL_LOOKS: Duration = Duration::from_millis(250);

fn users(password: &str) -> String {
    format!("basic_auth_users: {{bob: '{}'}}\n", quick_hash(password))
}

#[tokio::test]
async fn a_changed_password_takes_effect_and_the_old_one_is_forgotten() {
    let folder = Folder::new();
    let config = folder.config(&users("old"));
    let served = start(limits(), Some(&config)).await;
    let address = served.address();
    assert_eq!(status(address, Some("bob:old")).await, "200");
    folder.config(&users("new"));
    eventually(async || status(address, Some("bob:new")).await == "200").await;
    assert_eq!(status(address, Some("bob:old")).await, "401");
}

#[tokio::test]
async fn a_bad_file_keeps_the_old_state_until_a_good_one_comes() {
    let folder = Folder::new();
    let config = folder.config(&users("old"));
    let served = start(limits(), Some(&config)).await;
    let address = served.address();
    for bad in ["basic_auth_users: {bob: plain}\n", "basic_auth_user: {}\n", "]", "", "basic_auth_users: {}\n"] {
        folder.config(bad);
        sleep(SEVERAL_LOOKS).await;
        assert_eq!(status(address, Some("bob:old")).await, "200", "{bad}");
        assert_eq!(status(address, None).await, "401", "{bad}");
    }
    std::fs::remove_file(&config).unwrap();
    sleep(SEVERAL_LOOKS).await;
    assert_eq!(status(address, None).await, "401");
    folder.config(&users("new"));
    eventually(async || status(address, Some("bob:new")).await == "200").await;
}

#[tokio::test]
async fn a_renewed_certificate_takes_effect() {
    let (folder, old, new) = (Folder::new(), Authority::new(), Authority::new());
    let config = folder.config(&written(&folder, &old, ""));
    let served = start(limits(), Some(&config)).await;
    assert!(get(client(&old.pem()), served.address()).await.is_some());
    assert!(get(client(&new.pem()), served.address()).await.is_none());
    written(&folder, &new, "");
    eventually(async || get(client(&new.pem()), served.address()).await.is_some()).await;
    assert!(get(client(&old.pem()), served.address()).await.is_none());
}

#[tokio::test]
async fn a_certificate_without_its_key_keeps_the_old_pair() {
    let (folder, old, new) = (Folder::new(), Authority::new(), Authority::new());
    let config = folder.config(&written(&folder, &old, ""));
    let served = start(limits(), Some(&config)).await;
    let (certificate, key) = new.leaf("127.0.0.1");
    folder.write("cert.pem", &certificate);
    sleep(SEVERAL_LOOKS).await;
    assert!(get(client(&old.pem()), served.address()).await.is_some());
    folder.write("key.pem", &key);
    eventually(async || get(client(&new.pem()), served.address()).await.is_some()).await;
}

/// Kubernetes renews a mounted Secret by turning a symbolic link to another folder.
#[cfg(unix)]
#[tokio::test]
async fn files_behind_a_link_are_followed() {
    let (folder, old, new) = (Folder::new(), Authority::new(), Authority::new());
    let [first, second] = ["first", "second"].map(|name| folder.0.path().join(name));
    for (dir, authority) in [(&first, &old), (&second, &new)] {
        std::fs::create_dir(dir).unwrap();
        let (certificate, key) = authority.leaf("127.0.0.1");
        std::fs::write(dir.join("cert.pem"), certificate).unwrap();
        std::fs::write(dir.join("key.pem"), key).unwrap();
    }
    let [link, turned] = ["data", "turned"].map(|name| folder.0.path().join(name));
    std::os::unix::fs::symlink(&first, &link).unwrap();
    let config = folder.config("tls_server_config: {cert_file: data/cert.pem, key_file: data/key.pem}\n");
    let served = start(limits(), Some(&config)).await;
    assert!(get(client(&old.pem()), served.address()).await.is_some());
    std::os::unix::fs::symlink(&second, &turned).unwrap();
    std::fs::rename(&turned, &link).unwrap();
    eventually(async || get(client(&new.pem()), served.address()).await.is_some()).await;
}

#[tokio::test]
async fn open_connections_end_with_the_state_they_began_in() {
    let folder = Folder::new();
    let config = folder.config("http_server_config: {headers: {X-Frame-Options: deny}}\n");
    let served = start(limits(), Some(&config)).await;
    let mut idle = TcpStream::connect(served.address()).await.unwrap();
    assert!(ask(&mut idle).await);
    let address = served.address();
    let slow = tokio::spawn(async move { exchange(address, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await });
    eventually(async || served.calls() == 2).await;
    folder.config("http_server_config: {headers: {X-Frame-Options: sameorigin}}\n");
    assert_eq!(rest(&mut idle).await, "");
    assert!(slow.await.unwrap().ends_with("slow\n"));
    assert!(exchange(address, &closing("GET", "/")).await.to_lowercase().contains("x-frame-options: sameorigin"));
}

#[tokio::test]
async fn an_untouched_file_leaves_connections_open() {
    let folder = Folder::new();
    let config = folder.config("http_server_config: {headers: {X-Frame-Options: deny}}\n");
    let served = start(limits(), Some(&config)).await;
    let mut idle = TcpStream::connect(served.address()).await.unwrap();
    assert!(ask(&mut idle).await);
    sleep(SEVERAL_LOOKS).await;
    assert!(ask(&mut idle).await);
}
