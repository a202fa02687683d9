//! Connections: who is let in, how long he may take, and how all of them end.
//!
//! `axum::serve` waits for ever for a slow sender and a slow reader and takes any number of connections, so
//! the loop over hyper stands here (ADR 0026).

use super::limit::neighbourhood;
use super::places::Places;
use super::state::{Limits, Service};
use super::tls::Tls;
use crate::metrics::{Metrics, Refusal};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_io_timeout::TimeoutStream;
use tower::Service as _;

/// Bytes of all headers of a request, and of a body that are read at once.
const BUFFER: usize = 64 * 1024;

/// Rest after the system has no more files or memory for a connection.
const BREATH: Duration = Duration::from_millis(200);

/// For those who find no place: no handler ran, nothing was read.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\n\
    cache-control: no-store\r\nx-content-type-options: nosniff\r\n\
    content-security-policy: default-src 'none'; frame-ancestors 'none'\r\ncontent-length: 0\r\n\r\n";

/// Serves until `stop` is ready, then lets requests that are under way end.
///
/// # Errors
/// When the listener has no address.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    service: Service,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (limits, metrics) = (service.limits, service.metrics.clone());
    run(listener, tls, super::router(service), limits, metrics, stop).await
}

/// Serves a router, with the manners of this door.
pub(super) async fn run(
    listener: TcpListener,
    tls: Option<Tls>,
    router: Router,
    limits: Limits,
    metrics: Metrics,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    listener.local_addr()?;
    // Behind a proxy all connections come from one address.
    let each = if limits.behind_proxy {
        limits.connections
    } else {
        limits.connections_per_address
    };
    let places: Places<IpAddr> = Places::new(limits.connections, each);
    let (told, stopping) = watch::channel(false);
    // Closed when the last connection has dropped its end.
    let (open, mut closed) = mpsc::channel::<()>(1);
    tokio::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    rest_after(&error).await;
                    continue;
                }
            },
        };
        let Some(place) = places.take(neighbourhood(peer.ip())) else {
            metrics.refused(Refusal::Connection);
            if tls.is_none() {
                // Told if he listens; nobody waits for it.
                let _ = stream.try_write(FULL);
            }
            continue;
        };
        let guest = Guest {
            peer,
            router: router.clone(),
            limits,
            metrics: metrics.clone(),
            stopping: stopping.clone(),
        };
        let (tls, open) = (tls.clone(), open.clone());
        tokio::spawn(async move {
            let _counted = guest.metrics.connected();
            guest.receive(stream, tls).await;
            drop((place, open));
        });
    }
    drop((listener, open));
    told.send_replace(true);
    // Whoever has not ended by then is cut off with the process.
    let _ = tokio::time::timeout(limits.patience.farewell, closed.recv()).await;
    Ok(())
}

async fn rest_after(error: &std::io::Error) {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    ) {
        return;
    }
    tracing::error!(error.cause = %error, "no connection can be accepted");
    tokio::time::sleep(BREATH).await;
}

/// One connection.
struct Guest {
    peer: SocketAddr,
    router: Router,
    limits: Limits,
    metrics: Metrics,
    stopping: watch::Receiver<bool>,
}

impl Guest {
    async fn receive(self, stream: TcpStream, tls: Option<Tls>) {
        // Answers are written whole; waiting for more would only delay their end.
        let _ = stream.set_nodelay(true);
        let mut stream = Box::pin(TimeoutStream::new(stream));
        let reading = Some(self.limits.patience.reading);
        stream.as_mut().set_write_timeout_pinned(reading);
        let Some(tls) = tls else {
            return self.talk(stream).await;
        };
        let hands = tls.acceptor().accept(stream);
        match tokio::time::timeout(self.limits.patience.handshake, hands).await {
            Ok(Ok(stream)) => self.talk(stream).await,
            Ok(Err(_)) | Err(_) => self.metrics.refused(Refusal::Handshake),
        }
    }

    async fn talk(mut self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let (router, peer) = (Arc::new(self.router), self.peer);
        let answer = hyper::service::service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            // A router is always ready, and its clones share everything.
            Router::clone(&router).call(request)
        });
        let talking = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.patience.headers)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(stream), answer);
        tokio::pin!(talking);
        let stopping = async {
            // The sender lives until the last connection has ended.
            drop(self.stopping.wait_for(|stop| *stop).await);
        };
        let ended = tokio::select! {
            ended = talking.as_mut() => Some(ended),
            () = stopping => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                talking.as_mut().graceful_shutdown();
                talking.await
            }
        };
        if let Err(error) = ended {
            // Guests who hang up, stay silent or talk nonsense are no event; their words are not ours to keep.
            tracing::debug!(
                timeout = error.is_timeout(),
                parse = error.is_parse(),
                "a connection ended early"
            );
        }
    }
}

/// Serves the figures for monitoring on a listener of their own.
///
/// # Errors
/// When the listener has no address.
pub async fn serve_metrics(
    listener: TcpListener,
    service: Service,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let limits = Limits {
        connections: 16,
        connections_per_address: 16,
        ..service.limits
    };
    // The door of the figures does not count in them.
    let metrics = Metrics::new();
    let router = super::figures::router(service);
    run(listener, None, router, limits, metrics, stop).await
}
