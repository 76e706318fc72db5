//! Whether a counter started anew between two histograms.

use model::{Histogram, ResetHint};

use super::sparse::Sparse;

/// Whether `now`, which follows `before`, started anew: by its hint, or because something in it shrank that cannot, or
/// because it is finer or its zero bucket narrower, which only happens with a new start.
pub fn detects_reset(now: &Histogram, before: &Histogram) -> bool {
    match now.reset_hint {
        ResetHint::CounterReset => return true,
        ResetHint::NotCounterReset => return false,
        ResetHint::Unknown | ResetHint::Gauge => {}
    }
    if now.count < before.count || now.has_custom_bounds() != before.has_custom_bounds() {
        return true;
    }
    let (mut current, mut previous) = (Sparse::<f64>::from(now), Sparse::<f64>::from(before));
    if now.has_custom_bounds() {
        current.agree_on_bounds(&mut previous);
        return current.any_bucket_below(&previous);
    }
    if before.schema < now.schema || now.zero_threshold < before.zero_threshold {
        return true;
    }
    if before.zero_threshold != now.zero_threshold {
        previous.widen_zero(now.zero_threshold);
    }
    let ((threshold, zero), (previous_threshold, previous_zero)) = (current.zero(), previous.zero());
    // A populated bucket of the one before reached beyond the zero bucket of this one.
    if previous_threshold != threshold || zero < previous_zero {
        return true;
    }
    previous.reduce_to(current.schema());
    current.any_bucket_below(&previous)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::BucketSpan;

    fn histogram(schema: i8, threshold: f64, zero: f64, counts: &[f64]) -> Histogram {
        Histogram {
            schema,
            zero_threshold: threshold,
            zero_count: zero,
            count: zero + counts.iter().sum::<f64>(),
            positive_spans: vec![BucketSpan { offset: 0, length: counts.len() as u32 }],
            positive_buckets: counts.to_vec(),
            ..Histogram::default()
        }
    }

    #[test]
    fn what_shrinks_has_started_anew() {
        let check = |before: (i8, f64, f64, &[f64]), now: (i8, f64, f64, &[f64]), expected| {
            let (before, now) = [before, now]
                .map(|(schema, threshold, zero, counts)| histogram(schema, threshold, zero, counts))
                .into();
            assert_eq!(detects_reset(&now, &before), expected, "{before:?} {now:?}");
        };
        check((0, 0.1, 1.0, &[1.0, 2.0]), (0, 0.1, 1.0, &[1.0, 3.0]), false);
        check((0, 0.1, 1.0, &[1.0, 2.0]), (0, 0.1, 3.0, &[1.0, 1.0]), true);
        check((0, 0.1, 1.0, &[1.0, 2.0]), (1, 0.1, 1.0, &[1.0, 3.0]), true);
        check((1, 0.1, 1.0, &[1.0, 2.0, 3.0]), (0, 0.1, 1.0, &[1.0, 5.0]), false);
        check((0, 0.1, 1.0, &[1.0, 2.0]), (0, 0.01, 1.0, &[1.0, 3.0]), true);
        check((0, 0.1, 1.0, &[1.0, 2.0]), (0, 1.0, 2.0, &[0.0, 2.0]), false);
        check((0, 0.1, 1.0, &[1.0, 2.0]), (0, 0.7, 2.0, &[0.0, 2.0]), true);
    }
}
