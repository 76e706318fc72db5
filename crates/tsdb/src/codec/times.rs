//! Timestamps: the first, and then how much each distance differs from the one before; runs of zeros, which a regular
//! scrape is made of, as one count.
//!
//! ```text
//! column = first zigzag | (zero varint: run length varint | difference of distances zigzag, not zero)*
//! ```

use crate::bytes::{Reader, put_signed, put_varint};

use super::CHUNK_SAMPLES_MAX;

/// Encodes rising timestamps.
pub(crate) fn encode_times(times_ms: &[i64], out: &mut Vec<u8>) {
    out.clear();
    let Some(first) = times_ms.first() else { return };
    put_signed(out, *first);
    let (mut distance, mut run) = (0, 0u64);
    for pair in times_ms.windows(2) {
        let next = pair[1].wrapping_sub(pair[0]);
        if next == distance {
            run += 1;
            continue;
        }
        flush(out, &mut run);
        put_signed(out, next.wrapping_sub(distance));
        distance = next;
    }
    flush(out, &mut run);
}

fn flush(out: &mut Vec<u8>, run: &mut u64) {
    if 0 < *run {
        out.push(0);
        put_varint(out, *run);
        *run = 0;
    }
}

/// Decodes `count` timestamps; `None` if the bytes do not hold them.
pub(crate) fn decode_times(bytes: &[u8], count: usize) -> Option<Vec<i64>> {
    if CHUNK_SAMPLES_MAX < count {
        return None;
    }
    let mut reader = Reader::new(bytes);
    let mut times = Vec::with_capacity(count);
    let mut at = reader.signed()?;
    let mut distance = 0i64;
    times.push(at);
    while times.len() < count {
        let change = reader.signed()?;
        distance = distance.wrapping_add(change);
        let run = if change == 0 { usize::try_from(reader.varint()?).ok()? } else { 1 };
        if run == 0 || count - times.len() < run {
            return None;
        }
        for _ in 0..run {
            at = at.wrapping_add(distance);
            times.push(at);
        }
    }
    Some(times)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_regular_scrape_takes_few_bytes() {
        let times: Vec<i64> = (0..480).map(|n| 1_700_000_000_000 + n * 15_000).collect();
        let mut out = Vec::new();
        encode_times(&times, &mut out);
        assert!(out.len() < 16, "{}", out.len());
        assert_eq!(decode_times(&out, times.len()).unwrap(), times);
    }

    proptest! {
        #[test]
        fn every_column_comes_back(start in any::<i64>(), distances in prop::collection::vec(1i64..1_000_000, 0..100)) {
            let mut times = vec![start];
            for distance in distances {
                times.push(times[times.len() - 1].wrapping_add(distance));
            }
            let mut out = Vec::new();
            encode_times(&times, &mut out);
            prop_assert_eq!(decode_times(&out, times.len()).unwrap(), times);
        }
    }
}
