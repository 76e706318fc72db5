//! The native part of a `Histogram` message.

use model::{BucketSpan, Histogram, HistogramError, ResetHint};
use protobuf::{Damaged, Field, Fields, Value, repeated, repeated_fixed, unzigzag};

/// The finest and the coarsest resolution that is stored.
const SCHEMAS: std::ops::RangeInclusive<i64> = -4..=8;
/// The finest resolution that may be sent; what is finer than is stored is made coarser, as Prometheus does.
const SCHEMA_SENT_MAX: i64 = 52;
/// Indexes of buckets lie between minus this and this: the finest schema has 2^8 buckets for each power of two, of which
/// floats have about 2^11, and finer ones that are sent have more.
const INDEX_MAX: i64 = i32::MAX as i64;

/// The fields as they come.
#[derive(Debug, Default)]
pub(crate) struct Native {
    whole_count: u64,
    float_count: f64,
    pub(crate) sum: f64,
    schema: i64,
    zero_threshold: f64,
    whole_zero: u64,
    float_zero: f64,
    negative: Side,
    positive: Side,
}

#[derive(Debug, Default)]
struct Side {
    spans: Vec<BucketSpan>,
    deltas: Vec<i64>,
    counts: Vec<f64>,
}

impl Native {
    /// Takes a field of the message, if it belongs here.
    pub(crate) fn take(&mut self, field: &Field<'_>) -> Result<(), Damaged> {
        let value = field.value;
        match field.number {
            1 => self.whole_count = value.int().cast_unsigned(),
            2 => self.sum = value.double(),
            4 => self.float_count = value.double(),
            5 => self.schema = value.zigzag(),
            6 => self.zero_threshold = value.double(),
            7 => self.whole_zero = value.int().cast_unsigned(),
            8 => self.float_zero = value.double(),
            9 => self.negative.spans.push(span(value)?),
            10 => repeated(value, &mut self.negative.deltas, unzigzag)?,
            11 => repeated_fixed(value, &mut self.negative.counts, f64::from_bits)?,
            12 => self.positive.spans.push(span(value)?),
            13 => repeated(value, &mut self.positive.deltas, unzigzag)?,
            14 => repeated_fixed(value, &mut self.positive.counts, f64::from_bits)?,
            _ => {}
        }
        Ok(())
    }

    /// All observations.
    #[expect(clippy::cast_precision_loss, reason = "values are floats; exact below 2^53")]
    pub(crate) fn count(&self) -> f64 {
        if self.float_count == 0.0 { self.whole_count as f64 } else { self.float_count }
    }

    /// Whether it is more than a classic histogram. A client that has nothing to say yet adds a span without buckets.
    pub(crate) fn is_native(&self) -> bool {
        !self.positive.spans.is_empty()
            || !self.negative.spans.is_empty()
            || 0.0 < self.zero_threshold
            || 0 < self.whole_zero
    }

    /// The histogram.
    #[expect(clippy::cast_precision_loss, reason = "counts are floating in the model; whole below 2^53")]
    pub(crate) fn finish(self, gauge: bool) -> Result<Histogram, String> {
        if self.schema < *SCHEMAS.start() || SCHEMA_SENT_MAX < self.schema {
            return Err(HistogramError::Schema(self.schema).to_string());
        }
        let floating = 0.0 < self.float_count || 0.0 < self.float_zero;
        let steps = (self.schema - SCHEMAS.end()).max(0);
        let (positive_spans, positive_buckets) = self.positive.finish(floating)?;
        let (negative_spans, negative_buckets) = self.negative.finish(floating)?;
        let mut histogram = Histogram {
            // Between the coarsest and the finest that is stored.
            schema: (self.schema - steps) as i8,
            zero_threshold: self.zero_threshold,
            zero_count: if floating { self.float_zero } else { self.whole_zero as f64 },
            count: if floating { self.float_count } else { self.whole_count as f64 },
            sum: self.sum,
            positive_spans,
            positive_buckets,
            negative_spans,
            negative_buckets,
            custom_bounds: None,
            reset_hint: if gauge { ResetHint::Gauge } else { ResetHint::Unknown },
        };
        histogram.check().map_err(|error| error.to_string())?;
        if !floating {
            check_count(&histogram).map_err(|error| error.to_string())?;
        }
        histogram.schema += steps as i8;
        for _ in 0..steps {
            histogram.halve_resolution();
        }
        histogram.compact();
        Ok(histogram)
    }
}

/// Whether the buckets of a histogram of whole numbers hold what was observed; NaN is in no bucket.
fn check_count(histogram: &Histogram) -> Result<(), HistogramError> {
    let counts = histogram.positive_buckets.iter().chain(&histogram.negative_buckets);
    // Whole and not negative, as was checked.
    let (buckets, count) = ((histogram.zero_count + counts.sum::<f64>()) as u64, histogram.count as u64);
    match (histogram.sum.is_nan(), count) {
        (true, count) if count < buckets => Err(HistogramError::CountTooSmall { buckets, count }),
        (false, count) if count != buckets => Err(HistogramError::CountMismatch { buckets, count }),
        _ => Ok(()),
    }
}

impl Side {
    /// Spans and absolute counts that belong together.
    #[expect(clippy::cast_precision_loss, reason = "counts are floating in the model; whole below 2^53")]
    fn finish(self, floating: bool) -> Result<(Vec<BucketSpan>, Vec<f64>), String> {
        let counts = if floating {
            self.counts
        } else {
            let mut count = 0i64;
            let sums = self.deltas.iter().map(|delta| {
                count = count.wrapping_add(*delta);
                count as f64
            });
            sums.collect()
        };
        let mut end = 0i64;
        for span in &self.spans {
            end += i64::from(span.offset) + i64::from(span.length);
            if end.abs() > INDEX_MAX {
                return Err("a bucket's index is out of range".to_owned());
            }
        }
        Ok((self.spans, counts))
    }
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
