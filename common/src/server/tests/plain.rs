//! Requests without TLS and credentials.

use super::*;

#[tokio::test]
async fn get_and_head_differ_in_the_body_only() {
    let served = start(limits(), None).await;
    let got = exchange(served.address(), &closing("GET", "/")).await;
    let (head, body) = got.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.to_lowercase().contains("content-length: 6"), "{head}");
    assert_eq!(body, "hello\n");
    let got = exchange(served.address(), &closing("HEAD", "/")).await;
    let (head, body) = got.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.to_lowercase().contains("content-length: 6"), "{head}");
    assert_eq!(body, "");
}

#[tokio::test]
async fn other_methods_are_refused_before_the_handler() {
    let served = start(limits(), None).await;
    for method in ["DELETE", "PUT", "POST", "OPTIONS", "BREW"] {
        let got = exchange(served.address(), &closing(method, "/")).await;
        assert!(got.starts_with("HTTP/1.1 405 "), "{method}: {got}");
        assert!(got.to_lowercase().contains("allow: get, head\r\n"), "{got}");
    }
    assert_eq!(served.calls(), 0);
    // A body that nobody reads does not become the next request.
    let smuggled = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 27\r\n\r\nGET / HTTP/1.1\r\nHost: here\r\n\r\n";
    let got = exchange(served.address(), &format!("{smuggled}{}", closing("PUT", "/"))).await;
    assert!(got.starts_with("HTTP/1.1 405 "), "{got}");
    assert_eq!(served.calls(), 0);
}

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let served = start(limits(), None).await;
    let mut stream = TcpStream::connect(served.address()).await.unwrap();
    for _ in 0..3 {
        assert!(ask(&mut stream).await);
    }
    assert_eq!(served.calls(), 3);
}

#[tokio::test]
async fn every_address_is_listened_on() {
    let addresses = ["127.0.0.1:0".to_owned(), "127.0.0.1:0".to_owned()];
    let served = start_on(&addresses, limits(), None).await;
    assert_eq!(served.addresses.len(), 2);
    assert_ne!(served.addresses[0], served.addresses[1]);
    for address in &served.addresses {
        assert!(exchange(*address, &closing("GET", "/")).await.ends_with("hello\n"));
    }
    assert_eq!(served.calls(), 2);
}

#[tokio::test]
async fn port_zero_and_names_are_resolved() {
    for address in ["127.0.0.1:0", "localhost:0"] {
        let served = start_on(&[address.to_owned()], limits(), None).await;
        let [bound] = served.addresses[..] else { panic!("{address}: {:?}", served.addresses) };
        assert!(bound.ip().is_loopback() && bound.port() != 0, "{bound}");
        assert!(exchange(bound, &closing("GET", "/")).await.ends_with("hello\n"));
    }
}

#[test]
fn an_empty_host_means_all_interfaces() {
    let [first, second] = crate::server::listen::wildcard(":9100").unwrap();
    assert_eq!((first.to_string(), second.to_string()), ("[::]:9100".to_owned(), "0.0.0.0:9100".to_owned()));
    assert_eq!(crate::server::listen::wildcard("127.0.0.1:9100"), None);
    assert_eq!(crate::server::listen::wildcard(":many"), None);
}

#[tokio::test]
async fn addresses_that_cannot_be_bound_are_named() {
    let served = start(limits(), None).await;
    let taken = served.address().to_string();
    for (address, fix) in
        [(taken.as_str(), "stop what listens there"), ("127.0.0.1", "write HOST:PORT"), (":x", "write HOST:PORT")]
    {
        let error = Listeners::bind(&[address.to_owned()], None).await.err().unwrap();
        assert!(error.starts_with(&format!("cannot listen on {address}: ")), "{error}");
        assert!(error.contains(fix) && error.contains("--web.listen-address"), "{error}");
    }
    let error = Listeners::bind(&[], None).await.err().unwrap();
    assert!(error.contains("--web.listen-address"), "{error}");
}
