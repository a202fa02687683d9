//! How long a request may take: its body, in pieces that come without long pauses, and our own work.

use super::limit::{Rates, busy, route};
use super::places::Places;
use super::problem::Problem;
use super::state::{Limits, Patience};
use crate::access::Caller;
use crate::limits;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use hyper::body::{Frame, SizeHint};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep};

/// A form has its PDF, its data and what stands between them.
pub(super) const FORM: usize = limits::PDF_FILE + limits::JSON_BODY;

/// How long a file waits for a place before it is asked to come again.
const TURN: Duration = Duration::from_secs(5);

/// Answers are given in time, or a problem is.
pub(super) async fn in_time(patience: Patience, request: Request, next: Next) -> Response {
    let body = if is_upload(&request) {
        patience.file
    } else {
        patience.body
    };
    let late = Arc::new(AtomicBool::new(false));
    let empty = request.body().is_end_stream();
    let request = if empty {
        request
    } else {
        let late = Arc::clone(&late);
        request.map(|inner| Body::new(Paced::new(inner, patience.pause, body, late)))
    };
    let all = if empty {
        patience.work
    } else {
        patience.work + body
    };
    let answered = tokio::time::timeout(all, next.run(request)).await;
    if late.load(Ordering::Relaxed) {
        let mut response =
            Problem::new(StatusCode::REQUEST_TIMEOUT, "request/too-slow").into_response();
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
        return response;
    }
    answered.unwrap_or_else(|_| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "request/took-too-long")
            .retry_after(5)
            .into_response()
    })
}

/// Whether the request brings a file: these are large, and much is done for each.
fn is_upload(request: &Request) -> bool {
    let form = || {
        let kind = request.headers().get(header::CONTENT_TYPE);
        kind.is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/"))
    };
    request.method() == Method::POST
        && match route(request) {
            "/" | "/api/v1/verifications/document" => true,
            "/api/v1/results" => form(),
            _ => false,
        }
}

/// Places for files, so that memory has a bound: those of accounts, and those of the public, of which one
/// address has half at most.
pub(super) struct Uploads {
    accounts: Semaphore,
    public: Places<IpAddr>,
    rates: Rates,
}

impl Uploads {
    pub(super) fn new(limits: &Limits, rates: Rates) -> Self {
        let public = limits.uploads_at_once.div_ceil(2);
        Self {
            accounts: Semaphore::new(limits.uploads_at_once),
            public: Places::new(public, public.div_ceil(2)),
            rates,
        }
    }
}

/// Lets a file in when there is a place for it; its bytes wait at the sender's until then. A body that says
/// it is too large is refused at once.
pub(super) async fn uploads(uploads: &Uploads, request: Request, next: Next) -> Response {
    let upload = is_upload(&request);
    let most = if upload { FORM } else { limits::JSON_BODY };
    if declared(&request) > most as u64 {
        // Not a byte of it is read.
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "request/too-large").into_response();
    }
    if !upload {
        return next.run(request).await;
    }
    if request.extensions().get::<Caller>().is_some() {
        let turn = tokio::time::timeout(TURN, uploads.accounts.acquire()).await;
        let Ok(Ok(_place)) = turn else {
            return busy().into_response();
        };
        return next.run(request).await;
    }
    let client = uploads.rates.client(&request);
    let end = Instant::now() + TURN;
    loop {
        if let Some(_place) = uploads.public.take(client) {
            return next.run(request).await;
        }
        if Instant::now() > end {
            return busy().into_response();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn declared(request: &Request) -> u64 {
    let length = request.headers().get(header::CONTENT_LENGTH);
    length
        .and_then(|length| length.to_str().ok()?.parse().ok())
        .unwrap_or(0)
}

/// A body that must keep coming.
struct Paced {
    inner: Body,
    pause: Duration,
    end: Instant,
    /// Runs while we wait for a piece.
    waiting: Option<Pin<Box<Sleep>>>,
    late: Arc<AtomicBool>,
}

/// The body did not come in time.
#[derive(Debug, thiserror::Error)]
#[error("the body did not come in time")]
struct TooSlow;

impl Paced {
    fn new(inner: Body, pause: Duration, all: Duration, late: Arc<AtomicBool>) -> Self {
        Self {
            inner,
            pause,
            end: Instant::now() + all,
            waiting: None,
            late,
        }
    }
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let own = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut own.inner).poll_frame(context) {
            own.waiting = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let until = (Instant::now() + own.pause).min(own.end);
        let sleep = own
            .waiting
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        ready!(sleep.as_mut().poll(context));
        own.late.store(true, Ordering::Relaxed);
        Poll::Ready(Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
