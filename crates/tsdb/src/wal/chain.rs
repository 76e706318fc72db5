//! A series' values in the log, each told by what changed since the one before. Writer and reader keep the same state.
//!
//! ```text
//! code after a decimal = ones and a zero: n ones
//!        n < 12   a step, folded by zigzag: n is its quotient by 2^shift | the remainder, `shift` bits
//!        n = 12   a step | length less one, 6 bits | the step, folded
//!        n = 13   the same step again
//!        n = 15   a value in full
//! code after another   = no one and a zero | length less one, 6 bits | the bits that differ, from the lowest
//!                      | 15 ones and a zero | a value in full
//! value in full        = digits, 4 bits, 15 for none | nibbles less one, 4 bits | the highest nibbles of the value's bits
//! ```
//! A step is a distance between whole numbers of `10^-digits`; the shift follows the mean of the steps, as Golomb's codes
//! in JPEG-LS do (ITU-T T.87, A.5.1). A first value has 15 ones before it as well, so that a reader that lost the value
//! before sees what it can read.

use crate::bits::{BitReader, BitWriter};
use crate::codec::{digits_of, unzigzag, value_of, whole_of, zigzag};

const QUOTIENTS: u32 = 12;
const LONG_STEP: u32 = 12;
const SAME_STEP: u32 = 13;
const IN_FULL: u32 = 15;
const LENGTH_BITS: u32 = 6;
/// The digits of a value that is no decimal.
const NO_DIGITS: u8 = 15;
/// The most digits that are tried.
const DIGITS_MAX: u8 = 9;
/// Bits of the mean behind the point.
const MEAN_BITS: u32 = 4;
/// A step moves the mean by this share, as a power of two.
const MEAN_SHARE: u32 = 3;
/// Longer steps count as this long in the mean.
const MEAN_MAX: u64 = 1 << 58;

/// The newest value of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) bits: u64,
    whole: i64,
    step: i64,
    /// Of the folded steps; 0 before the first.
    mean: u64,
    digits: u8,
}

impl Chain {
    /// Writes a first value.
    pub(super) fn begin(value: f64, out: &mut BitWriter<'_>) -> Self {
        out.write_unary(IN_FULL);
        let digits = digits_of(value, 0, DIGITS_MAX).unwrap_or(NO_DIGITS);
        let bits = value.to_bits();
        let nibbles = (16 - bits.trailing_zeros() / 4).max(1);
        out.write(u64::from(digits) | u64::from(nibbles - 1) << 4, 8);
        out.write(bits >> (64 - 4 * nibbles), 4 * nibbles);
        Self::in_full(bits, digits)
    }

    fn take_in_full(input: &mut BitReader<'_>) -> Option<Self> {
        let digits = input.read(4)? as u8;
        let nibbles = input.read(4)? as u32 + 1;
        let bits = input.read(4 * nibbles)? << (64 - 4 * nibbles);
        Some(Self::in_full(bits, if digits <= DIGITS_MAX { digits } else { NO_DIGITS }))
    }

    fn in_full(bits: u64, digits: u8) -> Self {
        let whole = if digits == NO_DIGITS { None } else { whole_of(f64::from_bits(bits), digits) };
        let digits = if whole.is_some() { digits } else { NO_DIGITS };
        Self { bits, whole: whole.unwrap_or(0), step: 0, mean: 0, digits }
    }

    /// Writes a value whose bits differ.
    pub(super) fn put(&mut self, value: f64, out: &mut BitWriter<'_>) {
        if self.digits == NO_DIGITS {
            if digits_of(value, 0, DIGITS_MAX).is_some() {
                *self = Self::begin(value, out);
                return;
            }
            let differing = self.bits ^ value.to_bits();
            let length = (64 - differing.leading_zeros()).max(1);
            out.write(u64::from(length - 1) << 1, 1 + LENGTH_BITS);
            out.write(differing, length);
            self.bits = value.to_bits();
            return;
        }
        let Some(whole) = whole_of(value, self.digits) else {
            *self = Self::begin(value, out);
            return;
        };
        let step = whole - self.whole;
        let folded = zigzag(step);
        let shift = self.shift();
        let quotient = folded >> shift;
        if step == self.step && u64::from(SAME_STEP) < quotient + u64::from(shift) {
            out.write_unary(SAME_STEP);
        } else if quotient < u64::from(QUOTIENTS) {
            out.write_unary(quotient as u32);
            out.write(folded - (quotient << shift), shift);
        } else {
            let length = (64 - folded.leading_zeros()).max(1);
            out.write_unary(LONG_STEP);
            out.write(u64::from(length - 1), LENGTH_BITS);
            out.write(folded, length);
        }
        self.go(step, folded);
    }

    /// Reads a code. The outer `None`: the bits end too early. The inner: the value before is needed and not known, and
    /// what follows cannot be read.
    pub(super) fn take(before: Option<Self>, input: &mut BitReader<'_>) -> Option<Option<Self>> {
        let Some(mut chain) = before else {
            return match input.read_unary(IN_FULL)? {
                IN_FULL => Some(Some(Self::take_in_full(input)?)),
                _ => Some(None),
            };
        };
        if chain.digits == NO_DIGITS {
            return match input.read_unary(IN_FULL)? {
                0 => {
                    let length = input.read(LENGTH_BITS)? as u32 + 1;
                    chain.bits ^= input.read(length)?;
                    Some(Some(chain))
                }
                IN_FULL => Some(Some(Self::take_in_full(input)?)),
                _ => None,
            };
        }
        let folded = match input.read_unary(IN_FULL)? {
            IN_FULL => return Some(Some(Self::take_in_full(input)?)),
            SAME_STEP => zigzag(chain.step),
            LONG_STEP => {
                let length = input.read(LENGTH_BITS)? as u32 + 1;
                input.read(length)?
            }
            quotient if quotient < QUOTIENTS => {
                let shift = chain.shift();
                u64::from(quotient) << shift | input.read(shift)?
            }
            _ => return None,
        };
        chain.go(unzigzag(folded), folded);
        Some(Some(chain))
    }

    const fn shift(&self) -> u32 {
        63 - (self.mean >> MEAN_BITS | 1).leading_zeros()
    }

    fn go(&mut self, step: i64, folded: u64) {
        self.whole = self.whole.wrapping_add(step);
        self.step = step;
        self.bits = value_of(self.whole, self.digits).to_bits();
        let newest = folded.min(MEAN_MAX) << MEAN_BITS;
        self.mean =
            if self.mean == 0 { newest } else { self.mean - (self.mean >> MEAN_SHARE) + (newest >> MEAN_SHARE) };
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
        for (place, value) in values.iter().enumerate() {
            match &mut chain {
                // A writer may always begin anew.
                chain if place % 11 == 10 => *chain = Some(Chain::begin(*value, &mut writer)),
                // As the log has it: what did not change has no code.
                Some(chain) if chain.bits == value.to_bits() => {}
                Some(chain) => chain.put(*value, &mut writer),
                chain => *chain = Some(Chain::begin(*value, &mut writer)),
            }
        }
        writer.finish();
        let mut reader = BitReader::new(&bytes);
        let mut before: Option<Chain> = None;
        for (place, value) in values.iter().enumerate() {
            if place % 11 == 10 || before.is_none_or(|before| before.bits != value.to_bits()) {
                before = Chain::take(before, &mut reader).unwrap();
            }
            assert_eq!(before.unwrap().bits, value.to_bits(), "{value}");
        }
        assert_eq!(before, chain);
        bytes.len()
    }

    #[test]
    fn small_steps_are_short() {
        let counter: Vec<f64> = (0..100).map(|n| 1e9 + f64::from(n * n % 50)).collect();
        assert!(check(&counter) < 190, "{}", check(&counter));
        let clock: Vec<f64> = (0..100).map(|n| 1.7e9 + f64::from(n) * 15_000.25).collect();
        assert!(check(&clock) < 330, "{}", check(&clock));
        check(&[0.0, -0.0, model::STALE_NAN, f64::INFINITY, 0.1 + 0.2, 0.3, f64::MAX, f64::from_bits(1), 5.0]);
    }

    #[test]
    fn a_reader_that_lost_the_value_before_sees_it() {
        let mut chains = [7.0, 0.1 + 0.2].map(|value| Chain::begin(value, &mut BitWriter::new(&mut Vec::new())));
        for value in [8.0, 1e9, 0.3, 1e-200, model::STALE_NAN] {
            for chain in &mut chains {
                let mut bytes = Vec::new();
                let mut writer = BitWriter::new(&mut bytes);
                chain.put(value, &mut writer);
                writer.write(0, 64);
                writer.finish();
                let read = Chain::take(None, &mut BitReader::new(&bytes)).unwrap();
                assert!(read.is_none_or(|read| read.bits == value.to_bits()), "{value}: {read:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn every_chain_is_read_back(values in prop::collection::vec(prop_oneof![
            any::<u64>().prop_map(f64::from_bits),
            any::<i32>().prop_map(f64::from),
            (any::<i32>(), 0u32..12).prop_map(|(n, digits)| f64::from(n) / 10f64.powi(digits.cast_signed())),
            any::<i64>().prop_map(|n| n as f64),
            (0..100i32).prop_map(f64::from),
        ], 1..100)) {
            check(&values);
        }
    }
}
