//! Classic histograms: `histogram_quantile` and `histogram_fraction` over `le` buckets.

use std::collections::HashMap;

use model::{BUCKET_LE, Labels};
use promql_syntax::Expr;

use super::over_time::warn_of_quantiles;
use crate::column::Column;
use crate::error::EvalError;
use crate::evaluation::Evaluation;
use crate::series::Series;

/// Counts that differ by less than this share of themselves are rounding, not a defect.
const MONOTONIC_TOLERANCE: f64 = 1e-12;

/// A bucket at one step.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bucket {
    upper: f64,
    /// Observations up to `upper`.
    count: f64,
}

/// The buckets of one histogram over the steps.
struct Histogram {
    labels: Labels,
    drop_name: bool,
    buckets: Vec<(f64, Column)>,
}

pub(super) fn call(evaluation: &Evaluation<'_>, name: &str, args: &[Expr]) -> Result<Vec<Series>, EvalError> {
    if name == "histogram_quantile" {
        let quantiles = evaluation.scalar(&args[0])?;
        let histograms = histograms(evaluation, evaluation.vector(&args[1])?);
        warn_of_quantiles(evaluation, &quantiles);
        return Ok(map(evaluation, histograms, |step, buckets| quantile(quantiles[step], buckets)));
    }
    let (lower, upper) = (evaluation.scalar(&args[0])?, evaluation.scalar(&args[1])?);
    let histograms = histograms(evaluation, evaluation.vector(&args[2])?);
    Ok(map(evaluation, histograms, |step, buckets| fraction(lower[step], upper[step], buckets)))
}

/// Groups buckets by all labels but `le`.
fn histograms(evaluation: &Evaluation<'_>, vector: Vec<Series>) -> Vec<Histogram> {
    let mut by_labels: HashMap<Labels, usize> = HashMap::new();
    let mut found: Vec<Histogram> = Vec::new();
    for series in vector {
        let text = series.labels.get(BUCKET_LE).unwrap_or_default();
        let Ok(upper) = units::float::parse(text) else {
            evaluation.notes.warn(format!("bucket label \"le\" is missing or has a malformed value of {text:?}"));
            continue;
        };
        let labels = series.labels.filtered(|name| name != BUCKET_LE);
        let at = *by_labels.entry(labels.clone()).or_insert_with(|| {
            found.push(Histogram { labels, drop_name: true, buckets: Vec::new() });
            found.len() - 1
        });
        found[at].buckets.push((upper, series.column));
    }
    for histogram in &mut found {
        histogram.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    found
}

fn map(
    evaluation: &Evaluation<'_>,
    histograms: Vec<Histogram>,
    mut function: impl FnMut(usize, &[Bucket]) -> f64,
) -> Vec<Series> {
    let mut out = Vec::with_capacity(histograms.len());
    let mut buckets = Vec::new();
    for histogram in histograms {
        let mut column = Column::empty(evaluation.steps.count);
        for step in 0..evaluation.steps.count {
            buckets.clear();
            for (upper, counts) in &histogram.buckets {
                let Some(count) = counts.get(step) else { continue };
                match buckets.last_mut() {
                    // "5" and "5.0" are the same bound.
                    Some(Bucket { upper: last, count: sum }) if last == upper => *sum += count,
                    _ => buckets.push(Bucket { upper: *upper, count }),
                }
            }
            if !buckets.is_empty() {
                make_monotonic(evaluation, &mut buckets);
                column.put(step, function(step, &buckets));
            }
        }
        if column.present.any() {
            out.push(Series { labels: histogram.labels, drop_name: histogram.drop_name, column });
        }
    }
    out
}

/// Counts must not fall from one bucket to the next; scrapes that catch a histogram in the middle of an update, and
/// rates, make them fall a little.
fn make_monotonic(evaluation: &Evaluation<'_>, buckets: &mut [Bucket]) {
    let mut highest = f64::NEG_INFINITY;
    for bucket in buckets {
        if almost_equal(highest, bucket.count) {
            bucket.count = highest;
        } else if bucket.count < highest {
            evaluation.notes.info("input to histogram_quantile needed to be fixed for monotonicity");
            bucket.count = highest;
        } else {
            highest = bucket.count;
        }
    }
}

fn almost_equal(a: f64, b: f64) -> bool {
    if a == b {
        return true;
    }
    if a.is_infinite() || b.is_infinite() {
        return false;
    }
    let scale = a.abs() + b.abs();
    let difference = (a - b).abs();
    if a == 0.0 || b == 0.0 || scale < f64::MIN_POSITIVE {
        difference < MONOTONIC_TOLERANCE * f64::MIN_POSITIVE
    } else {
        difference / scale.min(f64::MAX) < MONOTONIC_TOLERANCE
    }
}

/// Prometheus' `BucketQuantile` over merged, monotonic buckets.
fn quantile(q: f64, buckets: &[Bucket]) -> f64 {
    if q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if 1.0 < q {
        return f64::INFINITY;
    }
    let Some(top) = buckets.last().filter(|top| top.upper == f64::INFINITY && 2 <= buckets.len()) else {
        return f64::NAN;
    };
    if top.count == 0.0 || top.count.is_nan() {
        return f64::NAN;
    }
    let mut rank = q * top.count;
    let last = buckets.len() - 1;
    let at = buckets[..last].iter().position(|bucket| rank <= bucket.count).unwrap_or(last);
    if at == last {
        return buckets[last - 1].upper;
    }
    let end = buckets[at].upper;
    if at == 0 && end <= 0.0 {
        return end;
    }
    let (mut start, mut count) = (0.0, buckets[at].count);
    if 0 < at {
        start = buckets[at - 1].upper;
        count -= buckets[at - 1].count;
        rank -= buckets[at - 1].count;
    }
    start + (end - start) * (rank / count)
}

/// The share of observations between two values.
fn fraction(lower: f64, upper: f64, buckets: &[Bucket]) -> f64 {
    let Some(top) = buckets.last().filter(|top| top.upper == f64::INFINITY) else { return f64::NAN };
    if top.count == 0.0 || top.count.is_nan() || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if upper <= lower {
        return 0.0;
    }
    (rank_of(upper, buckets) - rank_of(lower, buckets)) / top.count
}

/// How many observations lie below `value`, linear inside finite buckets.
fn rank_of(value: f64, buckets: &[Bucket]) -> f64 {
    let mut below = 0.0;
    let mut start = if 0.0 < buckets[0].upper { 0.0 } else { f64::NEG_INFINITY };
    for bucket in buckets {
        if value <= start {
            return below;
        }
        if value < bucket.upper {
            if start.is_infinite() || bucket.upper.is_infinite() {
                return below;
            }
            return below + (bucket.count - below) * (value - start) / (bucket.upper - start);
        }
        below = bucket.count;
        start = bucket.upper;
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_inside_their_bucket() {
        let buckets =
            [(0.1, 1.0), (0.5, 3.0), (1.0, 4.0), (f64::INFINITY, 4.0)].map(|(upper, count)| Bucket { upper, count });
        for (q, expected) in [(0.25, 0.1), (0.5, 0.3), (1.0, 1.0), (2.0, f64::INFINITY), (-1.0, f64::NEG_INFINITY)] {
            assert!((quantile(q, &buckets) - expected).abs() < 1e-12 || quantile(q, &buckets) == expected, "{q}");
        }
        assert!(quantile(0.5, &buckets[..3]).is_nan());
    }
}
