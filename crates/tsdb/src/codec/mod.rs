//! How a chunk's values become bytes. Every codec gives back every bit: NaN payloads, the stale marker, -0.0.

mod decimal;
mod times;
mod xor;

pub(crate) use times::{decode_times, encode_times};

use crate::bytes::Reader;

/// A chunk holds at most this many samples; a count beyond it is damage.
pub(crate) const CHUNK_SAMPLES_MAX: usize = 1 << 20;

/// The codec byte of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// One value, repeated.
    Constant = 0,
    /// Whole numbers, or decimals with few digits, as differences.
    Decimal = 1,
    /// Floats by what differs from the one before.
    Xor = 2,
}

impl Codec {
    pub(crate) const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Constant),
            1 => Some(Self::Decimal),
            2 => Some(Self::Xor),
            _ => None,
        }
    }
}

/// Encodes with the codec that takes the least bytes; `out` holds them afterwards.
pub(crate) fn encode_values(values: &[f64], out: &mut Vec<u8>) -> Codec {
    out.clear();
    let Some(first) = values.first() else { return Codec::Constant };
    if values.iter().all(|value| value.to_bits() == first.to_bits()) {
        out.extend(first.to_bits().to_le_bytes());
        return Codec::Constant;
    }
    let mut decimal = Vec::new();
    let is_decimal = decimal::encode(values, &mut decimal);
    xor::encode(values, out);
    if is_decimal && decimal.len() < out.len() {
        *out = decimal;
        return Codec::Decimal;
    }
    Codec::Xor
}

/// Decodes `count` values; `None` if the bytes do not hold them.
pub(crate) fn decode_values(codec: Codec, bytes: &[u8], count: usize) -> Option<Vec<f64>> {
    if CHUNK_SAMPLES_MAX < count {
        return None;
    }
    match codec {
        Codec::Constant => Some(vec![f64::from_bits(Reader::new(bytes).u64()?); count]),
        Codec::Decimal => decimal::decode(bytes, count),
        Codec::Xor => xor::decode(bytes, count),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(values: &[f64]) -> Codec {
        let mut bytes = Vec::new();
        let codec = encode_values(values, &mut bytes);
        let decoded = decode_values(codec, &bytes, values.len()).unwrap();
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&decoded), bits(values), "{codec:?}");
        codec
    }

    #[test]
    fn the_shortest_codec_is_chosen() {
        assert_eq!(check(&[7.0; 100]), Codec::Constant);
        assert_eq!(check(&[1.0, 2.0, 5.0, 9.0]), Codec::Decimal);
        assert_eq!(check(&[0.01, 0.02, 1234.55, -0.07]), Codec::Decimal);
        assert_eq!(check(&[0.1 + 0.2, 0.3, std::f64::consts::PI]), Codec::Xor);
        assert_eq!(check(&[1.0, model::STALE_NAN, 2.0]), Codec::Xor);
        assert_eq!(check(&[0.0, -0.0]), Codec::Xor);
    }

    proptest! {
        #[test]
        fn every_bit_comes_back(bits in prop::collection::vec(any::<u64>(), 1..200)) {
            check(&bits.into_iter().map(f64::from_bits).collect::<Vec<_>>());
        }

        #[test]
        fn every_decimal_comes_back(values in prop::collection::vec((any::<i32>(), 0u32..7), 1..200)) {
            let values: Vec<f64> = values.into_iter().map(|(n, d)| f64::from(n) / 10f64.powi(d.cast_signed())).collect();
            check(&values);
        }

        #[test]
        fn damaged_bytes_do_not_panic(codec in 0u8..3, bytes in prop::collection::vec(any::<u8>(), 0..100), count in 0usize..300) {
            let _values = decode_values(Codec::from_byte(codec).unwrap(), &bytes, count);
            let _times = decode_times(&bytes, count);
        }
    }
}
