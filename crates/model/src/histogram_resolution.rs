//! Native histograms made coarser or without empty buckets.

use crate::{BucketSpan, Histogram};

impl Histogram {
    /// Halves the resolution: two neighbouring buckets become one. Only for schemas above the least one.
    pub fn halve_resolution(&mut self) {
        reduce(&mut self.positive_spans, &mut self.positive_buckets);
        reduce(&mut self.negative_spans, &mut self.negative_buckets);
        self.schema -= 1;
    }

    /// Leaves out empty buckets, and spans without buckets.
    pub fn compact(&mut self) {
        compact(&mut self.positive_spans, &mut self.positive_buckets);
        compact(&mut self.negative_spans, &mut self.negative_buckets);
    }

    /// How many buckets it has, but for the zero bucket.
    pub const fn bucket_count(&self) -> usize {
        self.positive_buckets.len() + self.negative_buckets.len()
    }
}

/// Halves the resolution of one side of a histogram. The bucket with index `i` goes into the one with index `ceil(i / 2)`:
/// its upper bound `2^(i * 2^-schema)` is at most that one's.
fn reduce(spans: &mut Vec<BucketSpan>, buckets: &mut Vec<f64>) {
    let mut coarse: Vec<(i64, f64)> = Vec::with_capacity(buckets.len());
    for (index, count) in indexed(spans, buckets) {
        let target = (index + 1).div_euclid(2);
        match coarse.last_mut() {
            Some((last, sum)) if *last == target => *sum += count,
            _ => coarse.push((target, count)),
        }
    }
    (*spans, *buckets) = spans_of(&coarse);
}

fn compact(spans: &mut Vec<BucketSpan>, buckets: &mut Vec<f64>) {
    let full: Vec<(i64, f64)> = indexed(spans, buckets).filter(|(_, count)| *count != 0.0).collect();
    (*spans, *buckets) = spans_of(&full);
}

/// Each bucket's index and count.
fn indexed(spans: &[BucketSpan], buckets: &[f64]) -> impl Iterator<Item = (i64, f64)> {
    let mut end = 0i64;
    let indexes = spans.iter().flat_map(move |span| {
        let start = end + i64::from(span.offset);
        end = start + i64::from(span.length);
        start..end
    });
    indexes.zip(buckets.iter().copied())
}

/// Spans and counts of buckets with rising indexes.
pub fn spans_of(buckets: &[(i64, f64)]) -> (Vec<BucketSpan>, Vec<f64>) {
    let mut spans: Vec<BucketSpan> = Vec::new();
    let mut end = 0i64;
    for (index, _) in buckets {
        match spans.last_mut() {
            Some(span) if *index == end => span.length += 1,
            // Indexes of buckets are exponents of what floats hold: far inside an i32.
            _ => spans.push(BucketSpan { offset: (*index - end) as i32, length: 1 }),
        }
        end = *index + 1;
    }
    (spans, buckets.iter().map(|(_, count)| *count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_merged() {
        let span = |offset, length| BucketSpan { offset, length };
        let check = |spans: &[BucketSpan], buckets: &[f64], expected: (&[BucketSpan], &[f64])| {
            let (mut spans, mut buckets) = (spans.to_vec(), buckets.to_vec());
            reduce(&mut spans, &mut buckets);
            assert_eq!((&spans[..], &buckets[..]), expected);
        };
        // Indexes 0, 1, 2, 3 go to 0, 1, 1, 2.
        check(&[span(0, 4)], &[1.0, 2.0, 3.0, 4.0], (&[span(0, 3)], &[1.0, 5.0, 4.0]));
        // -3, -2, 5 go to -1, -1, 3.
        check(&[span(-3, 2), span(6, 1)], &[1.0, 2.0, 3.0], (&[span(-1, 1), span(3, 1)], &[3.0, 3.0]));
        check(&[], &[], (&[], &[]));
    }

    #[test]
    fn empty_buckets_are_left_out() {
        let span = |offset, length| BucketSpan { offset, length };
        let mut histogram = Histogram {
            positive_spans: vec![span(-2, 3), span(0, 0), span(1, 2)],
            positive_buckets: vec![0.0, 1.0, 0.0, 2.0, 0.0],
            negative_spans: vec![span(0, 0)],
            ..Histogram::default()
        };
        histogram.compact();
        assert_eq!(histogram.positive_spans, [span(-1, 1), span(2, 1)]);
        assert_eq!((&histogram.positive_buckets[..], histogram.bucket_count()), (&[1.0, 2.0][..], 2));
        assert!(histogram.negative_spans.is_empty());
    }
}
