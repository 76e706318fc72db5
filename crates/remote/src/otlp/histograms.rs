//! Points of histograms: explicit ones become classic series or native histograms with custom buckets, exponential ones
//! native histograms.

use std::sync::Arc;

use model::{CUSTOM_BUCKETS_SCHEMA, Exemplar, Histogram, HistogramError, STALE_NAN, Timestamp, spans_of};

use super::metric::Metric;
use super::points::{decimal, is_end, to_ms};
use super::{attributes, exemplars};
use crate::error::WriteError;
use crate::histogram::check_counts;
use crate::request::Request;
use protobuf::{Damaged, Fields, Value, repeated, repeated_fixed};

/// The coarsest and the finest schema of native histograms.
const SCHEMAS: (i64, i64) = (-4, 8);
/// Prometheus' zero threshold where OTLP's is not used.
const ZERO_THRESHOLD: f64 = 1e-128;
/// Empty buckets between others that do not begin a new span.
const GAP_MAX: i64 = 2;

/// What both kinds have.
#[derive(Default)]
struct Point {
    attributes: Vec<attributes::Attribute>,
    at: Timestamp,
    count: u64,
    sum: Option<f64>,
    ended: bool,
    exemplars: Vec<Exemplar>,
}

/// Reads a `HistogramDataPoint`.
pub(crate) fn read_explicit(
    message: &[u8],
    metric: &mut Metric<'_>,
    request: &mut Request<'_>,
) -> Result<(), WriteError> {
    let mut point = Point::default();
    let (mut counts, mut bounds) = (Vec::new(), Vec::new());
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match (field.number, field.value) {
            (3, nanoseconds) => point.at = to_ms(nanoseconds),
            (4, number) => point.count = number.int().cast_unsigned(),
            (5, number) => point.sum = Some(number.double()),
            (6, numbers) => repeated_fixed(numbers, &mut counts, |number| number)?,
            (7, numbers) => repeated_fixed(numbers, &mut bounds, f64::from_bits)?,
            (8, Value::Bytes(example)) => point.exemplars.push(exemplars::read(example)?),
            (9, Value::Bytes(attribute)) => point.attributes.push(attributes::read(attribute)?),
            (10, flags) => point.ended = is_end(flags),
            _ => {}
        }
    }
    if metric.config.convert_histograms_to_nhcb {
        let histogram = with_custom_buckets(&point, &counts, &bounds);
        return add_native(point, histogram, metric, request);
    }
    add_classic(point, &counts, &bounds, metric, request)
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus' values are floating")]
fn add_classic(
    mut point: Point,
    counts: &[u64],
    bounds: &[f64],
    metric: &mut Metric<'_>,
    request: &mut Request<'_>,
) -> Result<(), WriteError> {
    let at = point.at;
    let labels = metric.labels(std::mem::take(&mut point.attributes), at);
    let value = |value| if point.ended { STALE_NAN } else { value };
    if let Some(sum) = point.sum {
        metric.sample(&labels, "_sum", None, at, value(sum), request)?;
    }
    metric.sample(&labels, "_count", None, at, value(point.count as f64), request)?;
    let mut cumulative = 0u64;
    let buckets = bounds.iter().zip(counts).map(|(bound, count)| (*bound, Some(*count)));
    let mut below = f64::NEG_INFINITY;
    for (bound, count) in buckets.chain([(f64::INFINITY, None)]) {
        cumulative = count.map_or(point.count, |count| cumulative.saturating_add(count));
        let le = decimal(bound);
        let extra = Some((model::BUCKET_LE, le.as_str()));
        let cursor = metric.sample(&labels, "_bucket", extra, at, value(cumulative as f64), request)?;
        if let Some(cursor) = cursor {
            for exemplar in point.exemplars.iter().filter(|e| below < e.value && e.value <= bound) {
                request.exemplar(&cursor, exemplar.clone())?;
            }
        }
        below = bound;
    }
    Ok(())
}

/// Reads an `ExponentialHistogramDataPoint`.
pub(crate) fn read_exponential(
    message: &[u8],
    metric: &mut Metric<'_>,
    request: &mut Request<'_>,
) -> Result<(), WriteError> {
    let mut point = Point::default();
    let (mut scale, mut zero_count, mut zero_threshold) = (0, 0, 0.0);
    let (mut positive, mut negative) = (Buckets::default(), Buckets::default());
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match (field.number, field.value) {
            (1, Value::Bytes(attribute)) => point.attributes.push(attributes::read(attribute)?),
            (3, nanoseconds) => point.at = to_ms(nanoseconds),
            (4, number) => point.count = number.int().cast_unsigned(),
            (5, number) => point.sum = Some(number.double()),
            (6, number) => scale = number.zigzag(),
            (7, number) => zero_count = number.int().cast_unsigned(),
            (8, Value::Bytes(message)) => positive = Buckets::read(message)?,
            (9, Value::Bytes(message)) => negative = Buckets::read(message)?,
            (10, flags) => point.ended = is_end(flags),
            (11, Value::Bytes(example)) => point.exemplars.push(exemplars::read(example)?),
            (14, number) => zero_threshold = number.double(),
            _ => {}
        }
    }
    if scale < SCHEMAS.0 {
        let name = metric.name();
        request.refuse(1, || {
            format!(
                "cannot convert exponential to native histogram. Scale must be >= -4, was {scale} (metric {name:?})"
            )
        });
        return Ok(());
    }
    let schema = scale.min(SCHEMAS.1);
    // Bucket 0 of OTLP is (1, base], that of Prometheus (1/base, 1].
    let (positive_spans, positive_buckets) = positive.layout(scale - schema, 1);
    let (negative_spans, negative_buckets) = negative.layout(scale - schema, 1);
    #[expect(clippy::cast_precision_loss, reason = "Prometheus' counts are floating")]
    let histogram = Histogram {
        // Between the two that are possible.
        schema: schema as i8,
        zero_threshold: if 0.0 < zero_threshold { zero_threshold } else { ZERO_THRESHOLD },
        zero_count: zero_count as f64,
        count: point.count as f64,
        sum: point.sum.unwrap_or_default(),
        positive_spans,
        positive_buckets,
        negative_spans,
        negative_buckets,
        ..Histogram::default()
    };
    let in_buckets = positive.counts.iter().chain(&negative.counts).try_fold(zero_count, |a, b| a.checked_add(*b));
    let checked = check_counts(point.count, in_buckets, histogram.sum).and_then(|()| histogram.check());
    add_native(point, checked.map(|()| histogram), metric, request)
}

/// An explicit histogram as a native one with the same bounds.
#[expect(clippy::cast_precision_loss, reason = "Prometheus' counts are floating")]
fn with_custom_buckets(point: &Point, counts: &[u64], bounds: &[f64]) -> Result<Histogram, HistogramError> {
    let buckets = Buckets { offset: 0, counts: counts.to_vec() };
    let (positive_spans, positive_buckets) = buckets.layout(0, 0);
    let histogram = Histogram {
        schema: CUSTOM_BUCKETS_SCHEMA,
        count: point.count as f64,
        sum: point.sum.unwrap_or_default(),
        positive_spans,
        positive_buckets,
        custom_bounds: Some(Arc::from(bounds)),
        ..Histogram::default()
    };
    let in_buckets = counts.iter().try_fold(0u64, |a, b| a.checked_add(*b));
    check_counts(point.count, in_buckets, histogram.sum)?;
    histogram.check()?;
    Ok(histogram)
}

fn add_native(
    mut point: Point,
    histogram: Result<Histogram, HistogramError>,
    metric: &mut Metric<'_>,
    request: &mut Request<'_>,
) -> Result<(), WriteError> {
    let labels = metric.labels(std::mem::take(&mut point.attributes), point.at);
    let histogram = match histogram {
        _ if point.ended => Histogram::stale(),
        Ok(histogram) => histogram,
        Err(error) => {
            let name = metric.name();
            request.refuse(1, || format!("{error} (metric {name:?})"));
            return Ok(());
        }
    };
    if let Some(mut cursor) = metric.series(&labels, "", None, request)? {
        request.histogram(&mut cursor, point.at.as_ms(), histogram)?;
        for exemplar in point.exemplars {
            request.exemplar(&cursor, exemplar)?;
        }
    }
    Ok(())
}

/// Consecutive buckets.
#[derive(Default)]
struct Buckets {
    offset: i64,
    counts: Vec<u64>,
}

impl Buckets {
    fn read(message: &[u8]) -> Result<Self, Damaged> {
        let mut buckets = Self::default();
        let mut fields = Fields::new(message);
        while let Some(field) = fields.next()? {
            match field.number {
                1 => {
                    let offset = i32::try_from(field.value.zigzag());
                    buckets.offset = offset.map_err(|_cause| Damaged("an offset of buckets"))?.into();
                }
                2 => repeated(field.value, &mut buckets.counts, |number| number)?,
                _ => {}
            }
        }
        Ok(buckets)
    }

    /// Spans and counts, `2^halvings` buckets in one, all of them moved by `shift`. Empty buckets are left out but in small
    /// gaps.
    #[expect(clippy::cast_precision_loss, reason = "Prometheus' counts are floating")]
    fn layout(&self, halvings: i64, shift: i64) -> (Vec<model::BucketSpan>, Vec<f64>) {
        let halvings = halvings.clamp(0, 63);
        let mut sparse: Vec<(i64, f64)> = Vec::new();
        for (index, count) in (self.offset..).zip(&self.counts).filter(|(_, count)| 0 < **count) {
            let index = (index >> halvings) + shift;
            match sparse.last_mut() {
                Some((last, sum)) if *last == index => *sum += *count as f64,
                Some((last, _)) => {
                    let from = *last + 1;
                    if index - from <= GAP_MAX {
                        sparse.extend((from..index).map(|index| (index, 0.0)));
                    }
                    sparse.push((index, *count as f64));
                }
                None => sparse.push((index, *count as f64)),
            }
        }
        spans_of(&sparse)
    }
}

#[cfg(test)]
mod tests {
    use model::BucketSpan;

    use super::*;

    #[test]
    fn buckets_are_laid_out() {
        let check = |offset, counts: &[u64], halvings, shift, spans: &[(i32, u32)], expected: &[f64]| {
            let buckets = Buckets { offset, counts: counts.to_vec() };
            let spans: Vec<_> =
                spans.iter().map(|(offset, length)| BucketSpan { offset: *offset, length: *length }).collect();
            assert_eq!(buckets.layout(halvings, shift), (spans, expected.to_vec()));
        };
        check(0, &[1, 2], 0, 1, &[(1, 2)], &[1.0, 2.0]);
        check(-3, &[0, 1, 0, 0, 2, 0, 0, 0, 3, 0], 0, 1, &[(-1, 4), (3, 1)], &[1.0, 0.0, 0.0, 2.0, 3.0]);
        // OTLP's 0 to 3 at twice the resolution are 0, 0, 1, 1: Prometheus' 1, 1, 2, 2.
        check(0, &[1, 2, 3, 4], 1, 1, &[(1, 2)], &[3.0, 7.0]);
        check(-2, &[1, 2, 3], 1, 1, &[(0, 2)], &[3.0, 3.0]);
        check(0, &[1, 1], 4_000_000_000, 1, &[(1, 1)], &[2.0]);
        check(0, &[0, 0], 0, 0, &[], &[]);
    }
}
