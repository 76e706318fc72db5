//! Whole numbers as a quotient in unary and a remainder in bits, after Rice and Plaunt (1971): the choice for numbers that
//! are mostly small and seldom large.
//!
//! ```text
//! rice    = 0 u8 (numbers are folded by zigzag) | block*
//!         | 1 u8 (the least is taken from each) | least zigzag varint | block*
//! block   = shift 6 bits | number*, BLOCK of them (fewer in the last)
//! number  = quotient by 2^shift, in ones and a zero | remainder, `shift` bits
//!         | ESCAPE ones and a zero | 64 bits
//! ```

use super::whole::{unzigzag, zigzag};
use crate::bits::{BitReader, BitWriter};
use crate::bytes::{Reader, put_varint};

/// Numbers that share a shift.
const BLOCK: usize = 32;
const SHIFT_BITS: u32 = 6;
/// A quotient this large is not written.
const ESCAPE: u32 = 24;

pub(super) fn encode(numbers: &[i64], out: &mut Vec<u8>, folded: &mut Vec<u64>) {
    let least = numbers.iter().copied().min().unwrap_or(0);
    let magnitude = |number: u64| u64::from(64 - number.leading_zeros());
    let (mut by_zigzag, mut by_least) = (0, 0);
    for number in numbers {
        by_zigzag += magnitude(zigzag(*number));
        by_least += magnitude(number.wrapping_sub(least).cast_unsigned());
    }
    folded.clear();
    if by_zigzag <= by_least {
        out.push(0);
        folded.extend(numbers.iter().map(|number| zigzag(*number)));
    } else {
        out.push(1);
        put_varint(out, zigzag(least));
        folded.extend(numbers.iter().map(|number| number.wrapping_sub(least).cast_unsigned()));
    }
    let mut writer = BitWriter::new(out);
    put_blocks(&mut writer, folded);
    writer.finish();
}

/// Appends `count` numbers.
pub(super) fn decode(bytes: &[u8], count: usize, out: &mut Vec<i64>) -> Option<()> {
    let mut head = Reader::new(bytes);
    let least = match head.byte()? {
        0 => None,
        1 => Some(head.signed()?),
        _ => return None,
    };
    let mut reader = BitReader::new(head.rest);
    match least {
        None => take_blocks(&mut reader, count, |number| out.push(unzigzag(number))),
        Some(least) => take_blocks(&mut reader, count, |number| out.push(least.wrapping_add(number.cast_signed()))),
    }
}

/// Appends unsigned numbers in blocks.
pub(super) fn put_blocks(writer: &mut BitWriter<'_>, numbers: &[u64]) {
    for block in numbers.chunks(BLOCK) {
        let shift = best_shift(block);
        writer.write(u64::from(shift), SHIFT_BITS);
        for number in block {
            let quotient = number >> shift;
            if quotient < u64::from(ESCAPE) {
                writer.write_unary(quotient as u32);
                writer.write(number - (quotient << shift), shift);
            } else {
                writer.write_unary(ESCAPE);
                writer.write(*number, 64);
            }
        }
    }
}

/// Takes `count` unsigned numbers.
pub(super) fn take_blocks(reader: &mut BitReader<'_>, count: usize, mut take: impl FnMut(u64)) -> Option<()> {
    let mut left = count;
    while 0 < left {
        let shift = reader.read(SHIFT_BITS)? as u32;
        for _ in 0..left.min(BLOCK) {
            let quotient = reader.read_unary(ESCAPE)?;
            if quotient == ESCAPE {
                take(reader.read(64)?);
            } else {
                take((u64::from(quotient) << shift) | reader.read(shift)?);
            }
        }
        left -= left.min(BLOCK);
    }
    Some(())
}

/// The shift that takes the fewest bits: near the logarithm of the mean.
fn best_shift(block: &[u64]) -> u32 {
    let sum: u128 = block.iter().map(|number| u128::from(*number)).sum();
    let mean = (sum / block.len().max(1) as u128) as u64;
    let near = (63 - (mean | 1).leading_zeros()).min(62);
    let cost = |shift: u32| {
        let bits = |number: &u64| {
            let quotient = number >> shift;
            if quotient < u64::from(ESCAPE) { quotient + 1 + u64::from(shift) } else { u64::from(ESCAPE) + 65 }
        };
        block.iter().map(bits).sum::<u64>()
    };
    // An outlier lifts the mean, so two below it are tried as well.
    (near.saturating_sub(2)..=near + 1).min_by_key(|shift| cost(*shift)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(numbers in prop::collection::vec(prop_oneof![-9i64..9, 100i64..200, any::<i64>()], 0..100)) {
            let mut bytes = Vec::new();
            encode(&numbers, &mut bytes, &mut Vec::new());
            let mut decoded = Vec::new();
            prop_assert_eq!(decode(&bytes, numbers.len(), &mut decoded), Some(()));
            prop_assert_eq!(decoded, numbers);
        }
    }
}
