//! Logs: JSON lines on standard error, with request ids and without personal data.

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts logging. `filter` is a level or a list such as `info,sqlx=warn`.
///
/// # Errors
/// When the filter cannot be read or logging was started before.
pub fn start(filter: &str) -> anyhow::Result<()> {
    lines(filter, std::io::stderr)?
        .try_init()
        .map_err(|error| anyhow::anyhow!("logging: {error}"))
}

/// What writes one JSON object a line to `writer`.
///
/// # Errors
/// When the filter cannot be read.
pub fn lines<W>(filter: &str, writer: W) -> anyhow::Result<impl Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    Ok(tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_writer(writer)
        .with_env_filter(EnvFilter::try_new(filter)?)
        .finish())
}
