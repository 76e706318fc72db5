//! The buckets of a native histogram with their bounds.

use model::Histogram;

/// A bucket: observations between two bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// The lower bound.
    pub lower: f64,
    /// The upper bound.
    pub upper: f64,
    /// Whether an observation of just the lower bound belongs here.
    pub lower_inclusive: bool,
    /// Whether an observation of just the upper bound belongs here.
    pub upper_inclusive: bool,
    /// How many.
    pub count: f64,
}

impl Bucket {
    /// The first number of a bucket in Prometheus' API: 0 for open on the left, 1 for open on the right, 2 for open on
    /// both sides, 3 for closed on both sides.
    pub const fn boundary_rule(&self) -> u8 {
        match (self.lower_inclusive, self.upper_inclusive) {
            (false, true) => 0,
            (true, false) => 1,
            (false, false) => 2,
            (true, true) => 3,
        }
    }
}

/// The buckets from the lowest to the highest: negative ones, the zero bucket if it is populated, positive ones. Empty
/// buckets inside spans are among them.
pub fn buckets(histogram: &Histogram) -> Vec<Bucket> {
    let mut found = Vec::with_capacity(histogram.negative_buckets.len() + 1 + histogram.positive_buckets.len());
    let negative = indexed(&histogram.negative_spans, &histogram.negative_buckets);
    found.extend(negative.map(|(index, count)| Bucket {
        lower: -bound(index, histogram.schema),
        upper: -bound(index - 1, histogram.schema),
        lower_inclusive: true,
        upper_inclusive: false,
        count,
    }));
    found.reverse();
    if 0.0 < histogram.zero_count {
        found.push(Bucket {
            lower: -histogram.zero_threshold,
            upper: histogram.zero_threshold,
            lower_inclusive: true,
            upper_inclusive: true,
            count: histogram.zero_count,
        });
    }
    let positive = indexed(&histogram.positive_spans, &histogram.positive_buckets);
    match &histogram.custom_bounds {
        Some(bounds) if histogram.has_custom_bounds() => found.extend(positive.map(|(index, count)| Bucket {
            lower: custom_bound(bounds, index - 1),
            upper: custom_bound(bounds, index),
            lower_inclusive: index == 0,
            upper_inclusive: true,
            count,
        })),
        _ => found.extend(positive.map(|(index, count)| Bucket {
            lower: bound(index - 1, histogram.schema),
            upper: bound(index, histogram.schema),
            lower_inclusive: false,
            upper_inclusive: true,
            count,
        })),
    }
    found
}

/// Counts with the indices that the spans give them.
pub(super) fn indexed<'a>(spans: &'a [model::BucketSpan], counts: &'a [f64]) -> impl Iterator<Item = (i32, f64)> + 'a {
    let indices = spans.iter().scan(0i32, |next, span| {
        let from = next.saturating_add(span.offset);
        *next = from.saturating_add_unsigned(span.length);
        Some(from..*next)
    });
    indices.flatten().zip(counts.iter().copied())
}

/// The upper bound of the positive bucket `index`: `2^(index * 2^-schema)`. What would be 2^1024 is the greatest float.
pub(super) fn bound(index: i32, schema: i8) -> f64 {
    let exponent = f64::from(index) * (-f64::from(schema)).exp2();
    if exponent == 1024.0 { f64::MAX } else { exponent.exp2() }
}

/// The upper bound of the bucket `index` of written out bounds: -Inf before the first, +Inf after the last.
pub(super) fn custom_bound(bounds: &[f64], index: i32) -> f64 {
    usize::try_from(index).map_or(f64::NEG_INFINITY, |index| bounds.get(index).copied().unwrap_or(f64::INFINITY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{BucketSpan, CUSTOM_BUCKETS_SCHEMA};
    use std::sync::Arc;

    fn check(histogram: &Histogram, expected: &[(f64, f64, u8, f64)]) {
        let found: Vec<_> = buckets(histogram).iter().map(|b| (b.lower, b.upper, b.boundary_rule(), b.count)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn buckets_run_from_the_lowest_to_the_highest() {
        let exponential = Histogram {
            zero_threshold: 0.001,
            zero_count: 4.0,
            positive_spans: vec![BucketSpan { offset: 0, length: 1 }, BucketSpan { offset: 1, length: 1 }],
            positive_buckets: vec![1.0, 2.0],
            negative_spans: vec![BucketSpan { offset: 1, length: 2 }],
            negative_buckets: vec![3.0, 5.0],
            ..Histogram::default()
        };
        check(
            &exponential,
            &[
                (-4.0, -2.0, 1, 5.0),
                (-2.0, -1.0, 1, 3.0),
                (-0.001, 0.001, 3, 4.0),
                (0.5, 1.0, 0, 1.0),
                (2.0, 4.0, 0, 2.0),
            ],
        );
        let custom = Histogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            positive_spans: vec![BucketSpan { offset: 0, length: 3 }],
            positive_buckets: vec![1.0, 2.0, 3.0],
            custom_bounds: Some(Arc::from([5.0, 10.0])),
            ..Histogram::default()
        };
        check(&custom, &[(f64::NEG_INFINITY, 5.0, 3, 1.0), (5.0, 10.0, 0, 2.0), (10.0, f64::INFINITY, 0, 3.0)]);
    }

    #[test]
    fn bounds_follow_from_the_schema() {
        for (index, schema, expected) in
            [(0, 0, 1.0), (1, 1, 2f64.sqrt()), (2, -1, 16.0), (-3, 0, 0.125), (1024, 0, f64::MAX), (4, 2, 2.0)]
        {
            assert_eq!(bound(index, schema), expected, "{index} {schema}");
        }
    }
}
