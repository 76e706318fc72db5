//! `histogram_quantile` of a native histogram.

use model::Histogram;

use super::buckets::{Bucket, buckets};

/// What observations that are no number did to a quantile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NanObservations {
    /// There are none.
    None,
    /// The quantile falls among them.
    Result,
    /// They count as the highest, so the quantile is too high.
    Skew,
}

/// The `q`-quantile: linear inside the zero bucket and inside written out bounds, else on a logarithmic scale.
pub(crate) fn quantile(q: f64, histogram: &Histogram) -> (f64, NanObservations) {
    let plain = |value| (value, NanObservations::None);
    if q < 0.0 {
        return plain(f64::NEG_INFINITY);
    }
    if 1.0 < q {
        return plain(f64::INFINITY);
    }
    if histogram.count == 0.0 || q.is_nan() {
        return plain(f64::NAN);
    }
    let has_nan = histogram.sum.is_nan();
    // Going from the nearer end loses less to rounding. Observations that are no number are in no bucket but in the count,
    // as if they lay above everything, so with them there is only one end to start from.
    let forward = has_nan || q < 0.5;
    let mut all = buckets(histogram);
    all.retain(|bucket| bucket.count != 0.0);
    if !forward {
        all.reverse();
    }
    let mut rank = if forward { q } else { 1.0 - q } * histogram.count;
    let mut count = 0.0;
    let mut found: Option<Bucket> = None;
    for bucket in all {
        count += bucket.count;
        found = Some(bucket);
        if rank <= count {
            break;
        }
    }
    let Some(bucket) = found else { return (f64::NAN, NanObservations::Result) };
    let bucket = match one_sided(bucket, histogram) {
        Ok(bucket) => bucket,
        Err(value) => return plain(value),
    };
    count = count.min(histogram.count);
    if count < rank {
        return if has_nan { (f64::NAN, NanObservations::Result) } else { plain(bucket.upper) };
    }
    rank = if forward { rank - (count - bucket.count) } else { count - rank };
    let nan = if has_nan { NanObservations::Skew } else { NanObservations::None };
    (interpolate(&bucket, rank / bucket.count, histogram.has_custom_bounds()), nan)
}

/// The bucket with a bound moved to zero where the histogram lies on one side of it, or the value itself where a bound is
/// infinite.
fn one_sided(mut bucket: Bucket, histogram: &Histogram) -> Result<Bucket, f64> {
    if histogram.has_custom_bounds() {
        if bucket.lower == f64::NEG_INFINITY {
            if bucket.upper <= 0.0 {
                return Err(bucket.upper);
            }
            bucket.lower = 0.0;
        }
        if bucket.upper == f64::INFINITY {
            return Err(bucket.lower);
        }
    } else if bucket.lower < 0.0 && 0.0 < bucket.upper {
        match (histogram.negative_buckets.is_empty(), histogram.positive_buckets.is_empty()) {
            (true, false) => bucket.lower = 0.0,
            (false, true) => bucket.upper = 0.0,
            _ => {}
        }
    }
    Ok(bucket)
}

fn interpolate(bucket: &Bucket, fraction: f64, linear: bool) -> f64 {
    if linear || (bucket.lower <= 0.0 && 0.0 <= bucket.upper) {
        return bucket.lower + (bucket.upper - bucket.lower) * fraction;
    }
    let (lower, upper) = (bucket.lower.abs().log2(), bucket.upper.abs().log2());
    if 0.0 < bucket.lower {
        (lower + (upper - lower) * fraction).exp2()
    } else {
        -(upper + (lower - upper) * (1.0 - fraction)).exp2()
    }
}
