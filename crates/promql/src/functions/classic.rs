//! `histogram_quantile`, `histogram_quantiles` and `histogram_fraction`, over classic histograms (series with an `le` label,
//! one for each bucket) and native ones alike.

use std::collections::HashMap;
use std::sync::Arc;

use model::{BUCKET_LE, Histogram, Labels};
use promql_syntax::{Expr, Span};
use units::float::shortest_g;

use super::over_time::warn_of_quantiles;
use crate::column::Column;
use crate::error::EvalError;
use crate::evaluation::Evaluation;
use crate::histogram::{self, NanObservations};
use crate::notes::Forced;
use crate::remarks;
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

/// The buckets of one classic histogram over the steps.
struct Classic {
    labels: Labels,
    buckets: Vec<(f64, Column)>,
}

/// What the argument holds.
struct Inputs {
    native: Vec<Series>,
    classic: Vec<Classic>,
}

pub(super) fn call(evaluation: &Evaluation<'_>, name: &str, args: &[Expr]) -> Result<Vec<Series>, EvalError> {
    // Only whole buckets will do.
    let evaluation = &evaluation.detecting_resets(false);
    let span = |position: usize| args[position].unwrap_parens().span;
    if name == "histogram_fraction" {
        let (lower, upper) = (evaluation.scalar(&args[0])?, evaluation.scalar(&args[1])?);
        let inputs = inputs(evaluation, evaluation.vector(&args[2])?, span(2));
        let native = |step: usize, histogram: &Histogram, metric: &str| {
            if histogram.sum.is_nan() && histogram.count != 0.0 {
                evaluation.notes.info(span(2), remarks::nan_fraction(metric));
            }
            histogram::fraction(lower[step], upper[step], histogram)
        };
        let classic = |step: usize, buckets: &mut Vec<Bucket>, _: &str| fraction(lower[step], upper[step], buckets);
        return Ok(map(evaluation, &inputs, native, classic));
    }
    let (vector, quantiles) = if name == "histogram_quantile" { (1, 0..1) } else { (0, 2..args.len()) };
    let mut asked = Vec::with_capacity(quantiles.len());
    for position in quantiles {
        let values = evaluation.scalar(&args[position])?;
        warn_of_quantiles(evaluation, &values, span(position));
        asked.push(values);
    }
    let label = if name == "histogram_quantile" { None } else { Some(evaluation.text(&args[1])?) };
    let inputs = inputs(evaluation, evaluation.vector(&args[vector])?, span(vector));
    let mut out = Vec::new();
    for quantiles in &asked {
        let found = quantiles_of(evaluation, &inputs, quantiles, span(vector));
        match &label {
            None => out.extend(found),
            Some(label) => out.extend(labelled(found, label, quantiles)),
        }
    }
    Ok(out)
}

fn quantiles_of(evaluation: &Evaluation<'_>, inputs: &Inputs, quantiles: &[f64], span: Span) -> Vec<Series> {
    let native = |step: usize, histogram: &Histogram, metric: &str| {
        let (value, observations) = histogram::quantile(quantiles[step], histogram);
        match observations {
            NanObservations::None => {}
            NanObservations::Result => evaluation.notes.info(span, remarks::nan_quantile(metric)),
            NanObservations::Skew => evaluation.notes.info(span, remarks::skewed_quantile(metric)),
        }
        value
    };
    let classic = |step: usize, buckets: &mut Vec<Bucket>, metric: &str| {
        let (value, forced) = quantile(quantiles[step], buckets);
        if let Some(mut forced) = forced {
            let at_ms = evaluation.steps.at(step);
            (forced.first_ms, forced.last_ms) = (at_ms, at_ms);
            evaluation.notes.forced(span, remarks::forced_monotonic(metric), forced);
        }
        value
    };
    map(evaluation, inputs, native, classic)
}

/// The series with the quantile of each step as a label, which makes several of one whose quantile changes.
fn labelled(found: Vec<Series>, label: &str, quantiles: &[f64]) -> Vec<Series> {
    let mut out = Vec::with_capacity(found.len());
    for series in found {
        let mut by_quantile: Vec<(u64, Column)> = Vec::new();
        for (step, value) in series.column.iter() {
            let bits = quantiles[step].to_bits();
            let at = by_quantile.iter().position(|(known, _)| *known == bits).unwrap_or_else(|| {
                by_quantile.push((bits, Column::empty(quantiles.len())));
                by_quantile.len() - 1
            });
            by_quantile[at].1.put(step, value);
        }
        out.extend(by_quantile.into_iter().map(|(bits, column)| {
            let text = open_metrics_float(f64::from_bits(bits));
            let labels = series.labels.to_builder().set(label, &text).build();
            Series { labels, drop_name: series.drop_name, column }
        }));
    }
    out
}

/// A float as OpenMetrics labels it: always with a point or an exponent.
fn open_metrics_float(value: f64) -> String {
    let text = shortest_g(value);
    if value.is_finite() && !text.contains(['.', 'e']) { format!("{text}.0") } else { text }
}

/// Sorts native and classic histograms apart. Where both have the same labels at the same step, neither counts.
fn inputs(evaluation: &Evaluation<'_>, vector: Vec<Series>, span: Span) -> Inputs {
    let mut by_labels: HashMap<Labels, usize> = HashMap::new();
    let mut classic: Vec<Classic> = Vec::new();
    let mut native = Vec::new();
    for series in vector {
        let mut floats = series.column.clone();
        if floats.drop_histograms() {
            native.push(series.clone());
        }
        if !floats.present.any() {
            continue;
        }
        let text = series.labels.get(BUCKET_LE).unwrap_or_default();
        let Ok(upper) = units::float::parse(text) else {
            evaluation.notes.warn(span, remarks::bad_bucket_label(series.labels.metric_name(), text));
            continue;
        };
        let labels = series.labels.filtered(|name| name != BUCKET_LE);
        let at = *by_labels.entry(labels.clone()).or_insert_with(|| {
            classic.push(Classic { labels, buckets: Vec::new() });
            classic.len() - 1
        });
        classic[at].buckets.push((upper, floats));
    }
    for histogram in &mut classic {
        histogram.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    for series in &mut native {
        let Some(at) = by_labels.get(&series.labels) else { continue };
        let steps: Vec<usize> = series.column.histograms().map(|(step, _)| step).collect();
        for step in steps {
            let buckets = &mut classic[*at].buckets;
            if buckets.iter().any(|(_, column)| column.present.get(step)) {
                evaluation.notes.warn(span, remarks::mixed_classic_and_native(series.labels.metric_name()));
                series.column.remove(step);
                buckets.iter_mut().for_each(|(_, column)| column.remove(step));
            }
        }
    }
    Inputs { native, classic }
}

/// Makes a value of each histogram at each step.
fn map(
    evaluation: &Evaluation<'_>,
    inputs: &Inputs,
    native: impl Fn(usize, &Histogram, &str) -> f64,
    classic: impl Fn(usize, &mut Vec<Bucket>, &str) -> f64,
) -> Vec<Series> {
    let count = evaluation.steps.count;
    let mut out = Vec::with_capacity(inputs.native.len() + inputs.classic.len());
    let mut keep = |labels: &Labels, column: Column| {
        if column.present.any() {
            out.push(Series { labels: labels.clone(), drop_name: true, column });
        }
    };
    for series in &inputs.native {
        let mut column = Column::empty(count);
        for (step, histogram) in series.column.histograms() {
            column.put(step, native(step, Arc::as_ref(histogram), series.labels.metric_name()));
        }
        keep(&series.labels, column);
    }
    let mut buckets = Vec::new();
    for histogram in &inputs.classic {
        let mut column = Column::empty(count);
        for step in 0..count {
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
                column.put(step, classic(step, &mut buckets, histogram.labels.metric_name()));
            }
        }
        keep(&histogram.labels, column);
    }
    out
}

/// Counts must not fall from one bucket to the next; scrapes that catch a histogram in the middle of an update, and
/// rates, make them fall a little. By how much they fell, unless it is rounding.
fn make_monotonic(buckets: &mut [Bucket]) -> Option<Forced> {
    let mut forced: Option<Forced> = None;
    let mut highest = f64::NEG_INFINITY;
    for bucket in buckets {
        if almost_equal(highest, bucket.count) {
            bucket.count = highest;
        } else if bucket.count < highest {
            let difference = highest - bucket.count;
            let forced = forced.get_or_insert(Forced {
                first_ms: 0,
                last_ms: 0,
                lowest_bucket: bucket.upper,
                highest_bucket: bucket.upper,
                difference_max: difference,
                count: 1,
            });
            forced.lowest_bucket = forced.lowest_bucket.min(bucket.upper);
            forced.highest_bucket = forced.highest_bucket.max(bucket.upper);
            forced.difference_max = forced.difference_max.max(difference);
            bucket.count = highest;
        } else {
            highest = bucket.count;
        }
    }
    forced
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

/// Prometheus' `BucketQuantile` over merged buckets.
fn quantile(q: f64, buckets: &mut [Bucket]) -> (f64, Option<Forced>) {
    if q.is_nan() {
        return (f64::NAN, None);
    }
    if q < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if 1.0 < q {
        return (f64::INFINITY, None);
    }
    if buckets.last().is_none_or(|top| top.upper != f64::INFINITY) {
        return (f64::NAN, None);
    }
    let forced = make_monotonic(buckets);
    (monotonic_quantile(q, buckets), forced)
}

fn monotonic_quantile(q: f64, buckets: &[Bucket]) -> f64 {
    let Some(top) = buckets.last().filter(|top| 2 <= buckets.len() && top.count != 0.0 && !top.count.is_nan()) else {
        return f64::NAN;
    };
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
fn fraction(lower: f64, upper: f64, buckets: &mut [Bucket]) -> f64 {
    make_monotonic(buckets);
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
            // Observations in a bucket with an infinite bound count as being at the other one.
            if bucket.upper.is_infinite() {
                return below;
            }
            if start.is_infinite() {
                return bucket.count;
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
        let mut buckets =
            [(0.1, 1.0), (0.5, 3.0), (1.0, 4.0), (f64::INFINITY, 4.0)].map(|(upper, count)| Bucket { upper, count });
        for (q, expected) in [(0.25, 0.1), (0.5, 0.3), (1.0, 1.0), (2.0, f64::INFINITY), (-1.0, f64::NEG_INFINITY)] {
            let (found, forced) = quantile(q, &mut buckets);
            assert!((found - expected).abs() < 1e-12 || found == expected, "{q}");
            assert_eq!(forced, None);
        }
        assert!(quantile(0.5, &mut buckets[..3]).0.is_nan());
    }
}
