//! Whole numbers in blocks, each as wide as its widest.
//!
//! ```text
//! packed = least zigzag varint | block*
//! block  = width 7 bits | numbers less the least, BLOCK of them (fewer in the last), `width` bits each
//! ```

use super::whole::zigzag;
use crate::bits::{BitReader, BitWriter};
use crate::bytes::{Reader, put_varint};

/// Numbers in a block.
const BLOCK: usize = 32;
const WIDTH_BITS: u32 = 7;

pub(super) fn encode(numbers: &[i64], out: &mut Vec<u8>) {
    let least = numbers.iter().copied().min().unwrap_or(0);
    put_varint(out, zigzag(least));
    let mut writer = BitWriter::new(out);
    for block in numbers.chunks(BLOCK) {
        let above = |number: &i64| number.wrapping_sub(least).cast_unsigned();
        let width = 64 - block.iter().fold(0, |all, number| all | above(number)).leading_zeros();
        writer.write(u64::from(width), WIDTH_BITS);
        for number in block {
            writer.write(above(number), width);
        }
    }
    writer.finish();
}

/// Appends `count` numbers.
pub(super) fn decode(bytes: &[u8], count: usize, out: &mut Vec<i64>) -> Option<()> {
    let mut head = Reader::new(bytes);
    let least = head.signed()?;
    let mut reader = BitReader::new(head.rest);
    let mut left = count;
    while 0 < left {
        let width = reader.read(WIDTH_BITS)? as u32;
        if 64 < width {
            return None;
        }
        for _ in 0..left.min(BLOCK) {
            out.push(least.wrapping_add(reader.read(width)?.cast_signed()));
        }
        left -= left.min(BLOCK);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(numbers in prop::collection::vec(prop_oneof![-9i64..9, any::<i64>()], 0..100)) {
            let mut bytes = Vec::new();
            encode(&numbers, &mut bytes);
            let mut decoded = Vec::new();
            prop_assert_eq!(decode(&bytes, numbers.len(), &mut decoded), Some(()));
            prop_assert_eq!(decoded, numbers);
        }
    }
}
