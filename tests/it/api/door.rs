//! Slow senders, slow readers, too many: each with real connections.

use super::operations::listening;
use crate::support::app::{TestApp, Wanted};
use crate::support::certificates::{Authority, Period};
use dauso::http::{self, Limits, Tls};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// Patience for tests: a third of a second for everything, one second for a whole body.
fn hasty(limits: &mut Limits) {
    let patience = &mut limits.patience;
    for one in [
        &mut patience.handshake,
        &mut patience.headers,
        &mut patience.pause,
        &mut patience.reading,
    ] {
        *one = Duration::from_millis(300);
    }
    patience.body = Duration::from_secs(1);
    patience.file = Duration::from_secs(1);
}

async fn app(limits: fn(&mut Limits)) -> TestApp {
    TestApp::start_with(Wanted {
        limits: Some(limits),
        ..Wanted::default()
    })
    .await
}

/// Sends a byte every 100 ms until the other end hangs up; what it said, and after how long.
async fn drip(stream: &mut TcpStream, byte: &[u8]) -> (String, Duration) {
    let begun = Instant::now();
    let mut said = Vec::new();
    let mut buffer = [0; 4_096];
    while begun.elapsed() < Duration::from_secs(10) {
        let wait = Duration::from_millis(100);
        match tokio::time::timeout(wait, stream.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => break,
            Ok(Ok(count)) => said.extend_from_slice(&buffer[..count]),
            Err(_) => {
                if stream.write_all(byte).await.is_err() {
                    break;
                }
            }
        }
    }
    (String::from_utf8_lossy(&said).into_owned(), begun.elapsed())
}

fn in_time(took: Duration, least: u64, most: u64) {
    let range = Duration::from_millis(least)..Duration::from_millis(most);
    assert!(range.contains(&took), "{took:?}");
}

#[tokio::test]
async fn whoever_drips_headers_is_cut_off() {
    let app = app(hasty).await;
    let (port, tell, serving) = listening(&app).await;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nx: ").await.unwrap();
    let (_, took) = drip(&mut stream, b"a").await;
    in_time(took, 200, 2_000);
    // Whoever says nothing at all, and whoever stays after an answer.
    let mut silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (said, took) = drip(&mut silent, b"").await;
    assert_eq!(said, "");
    in_time(took, 200, 2_000);
    let mut idle = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    idle.write_all(HEALTH).await.unwrap();
    let (said, took) = drip(&mut idle, b"").await;
    assert!(said.starts_with("HTTP/1.1 200 OK\r\n"), "{said}");
    in_time(took, 200, 2_000);
    tell.send(()).unwrap();
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_body_that_pauses_or_drips_is_refused() {
    let app = app(hasty).await;
    let (port, tell, serving) = listening(&app).await;
    let head = "POST /api/v1/verifications HTTP/1.1\r\nhost: a\r\n\
                content-type: application/json\r\ncontent-length: 9999\r\n\r\n{";
    for (byte, least, most) in [(&b""[..], 200, 900), (&b" "[..], 900, 3_000)] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let (said, took) = drip(&mut stream, byte).await;
        assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
        assert!(said.contains(r#""code":"request/too-slow""#), "{said}");
        assert!(said.contains("connection: close\r\n"), "{said}");
        in_time(took, least, most);
    }
    tell.send(()).unwrap();
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn whoever_does_not_read_his_answers_is_cut_off() {
    let app = app(hasty).await;
    let (port, tell, serving) = listening(&app).await;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    // Far more than the buffers of both ends hold.
    let ask = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: a\r\n\r\n".repeat(64);
    stream.write_all(&ask).await.unwrap();
    let open = || {
        let text = app.service.metrics.text(None);
        text.contains("dauso_http_connections 1\n")
    };
    let begun = Instant::now();
    while !open() && begun.elapsed() < Duration::from_secs(2) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    while open() && begun.elapsed() < Duration::from_secs(8) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!open(), "it is still fed");
    in_time(begun.elapsed(), 200, 8_000);
    tell.send(()).unwrap();
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_no_more() {
    let app = app(|limits| limits.connections_per_address = 2).await;
    let (port, tell, serving) = listening(&app).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(HEALTH).await.unwrap();
        let mut answer = [0; 15];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
        held.push(stream);
    }
    let mut third = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut said = String::new();
    third.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 503 "), "{said}");
    assert!(said.contains("\r\nretry-after: 5\r\n"), "{said}");
    held.pop();
    let begun = Instant::now();
    loop {
        let mut next = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        // Too early it is refused, which may come as a reset.
        let _ = next.write_all(HEALTH).await;
        let mut answer = [0; 15];
        if next.read_exact(&mut answer).await.is_ok() && &answer == b"HTTP/1.1 200 OK" {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "no place again");
    }
    tell.send(()).unwrap();
    drop(held);
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn headers_without_end_and_nonsense_are_refused_and_the_service_goes_on() {
    let app = TestApp::start().await;
    let (port, tell, serving) = listening(&app).await;
    let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(300_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(200));
    let smuggled = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\
                    transfer-encoding: chunked, x\r\n\r\n0\r\n\r\nGET /trust HTTP/1.1\r\n\r\n";
    let tls = "\u{16}\u{3}\u{1}";
    for (words, codes) in [
        (long.as_str(), &["431"][..]),
        (&many, &["431"]),
        (smuggled, &["400"]),
        ("GET / HTTP/9.9\r\n\r\n", &["400", "505"]),
        ("\r\n\r\nxxxx yyyy zzzz\r\n\r\n", &["400"]),
        (tls, &["400"]),
    ] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        // It may be refused before all of it is sent.
        let _ = stream.write_all(words.as_bytes()).await;
        let _ = stream.shutdown().await;
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said).await;
        let said = String::from_utf8_lossy(&said);
        let refused = said.is_empty() || codes.iter().any(|code| said[9..].starts_with(code));
        assert!(refused, "{said}");
        assert!(!said.contains("HTTP/1.1 200"), "{said}");
    }
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(HEALTH).await.unwrap();
    let mut answer = [0; 15];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    drop(stream);
    tell.send(()).unwrap();
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_the_end() {
    let app = TestApp::start().await;
    let (port, tell, serving) = listening(&app).await;
    let mut idle = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    idle.write_all(HEALTH).await.unwrap();
    let mut answer = [0; 15];
    idle.read_exact(&mut answer).await.unwrap();
    let begun = Instant::now();
    tell.send(()).unwrap();
    serving.await.unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "it waited");
}

#[tokio::test]
async fn whoever_never_ends_the_handshake_is_cut_off() {
    let app = app(hasty).await;
    let folder = app.path().join("tls");
    // By the clock of the test, which is not today's.
    let now =
        time::OffsetDateTime::from_unix_timestamp(dauso::clock::Clock::now(&*app.clock).seconds());
    let period = Period {
        at: now.unwrap(),
        from: -1,
        to: 90,
    };
    Authority::new().issue(&folder, "qr.vidu.test", &period);
    let clock: Arc<dyn dauso::clock::Clock> = app.clock.clone();
    let metrics = app.service.metrics.clone();
    let (chain, key) = (folder.join("chain.pem"), folder.join("key.pem"));
    let tls = Tls::open(&chain, &key, "qr.vidu.test", clock, metrics).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(http::serve(
        listener,
        Some(tls),
        app.service.clone(),
        async {
            let _ = told.await;
        },
    ));
    for words in [&b""[..], b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(words).await.unwrap();
        let (said, took) = drip(&mut stream, b"").await;
        assert!(!said.contains("HTTP"), "{said}");
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
    let told = app.service.metrics.text(None);
    let line = "dauso_http_refused_total{reason=\"handshake\"} 3\n";
    assert!(told.contains(line), "{told}");
    tell.send(()).unwrap();
    serving.await.unwrap().unwrap();
}
