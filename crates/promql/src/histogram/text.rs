//! A histogram as a text, as `count_values` labels it.

use std::fmt::Write as _;

use model::Histogram;
use units::float::shortest_g;

use super::buckets::buckets;

/// `{count:4, sum:5, (0.5,1]:1, (1,2]:3}`, without empty buckets: Go's `FloatHistogram.String`.
pub(crate) fn text(histogram: &Histogram) -> String {
    let mut out = format!("{{count:{}, sum:{}", shortest_g(histogram.count), shortest_g(histogram.sum));
    for bucket in buckets(histogram).iter().filter(|bucket| bucket.count != 0.0) {
        let open = if bucket.lower_inclusive { '[' } else { '(' };
        let close = if bucket.upper_inclusive { ']' } else { ')' };
        let (lower, upper) = (shortest_g(bucket.lower), shortest_g(bucket.upper));
        // Writing to a String cannot fail.
        let _infallible = write!(out, ", {open}{lower},{upper}{close}:{}", shortest_g(bucket.count));
    }
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::BucketSpan;

    #[test]
    fn histograms_are_printed_as_go_prints_them() {
        let histogram = Histogram {
            count: 7.0,
            sum: 2.5,
            zero_threshold: 0.001,
            zero_count: 1.0,
            positive_spans: vec![BucketSpan { offset: 0, length: 3 }],
            positive_buckets: vec![1.0, 0.0, 2.0],
            negative_spans: vec![BucketSpan { offset: 0, length: 1 }],
            negative_buckets: vec![3.0],
            ..Histogram::default()
        };
        assert_eq!(text(&histogram), "{count:7, sum:2.5, [-1,-0.5):3, [-0.001,0.001]:1, (0.5,1]:1, (2,4]:2}");
    }
}
