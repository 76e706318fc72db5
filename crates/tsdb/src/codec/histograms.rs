//! Native histograms: what rarely changes once for a run of them, each count as a column of values.
//!
//! ```text
//! chunk  = run count varint | run*
//! run    = length varint | layout | (hint u8 | repetitions varint)* | column*
//! layout = schema u8 | zero threshold u64 | spans | spans | positive bucket count varint | negative bucket count varint
//!        | 0 varint, or 1 + number of custom bounds varint and each as u64
//! spans  = count varint | (offset zigzag | length varint)*
//! column = codec u8 | length varint | bytes      of count, zero count, sum, positive buckets, negative buckets
//! ```

use std::sync::Arc;

use model::{BucketSpan, Histogram, ResetHint};

use super::{CHUNK_SAMPLES_MAX, Codec, Scratch, decode_values, encode_values};
use crate::bytes::{Reader, put_bytes, put_signed, put_varint};

/// Encodes; `out` holds them afterwards.
pub(crate) fn encode_histograms(
    histograms: &[Arc<Histogram>],
    scratch: &mut Scratch,
    in_haste: bool,
    out: &mut Vec<u8>,
) {
    out.clear();
    let runs: Vec<&[Arc<Histogram>]> = histograms.chunk_by(|a, b| same_layout(a, b)).collect();
    put_varint(out, runs.len() as u64);
    let (mut column, mut bytes) = (Vec::new(), Vec::new());
    for run in runs {
        let first = &run[0];
        put_varint(out, run.len() as u64);
        put_layout(out, first);
        for hints in run.chunk_by(|a, b| a.reset_hint == b.reset_hint) {
            out.push(hints[0].reset_hint as u8);
            put_varint(out, hints.len() as u64);
        }
        let mut put = |value: &dyn Fn(&Histogram) -> f64| {
            column.clear();
            column.extend(run.iter().map(|histogram| value(histogram)));
            let codec = encode_values(&column, None, scratch, in_haste, &mut bytes);
            out.push(codec as u8);
            put_bytes(out, &bytes);
        };
        put(&|histogram| histogram.count);
        put(&|histogram| histogram.zero_count);
        put(&|histogram| histogram.sum);
        for bucket in 0..first.positive_buckets.len() {
            put(&|histogram| histogram.positive_buckets[bucket]);
        }
        for bucket in 0..first.negative_buckets.len() {
            put(&|histogram| histogram.negative_buckets[bucket]);
        }
    }
}

/// Appends `count` histograms; `None` if the bytes do not hold them.
pub(crate) fn decode_histograms(bytes: &[u8], count: usize, out: &mut Vec<Arc<Histogram>>) -> Option<()> {
    if CHUNK_SAMPLES_MAX < count {
        return None;
    }
    let mut reader = Reader::new(bytes);
    let mut left = count;
    for _ in 0..reader.count()? {
        let length = usize::try_from(reader.varint()?).ok().filter(|length| 0 < *length && *length <= left)?;
        left -= length;
        let layout = take_layout(&mut reader)?;
        let mut run: Vec<Histogram> = Vec::with_capacity(length);
        while run.len() < length {
            let reset_hint = hint_of(reader.byte()?)?;
            let repeated = usize::try_from(reader.varint()?).ok()?;
            if repeated == 0 || length - run.len() < repeated {
                return None;
            }
            run.extend(std::iter::repeat_n(Histogram { reset_hint, ..layout.clone() }, repeated));
        }
        let mut column = Vec::with_capacity(length);
        let mut take = |set: &dyn Fn(&mut Histogram, f64)| {
            let codec = Codec::from_byte(reader.byte()?)?;
            let bytes = reader.bytes()?;
            column.clear();
            decode_values(codec, bytes, length, &[], &mut column)?;
            run.iter_mut().zip(&column).for_each(|(histogram, value)| set(histogram, *value));
            Some(())
        };
        take(&|histogram, value| histogram.count = value)?;
        take(&|histogram, value| histogram.zero_count = value)?;
        take(&|histogram, value| histogram.sum = value)?;
        for bucket in 0..layout.positive_buckets.len() {
            take(&|histogram, value| histogram.positive_buckets[bucket] = value)?;
        }
        for bucket in 0..layout.negative_buckets.len() {
            take(&|histogram, value| histogram.negative_buckets[bucket] = value)?;
        }
        out.extend(run.into_iter().map(Arc::new));
    }
    (left == 0).then_some(())
}

/// Whether two have the same buckets.
pub(crate) fn same_layout(a: &Histogram, b: &Histogram) -> bool {
    let same_bounds = match (&a.custom_bounds, &b.custom_bounds) {
        (None, None) => true,
        (Some(a), Some(b)) => Arc::ptr_eq(a, b) || same_bits(a, b),
        _ => false,
    };
    same_bounds
        && a.schema == b.schema
        && a.zero_threshold.to_bits() == b.zero_threshold.to_bits()
        && a.positive_spans == b.positive_spans
        && a.negative_spans == b.negative_spans
        && a.positive_buckets.len() == b.positive_buckets.len()
        && a.negative_buckets.len() == b.negative_buckets.len()
}

/// Whether two are the same by bits, stale ones too; the hint says nothing of what was counted and may differ.
pub(crate) fn same_histogram(a: &Histogram, b: &Histogram) -> bool {
    same_layout(a, b)
        && same_bits(&[a.count, a.zero_count, a.sum], &[b.count, b.zero_count, b.sum])
        && same_bits(&a.positive_buckets, &b.positive_buckets)
        && same_bits(&a.negative_buckets, &b.negative_buckets)
}

fn same_bits(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

/// Writes all but the counts; also what the log does.
pub(crate) fn put_layout(out: &mut Vec<u8>, histogram: &Histogram) {
    out.push(histogram.schema.cast_unsigned());
    out.extend_from_slice(&histogram.zero_threshold.to_bits().to_le_bytes());
    for spans in [&histogram.positive_spans, &histogram.negative_spans] {
        put_varint(out, spans.len() as u64);
        for span in spans {
            put_signed(out, i64::from(span.offset));
            put_varint(out, u64::from(span.length));
        }
    }
    put_varint(out, histogram.positive_buckets.len() as u64);
    put_varint(out, histogram.negative_buckets.len() as u64);
    let bounds = histogram.custom_bounds.as_deref();
    put_varint(out, bounds.map_or(0, |bounds| bounds.len() as u64 + 1));
    for bound in bounds.unwrap_or_default() {
        out.extend_from_slice(&bound.to_bits().to_le_bytes());
    }
}

/// Reads what [`put_layout`] wrote; the counts are zero.
pub(crate) fn take_layout(reader: &mut Reader<'_>) -> Option<Histogram> {
    let schema = reader.byte()?.cast_signed();
    let zero_threshold = f64::from_bits(reader.u64()?);
    let (positive_spans, negative_spans) = (take_spans(reader)?, take_spans(reader)?);
    let (positive, negative) = (reader.count()?, reader.count()?);
    let custom_bounds = match usize::try_from(reader.varint()?).ok()?.checked_sub(1) {
        None => None,
        Some(count) if reader.rest.len() / 8 < count => return None,
        Some(count) => Some((0..count).map(|_| reader.u64().map(f64::from_bits)).collect::<Option<Arc<[f64]>>>()?),
    };
    Some(Histogram {
        schema,
        zero_threshold,
        positive_spans,
        positive_buckets: vec![0.0; positive],
        negative_spans,
        negative_buckets: vec![0.0; negative],
        custom_bounds,
        ..Histogram::default()
    })
}

fn take_spans(reader: &mut Reader<'_>) -> Option<Vec<BucketSpan>> {
    let mut spans = Vec::new();
    for _ in 0..reader.count()? {
        let offset = i32::try_from(reader.signed()?).ok()?;
        spans.push(BucketSpan { offset, length: u32::try_from(reader.varint()?).ok()? });
    }
    Some(spans)
}

/// The hint of a byte.
pub(crate) const fn hint_of(byte: u8) -> Option<ResetHint> {
    Some(match byte {
        0 => ResetHint::Unknown,
        1 => ResetHint::CounterReset,
        2 => ResetHint::NotCounterReset,
        3 => ResetHint::Gauge,
        _ => return None,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Any histogram, stale ones and ones with custom bounds among them.
    pub(crate) fn histogram() -> impl Strategy<Value = Histogram> {
        let count = || prop_oneof![3 => (0u32..1000).prop_map(f64::from), 1 => any::<f64>(), 1 => any::<u64>().prop_map(f64::from_bits)];
        let side = move || prop::collection::vec((-9i32..9, prop::collection::vec(count(), 0..4)), 0..3);
        let bounds = prop::option::weighted(0.2, prop::collection::vec(any::<f64>(), 0..4));
        let any = (-4i8..9, count(), count(), count(), count(), side(), side(), bounds, 0u8..4);
        let built =
            any.prop_map(|(schema, zero_threshold, zero_count, count, sum, positive, negative, bounds, hint)| {
                let split = |side: Vec<(i32, Vec<f64>)>| {
                    let spans =
                        side.iter().map(|(offset, counts)| BucketSpan { offset: *offset, length: counts.len() as u32 });
                    (spans.collect(), side.iter().flat_map(|(_, counts)| counts.iter().copied()).collect())
                };
                let (positive_spans, positive_buckets) = split(positive);
                let (negative_spans, negative_buckets) = split(negative);
                let custom_bounds = bounds.map(Arc::from);
                let reset_hint = hint_of(hint).unwrap();
                Histogram {
                    schema,
                    zero_threshold,
                    zero_count,
                    count,
                    sum,
                    positive_spans,
                    positive_buckets,
                    negative_spans,
                    negative_buckets,
                    custom_bounds,
                    reset_hint,
                }
            });
        prop_oneof![9 => built, 1 => Just(Histogram::stale())]
    }

    fn check(histograms: &[Arc<Histogram>]) -> usize {
        let mut bytes = Vec::new();
        for in_haste in [true, false] {
            encode_histograms(histograms, &mut Scratch::default(), in_haste, &mut bytes);
            let mut decoded = Vec::new();
            decode_histograms(&bytes, histograms.len(), &mut decoded).unwrap();
            assert_eq!(decoded.len(), histograms.len());
            for (decoded, histogram) in decoded.iter().zip(histograms) {
                assert!(same_histogram(decoded, histogram), "{decoded:?} {histogram:?}");
                assert_eq!(decoded.reset_hint, histogram.reset_hint);
            }
        }
        bytes.len()
    }

    #[test]
    fn a_growing_histogram_takes_few_bytes() {
        let of = |n: u32| {
            let buckets: Vec<f64> = (0..20).map(|bucket| f64::from(n * (bucket % 5) + n / 3)).collect();
            Arc::new(Histogram {
                schema: 3,
                count: buckets.iter().sum(),
                sum: f64::from(n) * 1.25,
                positive_spans: vec![BucketSpan { offset: -3, length: 20 }],
                positive_buckets: buckets,
                ..Histogram::default()
            })
        };
        let bytes = check(&(0..480).map(of).collect::<Vec<_>>());
        assert!(bytes < 480 * 6, "{bytes} bytes for 480 histograms of 23 numbers");
    }

    proptest! {
        #[test]
        fn every_histogram_comes_back(histograms in prop::collection::vec((histogram(), 1usize..4), 1..20)) {
            let repeated = histograms.into_iter().flat_map(|(histogram, times)| std::iter::repeat_n(Arc::new(histogram), times));
            check(&repeated.collect::<Vec<_>>());
        }
    }
}
