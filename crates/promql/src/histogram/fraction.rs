//! `histogram_fraction` of a native histogram.

use model::Histogram;

use super::buckets::{Bucket, buckets};

/// The share of observations between two values. Observations that are no number belong to no range.
pub(crate) fn fraction(lower: f64, upper: f64, histogram: &Histogram) -> f64 {
    if histogram.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if upper <= lower {
        return 0.0;
    }
    let all = buckets(histogram);
    (rank_of(upper, &all, histogram) - rank_of(lower, &all, histogram)) / histogram.count
}

/// How many observations lie below `value`.
fn rank_of(value: f64, all: &[Bucket], histogram: &Histogram) -> f64 {
    let custom = histogram.has_custom_bounds();
    let mut rank = 0.0;
    for bucket in all {
        let (mut low, mut high) = (bucket.lower, bucket.upper);
        let around_zero = low <= 0.0 && 0.0 <= high;
        if custom {
            if low == f64::NEG_INFINITY && 0.0 < high {
                low = 0.0;
            }
        } else if around_zero {
            match (histogram.negative_buckets.is_empty(), histogram.positive_buckets.is_empty()) {
                (true, false) => low = 0.0,
                (false, true) => high = 0.0,
                _ => {}
            }
        }
        if value <= low {
            return at_most(rank, histogram);
        }
        if value < high {
            // Nothing is known about where in a bucket with an infinite bound the observations lie: they count as being at
            // the other bound.
            let share = if high.is_infinite() {
                0.0
            } else if low.is_infinite() {
                1.0
            } else if custom || around_zero {
                (value - low) / (high - low)
            } else {
                let (log_low, log_high, log_value) = (low.abs().log2(), high.abs().log2(), value.abs().log2());
                if 0.0 < value {
                    (log_value - log_low) / (log_high - log_low)
                } else {
                    1.0 - (log_value - log_high) / (log_low - log_high)
                }
            };
            return at_most(rank + bucket.count * share, histogram);
        }
        rank += bucket.count;
    }
    if histogram.sum.is_nan() { at_most(rank, histogram) } else { histogram.count }
}

/// Rounding may give a rank beyond the count.
fn at_most(rank: f64, histogram: &Histogram) -> f64 {
    if histogram.count < rank { histogram.count } else { rank }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{BucketSpan, CUSTOM_BUCKETS_SCHEMA};
    use std::sync::Arc;

    #[test]
    fn shares_of_written_out_buckets() {
        let histogram = Histogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            count: 8.0,
            positive_spans: vec![BucketSpan { offset: 0, length: 4 }],
            positive_buckets: vec![1.0, 2.0, 2.0, 3.0],
            custom_bounds: Some(Arc::from([-5.0, 0.0, 10.0])),
            ..Histogram::default()
        };
        for (lower, upper, expected) in [
            (f64::NEG_INFINITY, f64::INFINITY, 1.0),
            (f64::NEG_INFINITY, -7.0, 0.125),
            (-7.0, -5.0, 0.0),
            (-2.5, 5.0, 0.25),
            (20.0, f64::INFINITY, 0.375),
            (5.0, 20.0, 0.125),
            (3.0, 3.0, 0.0),
        ] {
            assert_eq!(fraction(lower, upper, &histogram), expected, "{lower} {upper}");
        }
        assert!(fraction(f64::NAN, 1.0, &histogram).is_nan());
    }
}
