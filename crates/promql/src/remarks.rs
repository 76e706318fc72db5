//! The texts of warnings and infos; they are Prometheus', without the places.

use units::quote::quote;

/// `… for metric name "x"`, or without it where there is no name.
fn named(text: &str, metric: &str) -> String {
    if metric.is_empty() { text.to_owned() } else { format!("{text} for metric name {}", quote(metric)) }
}

pub(crate) fn bad_quantile(q: f64) -> String {
    format!("quantile value should be between 0 and 1, got {}", units::float::shortest_g(q))
}

pub(crate) fn bad_bucket_label(metric: &str, value: &str) -> String {
    named(&format!("bucket label \"le\" is missing or has a malformed value of {}", quote(value)), metric)
}

pub(crate) fn mixed_types(metric: &str) -> String {
    format!("encountered a mix of histograms and floats for metric name {}", quote(metric))
}

pub(crate) const MIXED_TYPES_IN_AGGREGATION: &str = "encountered a mix of histograms and floats for aggregation";

pub(crate) fn mixed_classic_and_native(metric: &str) -> String {
    named("vector contains a mix of classic and native histograms", metric)
}

pub(crate) fn not_a_counter(metric: &str) -> String {
    format!("this native histogram metric is not a counter: {}", quote(metric))
}

pub(crate) fn not_a_gauge(metric: &str) -> String {
    format!("this native histogram metric is not a gauge: {}", quote(metric))
}

pub(crate) fn mixed_schemas(metric: &str) -> String {
    format!(
        "vector contains a mix of histograms with exponential and custom buckets schemas for metric name {}",
        quote(metric)
    )
}

pub(crate) fn overlapping_start(metric: &str) -> String {
    format!("sample has start time that overlaps with previous sample timestamp for metric {}", quote(metric))
}

pub(crate) fn name_of_no_counter(metric: &str) -> String {
    format!("metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {}", quote(metric))
}

pub(crate) fn forced_monotonic(metric: &str) -> String {
    named(
        "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)",
        metric,
    )
}

pub(crate) fn nan_quantile(metric: &str) -> String {
    named("input to histogram_quantile has NaN observations, result is NaN", metric)
}

pub(crate) fn skewed_quantile(metric: &str) -> String {
    named("input to histogram_quantile has NaN observations, result is skewed higher", metric)
}

pub(crate) fn nan_fraction(metric: &str) -> String {
    named("input to histogram_fraction has NaN observations, which are excluded from all fractions", metric)
}

pub(crate) fn ignored_in_range(metric: &str) -> String {
    format!("ignored histograms in a range containing both floats and histograms for metric name {}", quote(metric))
}

pub(crate) fn ignored_in_aggregation(aggregation: &str) -> String {
    format!("ignored histogram in {aggregation} aggregation")
}

pub(crate) fn incompatible_types(left: &str, operator: &str, right: &str) -> String {
    format!("incompatible sample types encountered for binary operator {}: {left} {operator} {right}", quote(operator))
}

pub(crate) fn incompatible_buckets(operator: &str) -> String {
    format!("incompatible bucket layout encountered for binary operator {operator}")
}

/// `operation` is `aggregation`, `addition` or `subtraction`, as in [`reconciled_bounds`].
pub(crate) fn colliding_resets(operation: &str) -> String {
    format!("conflicting counter resets during histogram {operation}")
}

pub(crate) fn reconciled_bounds(operation: &str) -> String {
    format!("mismatched custom buckets were reconciled during {operation}")
}
