//! Logs: JSON lines on standard error, with request ids and without personal data.

use tracing_subscriber::EnvFilter;

/// Starts logging. `filter` is a level or a list such as `info,sqlx=warn`.
///
/// # Errors
/// When the filter cannot be read or logging was started before.
pub fn start(filter: &str) -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_writer(std::io::stderr)
        .with_env_filter(EnvFilter::try_new(filter)?)
        .try_init()
        .map_err(|error| anyhow::anyhow!("logging: {error}"))
}
