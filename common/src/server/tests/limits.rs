//! What a client cannot do.

use super::*;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[tokio::test]
async fn a_head_that_trickles_in_is_cut_and_others_are_served() {
    let served = start(Limits { head: millis(300), ..limits() }, None).await;
    let (mut read, mut write) = TcpStream::connect(served.address()).await.unwrap().into_split();
    let trickle = tokio::spawn(async move {
        write.write_all(b"GET / HTTP/1.1\r\nX: ").await.unwrap();
        while write.write_all(b"y").await.is_ok() {
            sleep(millis(20)).await;
        }
    });
    assert!(exchange(served.address(), &closing("GET", "/")).await.ends_with("hello\n"));
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, read.read_to_end(&mut answer)).await.expect("is never cut");
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    timeout(PATIENCE, trickle).await.unwrap().unwrap();
    assert_eq!(served.calls(), 1);
}

#[tokio::test]
async fn a_connection_may_lie_idle_for_longer_than_a_head_may_take() {
    let served = start(Limits { head: millis(200), idle: millis(900), ..limits() }, None).await;
    let mut stream = TcpStream::connect(served.address()).await.unwrap();
    assert!(ask(&mut stream).await);
    sleep(millis(450)).await;
    assert!(ask(&mut stream).await, "was closed too early");
    let began = std::time::Instant::now();
    assert_eq!(rest(&mut stream).await, "");
    assert!(began.elapsed() > millis(700), "{:?}", began.elapsed());
}

#[tokio::test]
async fn the_second_head_is_bounded_as_the_first() {
    let served = start(Limits { head: millis(200), idle: millis(60_000), ..limits() }, None).await;
    let mut stream = TcpStream::connect(served.address()).await.unwrap();
    assert!(ask(&mut stream).await);
    stream.write_all(b"GET / HT").await.unwrap();
    assert!(!rest(&mut stream).await.starts_with("HTTP/1.1 200"));
    assert_eq!(served.calls(), 1);
}

#[tokio::test]
async fn answers_that_are_never_made_or_never_taken_are_cut() {
    let served = start(Limits { answer: millis(300), connections: 1, ..limits() }, None).await;
    assert_eq!(exchange(served.address(), &closing("GET", "/never")).await, "");
    let mut stream = TcpStream::connect(served.address()).await.unwrap();
    stream.write_all(closing("GET", "/big").as_bytes()).await.unwrap();
    sleep(millis(700)).await;
    // The only slot is free again although the client has not read a byte.
    assert!(exchange(served.address(), &closing("GET", "/")).await.ends_with("hello\n"));
    assert!(rest(&mut stream).await.len() < BIG);
}

#[tokio::test]
async fn an_answer_taken_in_time_is_whole() {
    let served = start(limits(), None).await;
    let got = exchange(served.address(), &closing("GET", "/big")).await;
    assert_eq!(got.split_once("\r\n\r\n").unwrap().1.len(), BIG);
}

#[tokio::test]
async fn an_oversized_head_is_refused() {
    let served = start(limits(), None).await;
    let head = |bytes: usize| format!("GET / HTTP/1.1\r\nConnection: close\r\nX: {}\r\n\r\n", "y".repeat(bytes));
    assert!(exchange(served.address(), &head(12 << 10)).await.ends_with("hello\n"));
    let mut stream = TcpStream::connect(served.address()).await.unwrap();
    // The listener may close before it has all of it.
    let _ = stream.write_all(head(1 << 20).as_bytes()).await;
    assert!(!rest(&mut stream).await.contains("200 OK"));
    assert_eq!(served.calls(), 1);
}

#[tokio::test]
async fn surplus_connections_are_closed_and_the_others_go_on() {
    let served = start(Limits { connections: 2, queue: millis(50), ..limits() }, None).await;
    let mut busy = TcpStream::connect(served.address()).await.unwrap();
    busy.write_all(b"GET /never HTTP/1.1\r\nHost: here\r\n\r\n").await.unwrap();
    let mut slow = TcpStream::connect(served.address()).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    eventually(async || served.calls() == 1).await;
    for _ in 0..5 {
        let mut surplus = TcpStream::connect(served.address()).await.unwrap();
        assert_eq!(rest(&mut surplus).await, "");
    }
    slow.write_all(b"Host: here\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(rest(&mut slow).await.ends_with("hello\n"));
    eventually(async || ask(&mut TcpStream::connect(served.address()).await.unwrap()).await).await;
    drop(busy);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_keeps_no_scrape_out() {
    // A usual process may open a thousand files.
    let served = start(Limits { connections: 64, head: millis(300), ..limits() }, None).await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(served.address()).await.unwrap();
        assert!(ask(&mut stream).await);
        idle.push(stream);
    }
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(served.address()).await.unwrap());
    }
    let mut scrape = TcpStream::connect(served.address()).await.unwrap();
    assert!(ask(&mut scrape).await, "it waits for its turn, and its turn comes");
    drop((idle, silent));
}

#[tokio::test]
async fn every_end_of_a_connection_frees_its_slot() {
    let served = start(Limits { connections: 1, head: millis(100), ..limits() }, None).await;
    for bytes in ["", "rubbish\r\n\r\n", "GET / HT", "GET /never HTTP/1.1\r\nHost: a\r\n\r\n"] {
        let mut stream = TcpStream::connect(served.address()).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        sleep(millis(20)).await;
        drop(stream);
        eventually(async || exchange(served.address(), &closing("GET", "/")).await.ends_with("hello\n")).await;
    }
}

#[tokio::test]
async fn the_rate_limit_counts_every_request() {
    let folder = Folder::new();
    let config = folder.config("rate_limit: {interval: 1h, burst: 3}\n");
    let served = start(limits(), Some(&config)).await;
    let mut codes = Vec::new();
    for method in ["GET", "DELETE", "GET", "GET", "DELETE"] {
        codes.push(exchange(served.address(), &closing(method, "/")).await[9..12].to_owned());
    }
    assert_eq!(codes, ["200", "405", "200", "429", "429"]);
}

#[test]
fn the_rate_limit_refills() {
    let rate = crate::server::auth::Rate::new(millis(30), 2);
    assert!(rate.take() && rate.take() && !rate.take());
    std::thread::sleep(millis(40));
    assert!(rate.take());
    std::thread::sleep(millis(200));
    assert!(rate.take() && rate.take() && !rate.take(), "no more than the burst is saved");
}
