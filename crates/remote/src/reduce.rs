//! Native histograms made coarser: two neighbouring buckets become one.

use model::BucketSpan;

/// Halves the resolution of one side of a histogram. The bucket with index `i` goes into the one with index `ceil(i / 2)`:
/// its upper bound `2^(i * 2^-schema)` is at most that one's.
pub(crate) fn reduce(spans: &mut Vec<BucketSpan>, buckets: &mut Vec<f64>) {
    let mut coarse: Vec<(i64, f64)> = Vec::with_capacity(buckets.len());
    let mut counts = buckets.iter();
    let mut index = 0i64;
    for span in &*spans {
        index += i64::from(span.offset);
        for count in counts.by_ref().take(span.length as usize) {
            let target = (index + 1).div_euclid(2);
            match coarse.last_mut() {
                Some((last, sum)) if *last == target => *sum += count,
                _ => coarse.push((target, *count)),
            }
            index += 1;
        }
    }
    (*spans, *buckets) = spans_of(&coarse);
}

/// Spans and counts of buckets with rising indexes.
pub(crate) fn spans_of(buckets: &[(i64, f64)]) -> (Vec<BucketSpan>, Vec<f64>) {
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
}
