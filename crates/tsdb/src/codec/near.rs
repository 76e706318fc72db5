//! Values next to decimals: a decimal with few digits, and how many doubles further the value lies. Sums of decimals are
//! such, and what a program made of a count of ticks.
//!
//! ```text
//! near = codec u8 | length varint | decimals (ints.rs) | codec u8 | distances (ints.rs)
//! ```

use super::share::Base;
use super::whole::{nearest_of, value_of};
use super::{Codec, Scratch, ints};
use crate::bytes::{Reader, put_bytes};

/// The most digits that are tried.
const DIGITS_MAX: u8 = 9;
/// Values that lie further from a decimal, in doubles, are not near it.
const DISTANCE_MAX: u64 = 1 << 12;

/// Encodes into `out`, which is empty; false if the values are not near decimals.
pub(super) fn encode(values: &[f64], base: Option<Base<'_>>, scratch: &mut Scratch, out: &mut Vec<u8>) -> bool {
    let mut digits = 0;
    for value in values {
        while distance(*value, digits).is_none() {
            if !value.is_finite() || digits == DIGITS_MAX {
                return false;
            }
            digits += 1;
        }
    }
    let mut distances = Vec::with_capacity(values.len());
    scratch.begin();
    for value in values {
        let Some((whole, distance)) = distance(*value, digits) else { return false };
        scratch.push(whole);
        distances.push(distance);
    }
    let mut decimals = Vec::new();
    let codec = ints::put(digits, base, scratch, false, &mut decimals);
    out.push(codec as u8);
    put_bytes(out, &decimals);
    scratch.begin();
    distances.iter().for_each(|distance| scratch.push(*distance));
    let place = out.len();
    out.push(0);
    let codec = ints::put(0, None, scratch, false, out);
    out[place] = codec as u8;
    true
}

/// Appends `count` values.
pub(super) fn decode(bytes: &[u8], count: usize, base: &[f64], out: &mut Vec<f64>) -> Option<()> {
    let mut reader = Reader::new(bytes);
    let codec = Codec::from_byte(reader.byte()?)?;
    let start = out.len();
    ints::decode(codec, reader.bytes()?, count, base, out)?;
    let codec = Codec::from_byte(reader.byte()?)?;
    let mut distances = Vec::with_capacity(count);
    ints::decode(codec, reader.rest, count, &[], &mut distances)?;
    for (value, distance) in out[start..].iter_mut().zip(distances) {
        *value = f64::from_bits(value.to_bits().wrapping_add_signed(distance as i64));
    }
    Some(())
}

/// The decimals' codec and bytes.
pub(super) fn decimals(bytes: &[u8]) -> Option<(Codec, &[u8])> {
    let mut reader = Reader::new(bytes);
    Some((Codec::from_byte(reader.byte()?)?, reader.bytes()?))
}

/// The nearest decimal as a whole number, and how many doubles the value lies beyond it.
fn distance(value: f64, digits: u8) -> Option<(i64, i64)> {
    let whole = nearest_of(value, digits)?;
    let distance = value.to_bits().wrapping_sub(value_of(whole, digits).to_bits()).cast_signed();
    (distance.unsigned_abs() <= DISTANCE_MAX).then_some((whole, distance))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn values_come_back(
            values in prop::collection::vec((-1_000_000i64..1_000_000, -20i64..20), 1..100),
            digits in 0u8..9,
            strange in any::<f64>(),
        ) {
            let near = |(whole, distance): (i64, i64)| {
                f64::from_bits(value_of(whole, digits).to_bits().wrapping_add_signed(distance))
            };
            let mut values: Vec<f64> = values.into_iter().map(near).collect();
            for _ in 0..2 {
                let mut bytes = Vec::new();
                if encode(&values, None, &mut Scratch::default(), &mut bytes) {
                    let mut decoded = Vec::new();
                    prop_assert_eq!(decode(&bytes, values.len(), &[], &mut decoded), Some(()));
                    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                    prop_assert_eq!(bits(&decoded), bits(&values));
                }
                values.push(strange);
            }
        }
    }

    #[test]
    fn a_sum_of_decimals_is_near_decimals() {
        let mut sum = 0.0;
        let sums: Vec<f64> = (0..480)
            .map(|n| {
                sum += f64::from(n % 97) * 0.013;
                sum
            })
            .collect();
        let mut bytes = Vec::new();
        assert!(encode(&sums, None, &mut Scratch::default(), &mut bytes));
        assert!(bytes.len() < 480 * 2, "{} bytes", bytes.len());
    }
}
