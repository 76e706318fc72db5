//! The `Histogram` message, which both versions of remote write share (prometheus/prompb/types.proto and
//! io/prometheus/write/v2/types.proto).

use std::sync::Arc;

use model::{BucketSpan, CUSTOM_BUCKETS_SCHEMA, Histogram, HistogramError, ResetHint};

use protobuf::{Damaged, Fields, Value, repeated, repeated_fixed, unzigzag};

/// The finest schema that is stored; finer ones up to [`SCHEMA_KNOWN_MAX`] are made coarser, as Prometheus does.
const SCHEMA_MAX: i64 = 8;
/// The finest schema that a sender may use.
const SCHEMA_KNOWN_MAX: i64 = 52;

/// The fields as they come.
#[derive(Default)]
struct Raw {
    /// The count as a whole number, which says that the histogram is one of whole numbers.
    whole: Option<u64>,
    count: f64,
    sum: f64,
    schema: i64,
    zero_threshold: f64,
    whole_zero: u64,
    zero: f64,
    negative: Side,
    positive: Side,
    reset_hint: u64,
    at_ms: i64,
    bounds: Vec<f64>,
}

#[derive(Default)]
struct Side {
    spans: Vec<BucketSpan>,
    deltas: Vec<i64>,
    counts: Vec<f64>,
}

/// A histogram and its moment; or why it cannot be one.
pub(crate) fn read(message: &[u8]) -> Result<(i64, Result<Histogram, HistogramError>), Damaged> {
    let mut raw = Raw::default();
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        let value = field.value;
        match field.number {
            1 => raw.whole = Some(value.int().cast_unsigned()),
            2 => raw.count = value.double(),
            3 => raw.sum = value.double(),
            4 => raw.schema = value.zigzag(),
            5 => raw.zero_threshold = value.double(),
            6 => raw.whole_zero = value.int().cast_unsigned(),
            7 => raw.zero = value.double(),
            8 => raw.negative.spans.push(span(value)?),
            9 => repeated(value, &mut raw.negative.deltas, unzigzag)?,
            10 => repeated_fixed(value, &mut raw.negative.counts, f64::from_bits)?,
            11 => raw.positive.spans.push(span(value)?),
            12 => repeated(value, &mut raw.positive.deltas, unzigzag)?,
            13 => repeated_fixed(value, &mut raw.positive.counts, f64::from_bits)?,
            14 => raw.reset_hint = value.int().cast_unsigned(),
            15 => raw.at_ms = value.int(),
            16 => repeated_fixed(value, &mut raw.bounds, f64::from_bits)?,
            _ => {}
        }
    }
    Ok((raw.at_ms, raw.finish()))
}

fn span(value: Value<'_>) -> Result<BucketSpan, Damaged> {
    let Value::Bytes(message) = value else { return Err(Damaged("a span is no message")) };
    let mut span = BucketSpan::default();
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => span.offset = i32::try_from(field.value.zigzag()).map_err(|_cause| Damaged("a span's offset"))?,
            2 => span.length = u32::try_from(field.value.int()).map_err(|_cause| Damaged("a span's length"))?,
            _ => {}
        }
    }
    Ok(span)
}

impl Raw {
    #[expect(clippy::cast_precision_loss, reason = "counts are floating in the model; whole below 2^53")]
    fn finish(self) -> Result<Histogram, HistogramError> {
        let whole = self.whole.is_some();
        let custom = self.schema == i64::from(CUSTOM_BUCKETS_SCHEMA);
        if !custom && !(-4..=SCHEMA_KNOWN_MAX).contains(&self.schema) {
            return Err(HistogramError::Schema(self.schema));
        }
        let steps = if custom { 0 } else { (self.schema - SCHEMA_MAX).max(0) };
        let mut in_buckets = Some(self.whole_zero);
        let positive_buckets = self.positive.buckets(whole, &mut in_buckets)?;
        let negative_buckets = self.negative.buckets(whole, &mut in_buckets)?;
        let mut histogram = Histogram {
            // The schema is one of the few that are known.
            schema: (self.schema - steps) as i8,
            zero_threshold: self.zero_threshold,
            zero_count: if whole { self.whole_zero as f64 } else { self.zero },
            count: self.whole.map_or(self.count, |count| count as f64),
            sum: self.sum,
            positive_spans: self.positive.spans,
            positive_buckets,
            negative_spans: self.negative.spans,
            negative_buckets,
            custom_bounds: (custom || !self.bounds.is_empty()).then(|| Arc::from(self.bounds)),
            reset_hint: match self.reset_hint {
                1 => ResetHint::CounterReset,
                2 => ResetHint::NotCounterReset,
                3 => ResetHint::Gauge,
                _ => ResetHint::Unknown,
            },
        };
        histogram.check()?;
        if let Some(count) = self.whole {
            check_counts(count, in_buckets, histogram.sum)?;
        }
        histogram.schema += steps as i8;
        for _ in 0..steps {
            histogram.halve_resolution();
        }
        Ok(histogram)
    }
}

/// Whether whole counts add up; `buckets` is absent if their sum is no u64. NaN observations are counted, but lie in no
/// bucket.
pub(crate) fn check_counts(count: u64, buckets: Option<u64>, sum: f64) -> Result<(), HistogramError> {
    let buckets = buckets.unwrap_or(u64::MAX);
    match sum.is_nan() {
        _ if count == buckets => Ok(()),
        true if buckets < count => Ok(()),
        true => Err(HistogramError::CountTooSmall { buckets, count }),
        false => Err(HistogramError::CountMismatch { buckets, count }),
    }
}

impl Side {
    /// The counts, absolute; whole ones are added to `sum`, which is lost where it overflows.
    #[expect(clippy::cast_precision_loss, reason = "counts are floating in the model; whole below 2^53")]
    fn buckets(&self, whole: bool, sum: &mut Option<u64>) -> Result<Vec<f64>, HistogramError> {
        if !whole {
            return Ok(self.counts.clone());
        }
        let mut count = 0i64;
        let mut counts = Vec::with_capacity(self.deltas.len());
        for (i, delta) in self.deltas.iter().enumerate() {
            count = count.wrapping_add(*delta);
            let absolute = u64::try_from(count)
                .map_err(|_cause| HistogramError::BucketCount { number: i + 1, count: count as f64 })?;
            *sum = sum.and_then(|sum| sum.checked_add(absolute));
            counts.push(count as f64);
        }
        Ok(counts)
    }
}
