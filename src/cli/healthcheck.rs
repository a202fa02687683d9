//! `dauso healthcheck`: a container without a shell asks its own service.

use super::Exit;
use clap::Args;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[derive(Args)]
pub(super) struct Healthcheck {
    /// Where the service listens
    #[arg(long, default_value = "127.0.0.1:8417")]
    address: SocketAddr,
}

impl Healthcheck {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let answered = tokio::time::timeout(Duration::from_secs(3), self.ask()).await;
        Ok(if matches!(answered, Ok(Ok(true))) {
            Exit::Done
        } else {
            Exit::No
        })
    }

    /// Whether `GET /readyz` answers 200. One fixed request needs no HTTP client.
    async fn ask(&self) -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream
            .write_all(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            .await?;
        let mut answer = Vec::new();
        stream.take(4_096).read_to_end(&mut answer).await?;
        Ok(answer.starts_with(b"HTTP/1.0 200") || answer.starts_with(b"HTTP/1.1 200"))
    }
}
