//! A native histogram: buckets whose bounds follow from a schema.

use std::sync::Arc;

/// The schema of histograms whose bounds are written out one by one ([`Histogram::custom_bounds`]).
pub const CUSTOM_BUCKETS_SCHEMA: i8 = -53;

/// A native histogram at a moment. Counts are absolute, not differences, and floating: a whole count below 2^53 is exact,
/// as Prometheus' `FloatHistogram` has it.
///
/// The upper bound of the positive bucket with index `i` is `2^(i * 2^-schema)`; negative buckets mirror it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// The resolution, -4 to 8, or [`CUSTOM_BUCKETS_SCHEMA`].
    pub schema: i8,
    /// Observations whose absolute value is at most this are in the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: f64,
    /// All observations, NaN among them.
    pub count: f64,
    /// Their sum; the stale marker here says that the series has ended.
    pub sum: f64,
    /// Where the counts of [`Histogram::positive_buckets`] belong.
    pub positive_spans: Vec<BucketSpan>,
    /// The counts of the buckets in the spans, one after the other.
    pub positive_buckets: Vec<f64>,
    /// As the positive ones, for observations below zero.
    pub negative_spans: Vec<BucketSpan>,
    /// As the positive ones, for observations below zero.
    pub negative_buckets: Vec<f64>,
    /// Upper bounds, rising, without +Inf; only with [`CUSTOM_BUCKETS_SCHEMA`]. Shared by the samples of a series.
    pub custom_bounds: Option<Arc<[f64]>>,
    /// What is known about whether it started anew.
    pub reset_hint: ResetHint,
}

/// Consecutive buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BucketSpan {
    /// Buckets between the end of the span before and the first bucket; for the first span the first bucket's index.
    pub offset: i32,
    /// How many buckets.
    pub length: u32,
}

/// What is known about a counter reset between a histogram and the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResetHint {
    /// Nothing: it has to be found out.
    #[default]
    Unknown,
    /// It started anew.
    CounterReset,
    /// It did not start anew.
    NotCounterReset,
    /// It is a gauge, which never does.
    Gauge,
}

impl Histogram {
    /// The marker that says that a series of histograms has ended.
    pub fn stale() -> Self {
        Self { sum: crate::STALE_NAN, ..Self::default() }
    }

    /// Whether it is that marker.
    pub fn is_stale(&self) -> bool {
        crate::is_stale(self.sum)
    }

    /// Whether its bounds are written out one by one.
    pub const fn has_custom_bounds(&self) -> bool {
        self.schema == CUSTOM_BUCKETS_SCHEMA
    }
}
