//! Values that are whole numbers times a power of ten: differences of the whole numbers, packed in blocks. Written by the
//! first layout; only read today.
//!
//! ```text
//! chunk = digits u8 | first varint zigzag | block*
//! block = width u8 | differences (zigzag), BLOCK of them (fewer in the last), `width` bits each, low bits first
//! ```

use super::whole::unzigzag;
use crate::bytes::Reader;

/// Digits behind the point that were tried.
const DIGITS_MAX: i32 = 6;
/// Differences in a block; each block has the width of its widest.
const BLOCK: usize = 32;

/// Appends `count` values, at least one.
pub(super) fn decode(bytes: &[u8], count: usize, values: &mut Vec<f64>) -> Option<()> {
    let mut reader = Reader::new(bytes);
    let digits = i32::from(reader.byte()?);
    if DIGITS_MAX < digits {
        return None;
    }
    let power = 10f64.powi(digits);
    let mut whole = reader.signed()?;
    let end = values.len() + count;
    values.push(whole as f64 / power);
    while values.len() < end {
        let width = u32::from(reader.byte()?);
        if 64 < width {
            return None;
        }
        let in_block = BLOCK.min(end - values.len());
        let packed = reader.take((in_block * width as usize).div_ceil(8))?;
        let mask = if width == 64 { u64::MAX } else { (1 << width) - 1 };
        let (mut held, mut held_bits, mut next) = (0u128, 0, 0);
        for _ in 0..in_block {
            while held_bits < width {
                held |= u128::from(packed[next]) << held_bits;
                held_bits += 8;
                next += 1;
            }
            let difference = held as u64 & mask;
            held >>= width;
            held_bits -= width;
            whole = whole.wrapping_add(unzigzag(difference));
            values.push(whole as f64 / power);
        }
    }
    Some(())
}
