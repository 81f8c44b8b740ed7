//! The end of serving.

use super::*;

/// Stops; how long that took.
async fn stop(served: Served) -> Duration {
    let began = std::time::Instant::now();
    served.stop.send(()).unwrap();
    timeout(PATIENCE * 2, served.done).await.expect("does not stop").unwrap();
    began.elapsed()
}

#[tokio::test]
async fn answers_under_way_are_finished_and_nothing_new_is_taken() {
    let served = start(limits(), None).await;
    let address = served.address();
    let slow = tokio::spawn(async move { exchange(address, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await });
    eventually(async || served.calls() == 1).await;
    let stopping = tokio::spawn(stop(served));
    eventually(async || TcpStream::connect(address).await.is_err()).await;
    let answer = slow.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("slow\n"), "{answer}");
    let took = stopping.await.unwrap();
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn idle_connections_do_not_delay_the_end() {
    let served = start(limits(), None).await;
    let mut idle = TcpStream::connect(served.address()).await.unwrap();
    assert!(ask(&mut idle).await);
    let mut unused = TcpStream::connect(served.address()).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    let took = stop(served).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(rest(&mut idle).await, "");
    assert_eq!(rest(&mut unused).await, "");
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_cut() {
    let served = start(Limits { drain: Duration::from_millis(300), ..limits() }, None).await;
    let mut stream = TcpStream::connect(served.address()).await.unwrap();
    stream.write_all(closing("GET", "/never").as_bytes()).await.unwrap();
    eventually(async || served.calls() == 1).await;
    let took = stop(served).await;
    assert!((Duration::from_millis(300)..Duration::from_secs(2)).contains(&took), "{took:?}");
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn a_handshake_under_way_does_not_delay_the_end() {
    let (folder, authority) = (Folder::new(), tls::Authority::new());
    let config = folder.config(&tls::written(&folder, &authority, ""));
    let served = start(limits(), Some(&config)).await;
    let mut stream = TcpStream::connect(served.address()).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    let took = stop(served).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(rest(&mut stream).await, "");
}
