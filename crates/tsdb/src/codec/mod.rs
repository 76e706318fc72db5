//! How a chunk's values become bytes. Every codec gives back every bit: NaN payloads, the stale marker, -0.0.
//!
//! Timestamps have `times`, native histograms `histograms`, whose counts are chunks of values again.

mod decimal;
mod histograms;
mod ints;
mod near;
mod packed;
mod rice;
mod share;
mod sparse;
mod times;
mod whole;
mod xor;

#[cfg(test)]
pub(crate) use histograms::tests::histogram as histogram_strategy;
pub(crate) use histograms::{
    decode_histograms, encode_histograms, hint_of, put_layout, same_histogram, same_layout, take_layout,
};
pub(crate) use ints::Scratch;
pub(crate) use share::Base;
pub(crate) use times::{decode_times, encode_times};
pub(crate) use whole::{digits_of, unzigzag, value_of, whole_of, zigzag};

use crate::bytes::Reader;

/// A chunk holds at most this many samples; a count beyond it is damage.
pub(crate) const CHUNK_SAMPLES_MAX: usize = 1 << 20;
/// Decimals with fewer digits than this are never better off as floats, so that is not tried.
const DIGITS_SURE: u8 = 7;

/// The codec byte of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Codec {
    /// One value, repeated.
    Constant = 0,
    /// Whole numbers, or decimals with few digits, as differences; only read, for `Packed` took its place.
    Decimal = 1,
    /// Floats by what differs from the one before.
    Xor = 2,
    /// Decimals, residuals in blocks of one width.
    Packed = 3,
    /// Decimals, residuals in Rice's code.
    Rice = 4,
    /// Decimals, only residuals that are not zero.
    Sparse = 5,
    /// Native histograms.
    Histograms = 6,
    /// Next to decimals.
    Near = 7,
}

impl Codec {
    pub(crate) const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Constant,
            1 => Self::Decimal,
            2 => Self::Xor,
            3 => Self::Packed,
            4 => Self::Rice,
            5 => Self::Sparse,
            6 => Self::Histograms,
            7 => Self::Near,
            _ => return None,
        })
    }
}

/// Encodes with the codec that takes the least bytes, or, in haste, with one that takes few; `out` holds them afterwards.
/// With a base, whose steps these may follow, that is tried as well.
pub(crate) fn encode_values(
    values: &[f64],
    base: Option<Base<'_>>,
    scratch: &mut Scratch,
    in_haste: bool,
    out: &mut Vec<u8>,
) -> Codec {
    out.clear();
    let Some(first) = values.first() else { return Codec::Constant };
    if values.iter().all(|value| value.to_bits() == first.to_bits()) {
        out.extend(first.to_bits().to_le_bytes());
        return Codec::Constant;
    }
    let decimals = ints::encode(values, None, scratch, in_haste, out);
    if let Some((codec, _)) = decimals.filter(|_| in_haste) {
        return codec;
    }
    let mut best = decimals.map(|(codec, _)| codec);
    let mut other = Vec::new();
    let mut offer = |codec: Codec, other: &mut Vec<u8>, out: &mut Vec<u8>| {
        if best.is_none() || other.len() < out.len() {
            std::mem::swap(other, out);
            best = Some(codec);
        }
        other.clear();
    };
    if decimals.is_none_or(|(_, digits)| DIGITS_SURE <= digits) {
        if !in_haste {
            for base in [None, base] {
                if near::encode(values, base, scratch, &mut other) {
                    offer(Codec::Near, &mut other, out);
                }
                other.clear();
            }
        }
        xor::encode(values, &mut other);
        offer(Codec::Xor, &mut other, out);
    } else if base.is_some()
        && let Some((codec, _)) = ints::encode(values, base, scratch, false, &mut other)
    {
        offer(codec, &mut other, out);
    }
    best.unwrap_or(Codec::Xor)
}

/// The place of the base that a chunk needs, if it needs one.
pub(crate) fn base_of(codec: Codec, bytes: &[u8]) -> Option<u64> {
    match codec {
        Codec::Packed | Codec::Rice | Codec::Sparse => ints::base_of(bytes),
        Codec::Near => near::decimals(bytes).and_then(|(_, bytes)| ints::base_of(bytes)),
        Codec::Constant | Codec::Decimal | Codec::Xor | Codec::Histograms => None,
    }
}

/// Appends `count` decoded values to `out`; `None` if the bytes do not hold them. `base` are the values of the base, if
/// there is one.
pub(crate) fn decode_values(codec: Codec, bytes: &[u8], count: usize, base: &[f64], out: &mut Vec<f64>) -> Option<()> {
    if CHUNK_SAMPLES_MAX < count {
        return None;
    }
    if count == 0 {
        return Some(());
    }
    match codec {
        Codec::Constant => {
            let value = f64::from_bits(Reader::new(bytes).u64()?);
            out.resize(out.len() + count, value);
            Some(())
        }
        Codec::Decimal => decimal::decode(bytes, count, out),
        Codec::Xor => xor::decode(bytes, count, out),
        Codec::Packed | Codec::Rice | Codec::Sparse => ints::decode(codec, bytes, count, base, out),
        Codec::Near => near::decode(bytes, count, base, out),
        Codec::Histograms => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(values: &[f64]) -> Codec {
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let mut bytes = Vec::new();
        let mut scratch = Scratch::default();
        let mut best = Codec::Constant;
        for in_haste in [true, false] {
            best = encode_values(values, None, &mut scratch, in_haste, &mut bytes);
            let mut decoded = vec![7.0];
            decode_values(best, &bytes, values.len(), &[], &mut decoded).unwrap();
            assert_eq!(bits(&decoded[1..]), bits(values), "{best:?}");
        }
        best
    }

    #[test]
    fn the_shortest_codec_is_chosen() {
        assert_eq!(check(&[7.0; 100]), Codec::Constant);
        assert_eq!(check(&(3..60).map(|n| 1e-3 / f64::from(n)).collect::<Vec<_>>()), Codec::Xor);
        // Evenly spread residuals have no short ones.
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 16)
        };
        let spread: Vec<f64> = (0..200).map(|_| next()).collect();
        assert_eq!(check(&spread), Codec::Packed);
        let idle: Vec<f64> = (0..200).map(|n| f64::from(n / 60)).collect();
        assert_eq!(check(&idle), Codec::Sparse);
        let steps: Vec<f64> = (0..200u32).map(|n| f64::from(n.wrapping_mul(2_654_435_761).leading_zeros())).collect();
        assert_eq!(check(&steps), Codec::Rice);
    }

    #[test]
    fn what_is_no_number_does_not_spoil_a_chunk() {
        let mut values: Vec<f64> = (0..100).map(f64::from).collect();
        values[0] = model::STALE_NAN;
        values[50] = -0.0;
        values[51] = f64::NEG_INFINITY;
        values[99] = f64::from_bits(0x7ff8_dead_beef_0001);
        assert!(!matches!(check(&values), Codec::Xor));
        check(&[model::STALE_NAN, 1.0]);
        check(&[f64::NAN, f64::INFINITY, f64::MIN_POSITIVE / 3.0, f64::MAX, -0.0, 0.0]);
    }

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<u64>().prop_map(f64::from_bits),
            any::<f64>(),
            (-1000i32..1000).prop_map(f64::from),
            (any::<i32>(), 0u32..9).prop_map(|(n, digits)| f64::from(n) / 10f64.powi(digits.cast_signed())),
            Just(model::STALE_NAN),
            Just(-0.0),
        ]
    }

    proptest! {
        #[test]
        fn every_bit_comes_back(bits in prop::collection::vec(any::<u64>(), 1..200)) {
            check(&bits.into_iter().map(f64::from_bits).collect::<Vec<_>>());
        }

        #[test]
        fn every_mixture_comes_back(values in prop::collection::vec(value(), 1..200)) {
            check(&values);
        }

        #[test]
        fn every_decimal_comes_back(values in prop::collection::vec((any::<i32>(), 0u32..7), 1..200)) {
            let values: Vec<f64> = values.into_iter().map(|(n, d)| f64::from(n) / 10f64.powi(d.cast_signed())).collect();
            check(&values);
        }

        #[test]
        fn every_counter_comes_back(start in any::<i32>(), steps in prop::collection::vec(prop_oneof![Just(0u64), 0..9u64, 0..(1u64 << 40)], 1..300)) {
            let mut at = f64::from(start);
            let values: Vec<f64> = steps.into_iter().map(|step| { at += step as f64; at }).collect();
            check(&values);
        }

        #[test]
        fn what_follows_another_comes_back(base in prop::collection::vec((0u32..1000, value()), 2..200), weight in 0.0..2.0) {
            let mut at = 0.0f64;
            let whole: Vec<f64> = base.iter().map(|(step, _)| { at += f64::from(*step); at }).collect();
            let strange: Vec<f64> = base.iter().map(|(_, value)| *value).collect();
            let following: Vec<f64> = whole.iter().map(|value| f64::round(value * weight)).collect();
            let sums: Vec<f64> = whole.iter().map(|value| value * weight + 0.1).collect();
            for (values, base) in [(&following, &whole), (&sums, &whole), (&following, &strange), (&strange, &whole)] {
                let mut bytes = Vec::new();
                let given = Base { place: 77, values: base };
                let codec = encode_values(values, Some(given), &mut Scratch::default(), false, &mut bytes);
                prop_assert!(base_of(codec, &bytes).is_none_or(|place| place == 77));
                let mut decoded = Vec::new();
                decode_values(codec, &bytes, values.len(), base, &mut decoded).unwrap();
                let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                prop_assert_eq!(bits(&decoded), bits(values));
            }
        }

        #[test]
        fn damaged_bytes_do_not_panic(codec in 0u8..8, bytes in prop::collection::vec(any::<u8>(), 0..100), count in 0usize..300) {
            let _values = decode_values(Codec::from_byte(codec).unwrap(), &bytes, count, &vec![1.0; count], &mut Vec::new());
            let _base = base_of(Codec::from_byte(codec).unwrap(), &bytes);
            let _histograms = decode_histograms(&bytes, count, &mut Vec::new());
            let _times = decode_times(&bytes, count);
        }
    }
}
