//! A target: where it is, and what its series carry.

use std::sync::Arc;

use model::Labels;
use reqwest::header::HeaderMap;
use url::Url;

use crate::config::{Limits, ScrapeConfig};
use crate::source::BuiltIn;

/// How a target's page is had.
#[derive(Clone, Debug)]
pub(crate) enum Endpoint {
    Http(Url),
    BuiltIn(BuiltIn),
}

/// Everything a loop needs to know of its target.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) pool: String,
    pub(crate) endpoint: Endpoint,
    /// The URL as Prometheus writes it; empty for a built-in collector.
    pub(crate) url: String,
    pub(crate) discovered_labels: Labels,
    pub(crate) labels: Labels,
    pub(crate) interval_ms: i64,
    pub(crate) timeout_ms: i64,
    pub(crate) honor_labels: bool,
    pub(crate) honor_timestamps: bool,
    pub(crate) limits: Limits,
    /// What it is told with each request.
    pub(crate) request_headers: HeaderMap,
    /// The job, without what made its targets.
    pub(crate) job: Arc<ScrapeConfig>,
    /// Why it was found, if nobody configured it.
    pub(crate) reason: Option<String>,
}

impl Target {
    /// A built-in collector as a target.
    pub(crate) fn built_in(source: BuiltIn) -> Self {
        let labels = Labels::from_pairs([("job", source.job.as_str()), ("instance", source.instance.as_str())]);
        let job = ScrapeConfig {
            job_name: source.job.clone(),
            scrape_interval_ms: source.interval_ms,
            scrape_timeout_ms: source.interval_ms,
            ..ScrapeConfig::default()
        };
        Self {
            pool: source.job.clone(),
            url: String::new(),
            discovered_labels: labels.clone(),
            labels,
            interval_ms: source.interval_ms,
            timeout_ms: source.interval_ms,
            honor_labels: false,
            honor_timestamps: true,
            limits: Limits::default(),
            endpoint: Endpoint::BuiltIn(source),
            request_headers: HeaderMap::new(),
            job: Arc::new(job),
            reason: None,
        }
    }

    /// What tells this target from others of its pool; its series are grouped in the store under it.
    pub(crate) fn key(&self) -> String {
        format!("{} {}", self.labels.to_braces(), self.url)
    }

    /// What tells this target from all others, short enough for a link.
    pub(crate) fn id(&self) -> String {
        format!("{:016x}", xxhash_rust::xxh3::xxh3_64(format!("{}\0{}", self.pool, self.key()).as_bytes()))
    }

    /// How far into each interval it is scraped, so that targets do not all answer at once.
    pub(crate) fn offset_ms(&self) -> i64 {
        let hash = xxhash_rust::xxh3::xxh3_64(self.key().as_bytes());
        i64::try_from(hash % u64::try_from(self.interval_ms.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    /// Whether a loop of `other` may go on with this target as if nothing had happened.
    pub(crate) fn reads_like(&self, other: &Self) -> bool {
        self.labels == other.labels && self.job == other.job
    }
}
