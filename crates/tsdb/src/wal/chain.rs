//! A series' values in the log, each told by what changed since the one before. Writer and reader keep the same state.
//!
//! ```text
//! code = nibble t, low bits first:
//!        0      the same step again
//!        1..=13 a step, folded by zigzag, in t nibbles
//!        14     nibble n | what differs from the bits before, in the n + 1 lowest nibbles
//!        15     nibble d: digits, 15 for none | nibble n | the n + 1 highest nibbles of the bits, the others zero
//! ```
//! A step is a distance between whole numbers of `10^-d`.

use crate::bits::{BitReader, BitWriter};
use crate::codec::{digits_of, unzigzag, value_of, whole_of, zigzag};

const SAME_STEP: u64 = 0;
const STEP_NIBBLES_MAX: u32 = 13;
const DIFFERING: u64 = 14;
const IN_FULL: u64 = 15;
/// The digits of a value that is no decimal.
const NO_DIGITS: u8 = 15;
/// The most digits that are tried.
const DIGITS_MAX: u8 = 9;

/// The newest value of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) bits: u64,
    whole: i64,
    step: i64,
    digits: u8,
}

impl Chain {
    /// Writes a first value.
    pub(super) fn begin(value: f64, out: &mut BitWriter<'_>) -> Self {
        let digits = digits_of(value, 0, DIGITS_MAX).unwrap_or(NO_DIGITS);
        let bits = value.to_bits();
        let nibbles = (16 - bits.trailing_zeros() / 4).max(1);
        out.write(IN_FULL | u64::from(digits) << 4 | u64::from(nibbles - 1) << 8, 12);
        out.write(bits >> (64 - 4 * nibbles), 4 * nibbles);
        Self::in_full(bits, digits)
    }

    fn in_full(bits: u64, digits: u8) -> Self {
        let whole = if digits == NO_DIGITS { None } else { whole_of(f64::from_bits(bits), digits) };
        Self { bits, whole: whole.unwrap_or(0), step: 0, digits: if whole.is_some() { digits } else { NO_DIGITS } }
    }

    /// Writes a value whose bits differ.
    pub(super) fn put(&mut self, value: f64, out: &mut BitWriter<'_>) {
        let bits = value.to_bits();
        if self.digits == NO_DIGITS {
            if digits_of(value, 0, DIGITS_MAX).is_none() {
                let differing = self.bits ^ bits;
                let nibbles = (64 - differing.leading_zeros()).div_ceil(4).max(1);
                out.write(DIFFERING | u64::from(nibbles - 1) << 4, 8);
                out.write(differing, 4 * nibbles);
                self.bits = bits;
                return;
            }
        } else if let Some(whole) = whole_of(value, self.digits) {
            let step = whole - self.whole;
            let folded = zigzag(step);
            let nibbles = (64 - folded.leading_zeros()).div_ceil(4);
            if step == self.step {
                out.write(SAME_STEP, 4);
            } else if nibbles <= STEP_NIBBLES_MAX {
                out.write(u64::from(nibbles) | folded << 4, 4 + 4 * nibbles);
            } else {
                *self = Self::begin(value, out);
                return;
            }
            (self.bits, self.whole, self.step) = (bits, whole, step);
            return;
        }
        *self = Self::begin(value, out);
    }

    /// Reads a code. The outer `None`: the bits end too early. The inner: nothing is known of the value before.
    pub(super) fn take(before: Option<Self>, input: &mut BitReader<'_>) -> Option<Option<Self>> {
        let read = match input.read(4)? {
            IN_FULL => {
                let digits = input.read(4)? as u8;
                let nibbles = input.read(4)? as u32 + 1;
                let bits = input.read(4 * nibbles)? << (64 - 4 * nibbles);
                Some(Self::in_full(bits, if digits <= DIGITS_MAX { digits } else { NO_DIGITS }))
            }
            DIFFERING => {
                let nibbles = input.read(4)? as u32 + 1;
                let differing = input.read(4 * nibbles)?;
                before.map(|before| Self { bits: before.bits ^ differing, ..before })
            }
            nibbles => {
                let folded = input.read(4 * nibbles as u32)?;
                before.filter(|before| before.digits != NO_DIGITS).map(|before| {
                    let step = if nibbles == SAME_STEP { before.step } else { unzigzag(folded) };
                    let whole = before.whole.wrapping_add(step);
                    Self { bits: value_of(whole, before.digits).to_bits(), whole, step, digits: before.digits }
                })
            }
        };
        Some(read)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Writes and reads values; how many bytes they took.
    fn check(values: &[f64]) -> usize {
        let mut bytes = Vec::new();
        let mut writer = BitWriter::new(&mut bytes);
        let mut chain: Option<Chain> = None;
        for value in values {
            match &mut chain {
                Some(chain) => chain.put(*value, &mut writer),
                None => chain = Some(Chain::begin(*value, &mut writer)),
            }
        }
        writer.finish();
        let mut reader = BitReader::new(&bytes);
        let mut before = None;
        for value in values {
            before = Chain::take(before, &mut reader).unwrap();
            assert_eq!(before.unwrap().bits, value.to_bits(), "{value}");
        }
        assert_eq!(before, chain);
        bytes.len()
    }

    #[test]
    fn small_steps_are_short() {
        let counter: Vec<f64> = (0..100).map(|n| 1e9 + f64::from(n * n % 50)).collect();
        assert!(check(&counter) < 170);
        let clock: Vec<f64> = (0..100).map(|n| 1.7e9 + f64::from(n) * 0.25).collect();
        assert!(check(&clock) < 100);
        check(&[0.0, -0.0, model::STALE_NAN, f64::INFINITY, 0.1 + 0.2, 0.3, f64::MAX, f64::from_bits(1), 5.0]);
    }

    proptest! {
        #[test]
        fn every_chain_is_read_back(values in prop::collection::vec(prop_oneof![
            any::<u64>().prop_map(f64::from_bits),
            any::<i32>().prop_map(f64::from),
            (any::<i32>(), 0u32..12).prop_map(|(n, digits)| f64::from(n) / 10f64.powi(digits.cast_signed())),
            any::<i64>().prop_map(|n| n as f64),
        ], 1..100)) {
            check(&values);
        }
    }
}
