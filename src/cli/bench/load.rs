//! Load on a server: connections that stay open, one request after the other on each.

use anyhow::Context as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Requests that are under way at the same time.
const CONNECTIONS: usize = 64;

/// Makes the bytes of the request with a number.
pub(super) type Requests = Arc<dyn Fn(u64) -> Vec<u8> + Send + Sync>;

/// Sends requests for some time; how many were answered with 200. Any other answer is an error.
pub(super) async fn load(
    address: SocketAddr,
    requests: &Requests,
    number: &Arc<AtomicU64>,
    time: Duration,
) -> anyhow::Result<u64> {
    let until = Instant::now() + time;
    let mut connections = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (requests, number) = (Arc::clone(requests), Arc::clone(number));
        connections.spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (mut buffer, mut answered) = (Vec::with_capacity(64 << 10), 0);
            while Instant::now() < until {
                let request = requests(number.fetch_add(1, Ordering::Relaxed));
                stream.write_all(&request).await?;
                let status = answer(&mut stream, &mut buffer).await?;
                anyhow::ensure!(status == 200, "a request was answered with {status}");
                answered += 1;
            }
            Ok(answered)
        });
    }
    let mut sum = 0;
    while let Some(answered) = connections.join_next().await {
        sum += answered??;
    }
    Ok(sum)
}

/// Reads one answer to its end and gives back its status.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<u16> {
    buffer.clear();
    let mut end = None;
    loop {
        anyhow::ensure!(stream.read_buf(buffer).await? > 0, "the server hung up");
        if end.is_none() {
            let head = buffer.windows(4).position(|window| window == b"\r\n\r\n");
            end = head.map(|head| length(&buffer[..head]).map(|length| head + 4 + length));
        }
        if let Some(end) = &end {
            let end = *end.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
            if buffer.len() >= end {
                break;
            }
        }
    }
    let status = buffer
        .get(9..12)
        .and_then(|digits| std::str::from_utf8(digits).ok());
    status.context("a status")?.parse().context("a status")
}

fn length(head: &[u8]) -> anyhow::Result<usize> {
    let head = std::str::from_utf8(head)?;
    let line = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then_some(value)
    });
    Ok(line
        .context("an answer without its length")?
        .trim()
        .parse()?)
}

/// `GET path`.
pub(super) fn get(address: SocketAddr, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes()
}

/// `POST path` with a JSON body; `extra` are further headers, each with its line end.
pub(super) fn post(address: SocketAddr, path: &str, extra: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n{extra}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
