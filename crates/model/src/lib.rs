//! Labels, matchers, samples, metric families, alerts: the words every other crate speaks; knows nothing of IO or time
//! of day.

mod alert;
mod exemplar;
mod family;
mod histogram;
mod histogram_check;
mod histogram_resolution;
mod labels;
mod matcher;
mod metadata;
mod name;
mod sample;
mod timestamp;

pub use alert::Alert;
pub use exemplar::Exemplar;
pub use family::{Family, MetricType};
pub use histogram::{BucketSpan, CUSTOM_BUCKETS_SCHEMA, Histogram, ResetHint};
pub use histogram_check::HistogramError;
pub use histogram_resolution::spans_of;
pub use labels::{Labels, LabelsBuilder};
pub use matcher::{MatchOp, Matcher};
pub use metadata::Metadata;
pub use name::{is_legacy_label_name, is_legacy_metric_name};
pub use sample::{STALE_NAN, Sample, is_stale};
pub use timestamp::{TimeRange, Timestamp};

/// The label that holds a series' metric name.
pub const METRIC_NAME: &str = "__name__";
/// The label that holds an alert's name.
pub const ALERT_NAME: &str = "alertname";
/// The label that holds a histogram bucket's upper bound.
pub const BUCKET_LE: &str = "le";
