//! The operators `</` and `>/`: a histogram without the observations on one side of a value.
//!
//! The bucket that holds the value is cut by interpolation, and the sum is estimated anew from the middles of what is
//! left. Nothing is known about where in a bucket with an infinite bound observations lie, so such a bucket stays or goes
//! as a whole, except that the first of written out bounds is taken to begin at zero where that is possible.

use model::Histogram;

use super::buckets::{Bucket, buckets};
use super::sparse::Sparse;

/// Which observations stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Those up to the value: `</`.
    Below,
    /// Those from the value on: `>/`.
    Above,
}

/// The histogram without the observations beyond `value`.
pub(crate) fn trim(histogram: &Histogram, value: f64, keep: Keep) -> Histogram {
    let linear = histogram.has_custom_bounds();
    let all = buckets(histogram);
    let negatives = histogram.negative_buckets.len();
    let has_zero = 0.0 < histogram.zero_count;
    let populated = |range: &[Bucket]| range.iter().any(|bucket| bucket.count != 0.0);
    let has_negative = populated(&all[..negatives]);
    let has_positive = populated(&all[negatives + usize::from(has_zero)..]);

    let mut trimmed = histogram.clone();
    let (mut count, mut sum, mut changed) = (0.0, 0.0, false);
    for (position, bucket) in all.iter().enumerate().filter(|(_, bucket)| bucket.count != 0.0) {
        let is_zero = has_zero && position == negatives;
        let (kept, middle) = if is_zero {
            part_of_zero(bucket, value, keep, has_negative, has_positive)
        } else {
            part(bucket, value, keep, negatives <= position, linear)
        };
        count += kept;
        sum += middle * kept;
        changed |= kept != bucket.count;
        if is_zero {
            trimmed.zero_count = kept;
        } else if position < negatives {
            // The list runs from the lowest, the stored negative buckets run away from zero.
            trimmed.negative_buckets[negatives - 1 - position] = kept;
        } else {
            trimmed.positive_buckets[position - negatives - usize::from(has_zero)] = kept;
        }
    }
    if !changed {
        return histogram.clone();
    }
    trimmed.count = count;
    trimmed.sum = sum;
    Sparse::<f64>::from(&trimmed).into_histogram()
}

/// How much of a bucket stays, and the middle of what stays.
fn part(bucket: &Bucket, value: f64, keep: Keep, positive: bool, linear: bool) -> (f64, f64) {
    let Bucket { lower, upper, count, .. } = *bucket;
    let (all_stays, some_stays) = match keep {
        Keep::Below => (upper <= value, lower < value),
        Keep::Above => (value <= lower, value < upper),
    };
    if all_stays {
        return (count, middle(lower, upper, positive, linear));
    }
    if !some_stays {
        return (0.0, 0.0);
    }
    if lower.is_infinite() || upper.is_infinite() {
        return part_of_infinite(bucket, value, keep);
    }
    let below = count * share_below(lower, upper, value, positive, linear);
    match keep {
        Keep::Below => (below, middle(lower, value, positive, linear)),
        Keep::Above => (count - below, middle(value, upper, positive, linear)),
    }
}

/// The same for a bucket with an infinite bound that `value` lies in.
fn part_of_infinite(bucket: &Bucket, value: f64, keep: Keep) -> (f64, f64) {
    let Bucket { lower, upper, count, .. } = *bucket;
    if lower == f64::NEG_INFINITY {
        let from_zero = 0.0 < upper && upper.is_finite();
        return match keep {
            Keep::Below if from_zero && 0.0 < value => (count * value / upper, value / 2.0),
            Keep::Below if upper <= 0.0 => (count, value),
            Keep::Above if from_zero && 0.0 <= value => (count * (1.0 - value / upper), f64::midpoint(value, upper)),
            _ => (0.0, 0.0),
        };
    }
    match keep {
        Keep::Below => (0.0, 0.0),
        Keep::Above => (count, value),
    }
}

/// How much of the zero bucket stays; it reaches to one side only if the histogram does.
fn part_of_zero(bucket: &Bucket, value: f64, keep: Keep, has_negative: bool, has_positive: bool) -> (f64, f64) {
    let lower = if has_positive && !has_negative { 0.0 } else { bucket.lower };
    let upper = if has_negative && !has_positive { 0.0 } else { bucket.upper };
    let (none_stays, all_stays) = match keep {
        Keep::Below => (value <= lower, upper <= value),
        Keep::Above => (upper <= value && lower < value, value <= lower),
    };
    if none_stays {
        return (0.0, 0.0);
    }
    if all_stays {
        return (bucket.count, f64::midpoint(lower, upper));
    }
    let (from, to) = if keep == Keep::Below { (lower, value) } else { (value, upper) };
    (bucket.count * ((to - from) / (upper - lower)), f64::midpoint(from, to))
}

/// The share of a bucket's observations that lies below a value in it.
fn share_below(lower: f64, upper: f64, value: f64, positive: bool, linear: bool) -> f64 {
    if linear {
        return (value - lower) / (upper - lower);
    }
    let (low, high, at) = (lower.abs().log2(), upper.abs().log2(), value.abs().log2());
    if positive { (at - low) / (high - low) } else { 1.0 - (at - high) / (low - high) }
}

/// What stands for the observations between two bounds: the arithmetic mean where the scale is linear, else the geometric.
fn middle(lower: f64, upper: f64, positive: bool, linear: bool) -> f64 {
    match (lower.is_infinite(), upper.is_infinite()) {
        (true, true) => 0.0,
        (true, false) if 0.0 < upper => upper / 2.0,
        (true, false) => upper,
        (false, true) => lower,
        (false, false) if linear => f64::midpoint(lower, upper),
        (false, false) => {
            let geometric = (lower * upper).abs().sqrt();
            if positive { geometric } else { -geometric }
        }
    }
}
