//! What to scrape, as plain values.

use std::path::PathBuf;

use exposition::{Escaping, Protocol};
use model::Labels;

/// A job: what its targets have in common. Defaults are Prometheus', but for the limits.
#[derive(Clone, Debug, PartialEq)]
pub struct ScrapeConfig {
    /// The job's name, unique.
    pub job_name: String,
    /// How often, in milliseconds.
    pub scrape_interval_ms: i64,
    /// How long one scrape may take, in milliseconds; not longer than the interval.
    pub scrape_timeout_ms: i64,
    /// The path.
    pub metrics_path: String,
    /// `http` or `https`
    pub scheme: String,
    /// Parameters of the URL.
    pub params: Vec<(String, String)>,
    /// Whether a page's `job` and `instance` win over the target's.
    pub honor_labels: bool,
    /// Whether samples may carry moments of their own.
    pub honor_timestamps: bool,
    /// Whether series with moments of their own end with a marker when they vanish.
    pub track_timestamps_staleness: bool,
    /// Whether a compressed page is asked for.
    pub enable_compression: bool,
    /// Whether `scrape_timeout_seconds`, `scrape_sample_limit` and `scrape_body_size_bytes` are written.
    pub extra_scrape_metrics: bool,
    /// Formats asked for, best first.
    pub protocols: Vec<Protocol>,
    /// The format of a page whose `Content-Type` is missing or unknown; such a page is read as classic text if the
    /// configuration does not say so.
    pub fallback_protocol: Option<Protocol>,
    /// How foreign names are asked for.
    pub escaping: Escaping,
    /// Names that series may have.
    pub name_validation: NameValidation,
    /// Whether native histograms are asked for and stored.
    pub native_histograms: bool,
    /// Whether the classic buckets are stored of a histogram that has native ones as well.
    pub classic_histograms: bool,
    /// Whether classic histograms are stored as native ones with custom bounds.
    pub classic_to_native: bool,
    /// Where failed scrapes are written, one JSON object a line.
    pub failure_log: Option<PathBuf>,
    /// How much a page may hold.
    pub limits: Limits,
    /// How to talk to the targets.
    pub http: http_client::Config,
    /// The targets.
    pub static_groups: Vec<StaticGroup>,
    /// Where further targets are found.
    pub discoveries: Vec<discovery::Config>,
    /// Rules that make a target of what was found, or drop it.
    pub relabel_configs: Vec<relabel::Config>,
    /// Rules for the series of a page.
    pub metric_relabel_configs: Vec<relabel::Config>,
    /// A job with more targets than this fails as a whole; `None` is no limit.
    pub targets_max: Option<usize>,
    /// How many dropped targets of the job are remembered for the targets page.
    pub dropped_targets_kept: usize,
    /// Whether a target gives way to one with the same address in another job: for what was found without being configured.
    pub gives_way: bool,
}

impl ScrapeConfig {
    /// What a loop needs to know of its job: everything but what made the targets, so that a loop need not notice when
    /// other targets come and go.
    pub(crate) fn without_targets(&self) -> Self {
        Self {
            static_groups: Vec::new(),
            discoveries: Vec::new(),
            relabel_configs: Vec::new(),
            targets_max: None,
            ..self.clone()
        }
    }
}

/// Which names series and labels may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameValidation {
    /// Any UTF-8.
    #[default]
    Utf8,
    /// Letters, digits and underscores; in metric names colons too. A page with another name fails.
    Legacy,
}

/// How many dropped targets a job remembers unless it is told otherwise.
pub const DROPPED_TARGETS_KEPT: usize = 1_000;

impl Default for ScrapeConfig {
    fn default() -> Self {
        Self {
            job_name: String::new(),
            scrape_interval_ms: 60_000,
            scrape_timeout_ms: 10_000,
            metrics_path: "/metrics".to_owned(),
            scheme: "http".to_owned(),
            params: Vec::new(),
            honor_labels: false,
            honor_timestamps: true,
            track_timestamps_staleness: false,
            enable_compression: true,
            extra_scrape_metrics: false,
            protocols: Protocol::DEFAULT.to_vec(),
            fallback_protocol: None,
            escaping: Escaping::default(),
            name_validation: NameValidation::default(),
            native_histograms: false,
            classic_histograms: false,
            classic_to_native: false,
            failure_log: None,
            limits: Limits::default(),
            http: http_client::Config::default(),
            static_groups: Vec::new(),
            discoveries: Vec::new(),
            relabel_configs: Vec::new(),
            metric_relabel_configs: Vec::new(),
            targets_max: None,
            dropped_targets_kept: DROPPED_TARGETS_KEPT,
            gives_way: false,
        }
    }
}

/// Targets with labels of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaticGroup {
    /// `HOST:PORT`
    pub targets: Vec<String>,
    /// Labels that all of them get.
    pub labels: Labels,
}

/// How much a page may hold; one that holds more fails as a whole. `None` is no limit, as in Prometheus.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Bytes of a body after decompression.
    pub body_bytes_max: usize,
    /// Samples.
    pub samples_max: Option<usize>,
    /// Labels of a series, the target's included.
    pub labels_max: Option<usize>,
    /// Bytes of a label's name.
    pub label_name_bytes_max: Option<usize>,
    /// Bytes of a label's value.
    pub label_value_bytes_max: Option<usize>,
    /// Buckets of a native histogram; one with more loses resolution until it fits.
    pub native_buckets_max: Option<usize>,
    /// The least factor between the bounds of a native histogram's buckets, above 1; one that is finer loses
    /// resolution.
    pub native_bucket_factor_min: Option<f64>,
}

/// Prometheus has no limits unless it is told; a body without end must not take the machine.
impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 16 << 20,
            samples_max: None,
            labels_max: None,
            label_name_bytes_max: None,
            label_value_bytes_max: None,
            native_buckets_max: None,
            native_bucket_factor_min: None,
        }
    }
}
