//! What is counted while the service runs, in the text format of OpenMetrics.
//!
//! **Invariant:** a label has few values, all known beforehand: routes as templates, methods, classes of
//! status, purposes. No look-up code, no account, no address and no agency is ever a label.

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::Arc;
use std::time::Duration;

/// Upper ends of the latency classes, in seconds: from a cached file to a large PDF.
const LATENCIES: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];

/// Upper ends of the classes of group commits: a transaction takes up to 1,024 checks and the last request.
const BATCHES: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 500.0, 1_024.0];

/// Why somebody was turned away before his request was looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// Too many connections, of all or of one address.
    Connection,
    /// The TLS handshake failed or took too long.
    Handshake,
    /// Too many requests at once.
    Busy,
    /// Too many look-ups.
    LookUp,
    /// Too many verifications.
    Verification,
    /// Too many uploads.
    Upload,
    /// Too many sign-ins.
    SignIn,
    /// Too many searches of one account.
    Search,
    /// Too many keys that open nothing.
    Guess,
    /// Too many requests of one account.
    Account,
}

impl Refusal {
    fn word(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Handshake => "handshake",
            Self::Busy => "busy",
            Self::LookUp => "look_up",
            Self::Verification => "verification",
            Self::Upload => "upload",
            Self::SignIn => "sign_in",
            Self::Search => "search",
            Self::Guess => "guess",
            Self::Account => "account",
        }
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Request {
    route: String,
    method: &'static str,
    status: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Route {
    route: String,
    method: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Why {
    reason: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Named {
    name: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct State {
    state: &'static str,
}

/// Counters and clocks of one process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<Request, Counter>,
    latencies: Family<Route, Histogram, fn() -> Histogram>,
    refused: Family<Why, Counter>,
    connections: Gauge,
    checks: Counter,
    batches: Histogram,
    signer_failures: Counter,
    jobs: Family<State, Gauge>,
    pool: Family<State, Gauge>,
    log_entries: Gauge,
    published: Family<Named, Gauge>,
    certificate_end: Gauge,
}

/// What stands in the register at the moment of asking.
#[derive(Clone, Debug, Default)]
pub struct Census {
    /// Jobs that wait or are being done.
    pub waiting_jobs: u64,
    /// Jobs that failed for good.
    pub buried_jobs: u64,
    /// Leaves of the log.
    pub log_entries: u64,
    /// Name of each publication, and the seconds since it was signed.
    pub publications: Vec<(String, i64)>,
    /// Connections to the database: in use, idle.
    pub connections: (u64, u64),
}

impl Metrics {
    /// All of them, at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("dauso");
        let requests = Family::default();
        registry.register("http_requests", "Answers by route", requests.clone());
        let latencies: Family<Route, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(LATENCIES));
        registry.register_with_unit(
            "http_request_duration",
            "From the last header of a request to its answer",
            Unit::Seconds,
            latencies.clone(),
        );
        let refused = Family::default();
        registry.register(
            "http_refused",
            "Connections and requests that were turned away",
            refused.clone(),
        );
        let connections = Gauge::default();
        registry.register(
            "http_connections",
            "Connections that are open",
            connections.clone(),
        );
        let checks = Counter::default();
        registry.register("checks_recorded", "Checks on the disk", checks.clone());
        let batches = Histogram::new(BATCHES);
        registry.register(
            "check_batch_size",
            "Checks that were written in one transaction",
            batches.clone(),
        );
        let signer_failures = Counter::default();
        registry.register(
            "signer_failures",
            "Keys that could not be opened or gave no good signature",
            signer_failures.clone(),
        );
        let jobs = Family::default();
        registry.register(
            "jobs",
            "Jobs that wait, and jobs that failed for good",
            jobs.clone(),
        );
        let pool = Family::default();
        registry.register(
            "database_connections",
            "Connections to the database",
            pool.clone(),
        );
        let log_entries = Gauge::default();
        registry.register("log_entries", "Leaves of the log", log_entries.clone());
        let published = Family::default();
        registry.register_with_unit(
            "publication_age",
            "Since a file was signed",
            Unit::Seconds,
            published.clone(),
        );
        let certificate_end = Gauge::default();
        registry.register_with_unit(
            "tls_certificate_not_after",
            "End of the TLS certificate as Unix time; 0 without TLS",
            Unit::Seconds,
            certificate_end.clone(),
        );
        Self {
            registry: Arc::new(registry),
            requests,
            latencies,
            refused,
            connections,
            checks,
            batches,
            signer_failures,
            jobs,
            pool,
            log_entries,
            published,
            certificate_end,
        }
    }

    /// A request was answered. `route` is a template, `method` one of HTTP's own or `other`.
    pub fn answered(&self, route: &str, method: &'static str, status: u16, took: Duration) {
        let request = Request {
            route: route.to_owned(),
            method,
            status: match status / 100 {
                1 => "1xx",
                2 => "2xx",
                3 => "3xx",
                4 => "4xx",
                _ => "5xx",
            },
        };
        self.requests.get_or_create(&request).inc();
        let route = Route {
            route: request.route,
            method: request.method,
        };
        self.latencies
            .get_or_create(&route)
            .observe(took.as_secs_f64());
    }

    /// Somebody was turned away.
    pub fn refused(&self, reason: Refusal) {
        let reason = reason.word();
        self.refused.get_or_create(&Why { reason }).inc();
    }

    /// A connection was opened; it is counted until what comes back is dropped.
    #[must_use]
    pub fn connected(&self) -> Connected {
        self.connections.inc();
        Connected(self.connections.clone())
    }

    /// One transaction recorded so many checks.
    pub fn recorded(&self, checks: usize) {
        let checks = u32::try_from(checks).unwrap_or(u32::MAX);
        self.checks.inc_by(checks.into());
        self.batches.observe(checks.into());
    }

    /// A key gave no signature.
    pub fn signer_failed(&self) {
        self.signer_failures.inc();
    }

    /// The TLS certificate in use ends then (Unix time).
    pub fn certificate_ends(&self, at: i64) {
        self.certificate_end.set(at);
    }

    /// All figures as OpenMetrics text. Without a census those of the register are left out.
    #[must_use]
    pub fn text(&self, census: Option<&Census>) -> String {
        self.jobs.clear();
        self.pool.clear();
        self.published.clear();
        if let Some(census) = census {
            let set = |family: &Family<State, Gauge>, state, count: u64| {
                let gauge = family.get_or_create_owned(&State { state });
                gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
            };
            set(&self.jobs, "waiting", census.waiting_jobs);
            set(&self.jobs, "buried", census.buried_jobs);
            set(&self.pool, "in_use", census.connections.0);
            set(&self.pool, "idle", census.connections.1);
            let entries = i64::try_from(census.log_entries).unwrap_or(i64::MAX);
            self.log_entries.set(entries);
            for (name, age) in &census.publications {
                let name = name.clone();
                self.published.get_or_create(&Named { name }).set(*age);
            }
        }
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// An open connection.
#[derive(Debug)]
pub struct Connected(Gauge);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_add_up_and_the_text_ends_as_the_format_asks() {
        let metrics = Metrics::new();
        metrics.answered("/{id}", "GET", 200, Duration::from_millis(3));
        metrics.answered("/{id}", "GET", 204, Duration::from_millis(40));
        metrics.refused(Refusal::LookUp);
        metrics.recorded(3);
        let one = metrics.connected();
        drop(metrics.connected());
        let text = metrics.text(None);
        for line in [
            "dauso_http_requests_total{route=\"/{id}\",method=\"GET\",status=\"2xx\"} 2",
            "dauso_http_request_duration_seconds_bucket{le=\"0.005\",route=\"/{id}\",method=\"GET\"} 1",
            "dauso_http_refused_total{reason=\"look_up\"} 1",
            "dauso_http_connections 1",
            "dauso_checks_recorded_total 3",
            "dauso_check_batch_size_sum 3.0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
        drop(one);
        assert!(metrics.text(None).contains("dauso_http_connections 0\n"));
    }

    #[test]
    fn what_the_register_holds_is_told_only_when_it_was_asked() {
        let metrics = Metrics::new();
        let census = Census {
            waiting_jobs: 2,
            publications: vec![("status/1".to_owned(), 61)],
            ..Census::default()
        };
        let text = metrics.text(Some(&census));
        assert!(text.contains("dauso_jobs{state=\"waiting\"} 2\n"), "{text}");
        let age = "dauso_publication_age_seconds{name=\"status/1\"} 61\n";
        assert!(text.contains(age), "{text}");
        assert!(!metrics.text(None).contains("dauso_jobs{"));
    }
}
