//! Basic auth.

use super::*;
use crate::server::auth::AT_ONCE;

async fn two_users() -> (Folder, Served) {
    let folder = Folder::new();
    let users = [("ann", "a:b"), ("bob", "geheim")].map(|(user, word)| format!("  {user}: '{}'\n", quick_hash(word)));
    let config = folder.config(&format!("basic_auth_users:\n{}", users.concat()));
    let served = start(limits(), Some(&config)).await;
    (folder, served)
}

#[tokio::test]
async fn only_a_users_own_password_admits() {
    let (_folder, served) = two_users().await;
    let address = served.address();
    for right in ["ann:a:b", "bob:geheim", "ann:a:b"] {
        assert_eq!(status(address, Some(right)).await, "200", "{right}");
    }
    assert_eq!(served.calls(), 3);
    for wrong in ["ann:geheim", "bob:a:b", "bob:geheim ", "bob:", "eve:geheim", ":geheim", ":", "bobgeheim", ""] {
        assert_eq!(status(address, Some(wrong)).await, "401", "{wrong}");
    }
    assert_eq!(status(address, None).await, "401");
    assert_eq!(served.calls(), 3);
}

#[tokio::test]
async fn other_schemes_and_rubbish_are_refused_with_a_challenge() {
    let (_folder, served) = two_users().await;
    let encoded = STANDARD.encode("bob:geheim");
    for value in [format!("Bearer {encoded}"), "Basic".to_owned(), "Basic ???".to_owned(), encoded.clone()] {
        let request = format!("GET / HTTP/1.1\r\nConnection: close\r\nAuthorization: {value}\r\n\r\n");
        let answer = exchange(served.address(), &request).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{value}: {answer}");
        assert!(answer.to_lowercase().contains("\r\nwww-authenticate: basic "), "{answer}");
        assert!(!answer.contains("geheim") && !answer.contains("$2"), "{answer}");
    }
    let request = format!("GET / HTTP/1.1\r\nConnection: close\r\nauthorization: bAsIc  {encoded}\r\n\r\n");
    assert!(exchange(served.address(), &request).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(served.calls(), 1);
}

/// Without a slot no hash can be computed: what is answered all the same was remembered, and what
/// is not answered computes one.
#[tokio::test]
async fn hashes_are_computed_once_for_a_right_password_and_always_for_others() {
    let (_folder, served) = two_users().await;
    let address = served.address();
    assert_eq!(status(address, Some("bob:geheim")).await, "200");
    assert_eq!(status(address, Some("bob:wrong")).await, "401");
    let active = served.live.current();
    let slots = active.users.as_ref().unwrap().slots.clone();
    let held = slots.acquire_many_owned(u32::try_from(AT_ONCE).unwrap()).await.unwrap();
    assert_eq!(status(address, Some("bob:geheim")).await, "200");
    assert_eq!(status(address, None).await, "401");
    let mut waiting: Vec<_> = ["bob:wrong", "ann:geheim", "nobody:geheim"]
        .map(|credentials| tokio::spawn(async move { status(address, Some(credentials)).await }))
        .into();
    sleep(Duration::from_millis(200)).await;
    assert!(waiting.iter().all(|answer| !answer.is_finished()), "answered without a hash");
    drop(held);
    for answer in &mut waiting {
        assert_eq!(answer.await.unwrap(), "401");
    }
}

#[tokio::test]
async fn clients_that_leave_keep_no_slot() {
    let (_folder, served) = two_users().await;
    for round in 0..20 {
        let mut stream = TcpStream::connect(served.address()).await.unwrap();
        let credentials = STANDARD.encode(format!("bob:{round}"));
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {credentials}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
    }
    assert_eq!(status(served.address(), Some("ann:a:b")).await, "200");
    let active = served.live.current();
    eventually(async || active.users.as_ref().unwrap().slots.available_permits() == AT_ONCE).await;
}

#[tokio::test]
async fn costs_of_hashes_are_bounded() {
    let hash = quick_hash("x");
    assert_eq!(crate::server::auth::cost(&hash), Ok(4));
    assert_eq!(crate::server::auth::cost(&hash.replace("$04$", "$10$")), Ok(10));
    for cost in ["03", "18", "31", "99"] {
        let refused = crate::server::auth::cost(&hash.replace("$04$", &format!("${cost}$"))).unwrap_err();
        assert!(refused.contains("4 to 17"), "{refused}");
    }
    for prefix in ["$2a$", "$2b$", "$2y$"] {
        let hash = format!("{prefix}{}", &hash[4..]);
        let folder = Folder::new();
        let config = folder.config(&format!("basic_auth_users: {{bob: '{hash}'}}\n"));
        let served = start(limits(), Some(&config)).await;
        assert_eq!(status(served.address(), Some("bob:x")).await, "200", "{prefix}");
    }
}

#[tokio::test]
async fn users_may_be_an_empty_list() {
    let folder = Folder::new();
    let config = folder.config("basic_auth_users: {}\n");
    let served = start(limits(), Some(&config)).await;
    assert_eq!(status(served.address(), None).await, "200");
}

#[tokio::test]
async fn headers_are_set_on_every_answer() {
    let folder = Folder::new();
    let hash = quick_hash("x");
    let config = folder.config(&format!(
        "http_server_config:\n  headers:\n    X-Frame-Options: deny\n    Strict-Transport-Security: max-age=9\nbasic_auth_users: {{bob: '{hash}'}}\n"
    ));
    let served = start(limits(), Some(&config)).await;
    let admitted =
        format!("GET / HTTP/1.1\r\nConnection: close\r\nAuthorization: Basic {}\r\n\r\n", STANDARD.encode("bob:x"));
    for (request, code) in [(admitted, "200"), (closing("GET", "/"), "401"), (closing("PUT", "/"), "405")] {
        let answer = exchange(served.address(), &request).await.to_lowercase();
        assert_eq!(&answer[9..12], code);
        assert!(answer.contains("\r\nx-frame-options: deny\r\n"), "{answer}");
        assert!(answer.contains("\r\nstrict-transport-security: max-age=9\r\n"), "{answer}");
    }
}
