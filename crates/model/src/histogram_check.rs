//! Whether a native histogram's parts fit together.

use thiserror::Error;

use crate::{BucketSpan, CUSTOM_BUCKETS_SCHEMA, Histogram};

/// Why a native histogram cannot be. The texts are Prometheus' (`model/histogram`).
#[derive(Clone, Copy, Debug, Error, PartialEq)]
pub enum HistogramError {
    /// The schema is none that is known.
    #[error(
        "histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, or {CUSTOM_BUCKETS_SCHEMA} \
         for custom buckets, got schema {0}"
    )]
    Schema(i64),
    /// More or fewer buckets than the spans say.
    #[error(
        "spans need {spans} buckets, have {buckets} buckets: histogram spans specify different number of buckets than \
         provided"
    )]
    SpansBuckets {
        /// Buckets in the spans.
        spans: u64,
        /// Buckets there are.
        buckets: usize,
    },
    /// A span that lies before the end of the one before.
    #[error("span number {number} with offset {offset}: histogram has a span whose offset is negative")]
    SpanOffset {
        /// Which, counted from 1.
        number: usize,
        /// Its offset.
        offset: i32,
    },
    /// A bucket with less than nothing in it.
    #[error(
        "bucket number {number} has observation count of {count}: histogram has a bucket whose observation count is \
         negative"
    )]
    BucketCount {
        /// Which, counted from 1.
        number: usize,
        /// Its count.
        count: f64,
    },
    /// The buckets have more observations than the histogram.
    #[error(
        "{buckets} observations found in buckets, but the Count field is {count}: histogram's observation count should be \
         at least the number of observations found in the buckets"
    )]
    CountTooSmall {
        /// In the buckets.
        buckets: u64,
        /// In all.
        count: u64,
    },
    /// The buckets have not as many observations as the histogram.
    #[error(
        "{buckets} observations found in buckets, but the Count field is {count}: histogram's observation count should \
         equal the number of observations found in the buckets (in absence of NaN)"
    )]
    CountMismatch {
        /// In the buckets.
        buckets: u64,
        /// In all.
        count: u64,
    },
    /// A bound that is not larger than the one before.
    #[error(
        "custom buckets: previous bound is {previous:.6} and current is {bound:.6}: histogram custom bounds must be in \
         strictly increasing order"
    )]
    Bounds {
        /// The one before.
        previous: f64,
        /// The bound.
        bound: f64,
    },
    /// A bound of +Inf or NaN.
    #[error("custom buckets: histogram custom bounds must be finite")]
    BoundNotFinite,
    /// Fewer bounds than buckets.
    #[error(
        "custom buckets: only {bounds} custom bounds defined which is insufficient to cover total span length of {reach}: \
         histogram custom bounds are too few"
    )]
    BoundsTooFew {
        /// Bounds there are.
        bounds: usize,
        /// Buckets the spans reach to.
        reach: u64,
    },
    /// Bounds that are written out, and something that goes with exponential ones only.
    #[error("custom buckets: must {0}")]
    CustomWith(&'static str),
    /// Bounds that are written out for a schema whose bounds follow from it.
    #[error("histogram with exponential schema must not have custom bounds")]
    ExponentialWithBounds,
}

impl Histogram {
    /// Whether its parts fit together, as Prometheus' `FloatHistogram.Validate` sees it. The observations of the buckets
    /// are not counted: floating counts need not add up.
    ///
    /// # Errors
    /// They do not.
    pub fn check(&self) -> Result<(), HistogramError> {
        if self.has_custom_bounds() {
            self.check_custom()?;
        } else if (-4..=8).contains(&self.schema) {
            check_spans(&self.positive_spans, self.positive_buckets.len(), 1)?;
            check_spans(&self.negative_spans, self.negative_buckets.len(), 1)?;
            check_buckets(&self.negative_buckets)?;
            if self.custom_bounds.is_some() {
                return Err(HistogramError::ExponentialWithBounds);
            }
        } else {
            return Err(HistogramError::Schema(self.schema.into()));
        }
        check_buckets(&self.positive_buckets)
    }

    fn check_custom(&self) -> Result<(), HistogramError> {
        let bounds = self.custom_bounds.as_deref().unwrap_or_default();
        let mut previous = f64::NEG_INFINITY;
        for bound in bounds.iter().copied() {
            if bound.is_nan() || bound == f64::INFINITY {
                return Err(HistogramError::BoundNotFinite);
            }
            if bound <= previous {
                return Err(HistogramError::Bounds { previous, bound });
            }
            previous = bound;
        }
        check_spans(&self.positive_spans, self.positive_buckets.len(), 0)?;
        let reach =
            self.positive_spans.iter().map(|span| u64::from(span.length) + u64::from(span.offset.unsigned_abs())).sum();
        if bounds.len() as u64 + 1 < reach {
            return Err(HistogramError::BoundsTooFew { bounds: bounds.len(), reach });
        }
        for (wrong, what) in [
            (self.zero_count != 0.0, "have zero count of 0"),
            (self.zero_threshold != 0.0, "have zero threshold of 0"),
            (!self.negative_spans.is_empty(), "not have negative spans"),
            (!self.negative_buckets.is_empty(), "not have negative buckets"),
        ] {
            if wrong {
                return Err(HistogramError::CustomWith(what));
            }
        }
        Ok(())
    }
}

/// Spans whose offset is not negative, the first `free` ones excepted, and which have as many buckets as there are.
fn check_spans(spans: &[BucketSpan], buckets: usize, free: usize) -> Result<(), HistogramError> {
    for (i, span) in spans.iter().enumerate().skip(free) {
        if span.offset < 0 {
            return Err(HistogramError::SpanOffset { number: i + 1, offset: span.offset });
        }
    }
    let in_spans = spans.iter().map(|span| u64::from(span.length)).sum();
    if in_spans != buckets as u64 {
        return Err(HistogramError::SpansBuckets { spans: in_spans, buckets });
    }
    Ok(())
}

fn check_buckets(buckets: &[f64]) -> Result<(), HistogramError> {
    match buckets.iter().position(|count| *count < 0.0) {
        Some(at) => Err(HistogramError::BucketCount { number: at + 1, count: buckets[at] }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_do_not_fit_are_named() {
        let span = |offset, length| BucketSpan { offset, length };
        let good = Histogram {
            count: 3.0,
            positive_spans: vec![span(-2, 1), span(1, 1)],
            positive_buckets: vec![1.0, 2.0],
            ..Histogram::default()
        };
        let custom = Histogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            positive_spans: vec![span(0, 2)],
            positive_buckets: vec![1.0, 2.0],
            custom_bounds: Some([0.5].into()),
            ..Histogram::default()
        };
        let check = |histogram: Histogram, expected: &str| match histogram.check() {
            Ok(()) => assert_eq!(expected, "", "{histogram:?}"),
            Err(error) => assert!(!expected.is_empty() && error.to_string().contains(expected), "{error}"),
        };
        check(good.clone(), "");
        check(custom.clone(), "");
        check(Histogram::stale(), "");
        check(Histogram { schema: 9, ..good.clone() }, "got schema 9");
        check(Histogram { positive_buckets: vec![1.0], ..good.clone() }, "spans need 2 buckets, have 1 buckets");
        check(
            Histogram { positive_buckets: vec![1.0, -1.0], ..good.clone() },
            "bucket number 2 has observation count of -1",
        );
        check(
            Histogram { positive_spans: vec![span(0, 1), span(-1, 1)], ..good.clone() },
            "span number 2 with offset -1",
        );
        check(Histogram { custom_bounds: Some([0.5].into()), ..good }, "must not have custom bounds");
        check(Histogram { custom_bounds: Some([2.0, 1.0].into()), ..custom.clone() }, "strictly increasing");
        check(Histogram { custom_bounds: Some([f64::INFINITY].into()), ..custom.clone() }, "finite");
        check(Histogram { custom_bounds: None, ..custom.clone() }, "only 0 custom bounds");
        check(Histogram { zero_count: 1.0, ..custom }, "must have zero count of 0");
    }
}
