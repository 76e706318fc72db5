//! A native histogram in the log, told by what changed since the one before of its series.
//!
//! ```text
//! histogram = flags u8 | layout if flags & 1 (codec/histograms.rs) | sum u64 | count* of all, of zero, of each bucket
//! count     = zigzag of the difference to the one before, 0 after a new layout, if flags & 2 | u64
//! flags     = 1 new layout | 2 the counts are whole numbers | hint, shifted by 4
//! ```

use model::Histogram;

use crate::bytes::{Reader, put_signed};
use crate::codec::{hint_of, put_layout, same_layout, take_layout, whole_of};

const NEW_LAYOUT: u8 = 1;
const WHOLE: u8 = 2;

pub(super) fn put(out: &mut Vec<u8>, before: Option<&Histogram>, histogram: &Histogram) {
    let before = before.filter(|before| same_layout(before, histogram) && is_whole(before) && is_whole(histogram));
    let whole = is_whole(histogram);
    out.push((histogram.reset_hint as u8) << 4 | u8::from(before.is_none()) | if whole { WHOLE } else { 0 });
    if before.is_none() {
        put_layout(out, histogram);
    }
    out.extend_from_slice(&histogram.sum.to_bits().to_le_bytes());
    let mut earlier = before.into_iter().flat_map(counts);
    for count in counts(histogram) {
        let earlier = earlier.next().unwrap_or(0.0);
        match whole_of(count, 0).filter(|_| whole) {
            Some(now) => put_signed(out, now - earlier as i64),
            None => out.extend_from_slice(&count.to_bits().to_le_bytes()),
        }
    }
}

/// `None`: it makes no sense, or the one before is not known.
pub(super) fn take(bytes: &[u8], before: Option<&Histogram>) -> Option<Histogram> {
    let mut reader = Reader::new(bytes);
    let flags = reader.byte()?;
    let is_new = flags & NEW_LAYOUT != 0;
    let mut histogram = if is_new { take_layout(&mut reader)? } else { before?.clone() };
    histogram.reset_hint = hint_of(flags >> 4)?;
    histogram.sum = f64::from_bits(reader.u64()?);
    let Histogram { count, zero_count, positive_buckets, negative_buckets, .. } = &mut histogram;
    let all = [count, zero_count].into_iter().chain(positive_buckets).chain(negative_buckets);
    for count in all {
        *count = match flags & WHOLE {
            0 => f64::from_bits(reader.u64()?),
            _ => (*count as i64).wrapping_add(reader.signed()?) as f64,
        };
    }
    reader.rest.is_empty().then_some(histogram)
}

fn counts(histogram: &Histogram) -> impl Iterator<Item = f64> + '_ {
    let buckets = histogram.positive_buckets.iter().chain(&histogram.negative_buckets).copied();
    [histogram.count, histogram.zero_count].into_iter().chain(buckets)
}

fn is_whole(histogram: &Histogram) -> bool {
    counts(histogram).all(|count| whole_of(count, 0).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::{histogram_strategy, same_histogram};

    proptest! {
        #[test]
        fn every_histogram_is_read_back(before in histogram_strategy(), now in histogram_strategy(), grown in 0u32..9) {
            let mut grown_from = before.clone();
            grown_from.count += f64::from(grown);
            for (before, now) in [(None, &now), (Some(&before), &now), (Some(&before), &grown_from)] {
                let mut bytes = Vec::new();
                put(&mut bytes, before, now);
                let read = take(&bytes, before).unwrap();
                prop_assert!(same_histogram(&read, now));
                prop_assert_eq!(read.reset_hint, now.reset_hint);
            }
        }

        #[test]
        fn damaged_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _outcome = take(&bytes, Some(&Histogram::stale()));
        }
    }
}
