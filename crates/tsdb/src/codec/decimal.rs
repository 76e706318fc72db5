//! Values that are whole numbers times a power of ten: differences of the whole numbers, packed in blocks.
//!
//! ```text
//! chunk = digits u8 | first varint zigzag | block*
//! block = width u8 | differences (zigzag), BLOCK of them (fewer in the last), `width` bits each, low bits first
//! ```

use crate::bytes::{Reader, put_signed};

/// Digits behind the point that are tried.
const DIGITS_MAX: i32 = 6;
/// Whole numbers up to here are exact in a double.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
/// Differences in a block; each block has the width of its widest.
const BLOCK: usize = 32;

/// Encodes into `out`; false if the values are no decimals.
pub(super) fn encode(values: &[f64], out: &mut Vec<u8>) -> bool {
    let Some((digits, whole)) = (0..=DIGITS_MAX).find_map(|digits| Some((digits, scaled(values, digits)?))) else {
        return false;
    };
    out.push(digits as u8);
    put_signed(out, whole[0]);
    let differences: Vec<u64> = whole.windows(2).map(|pair| zigzag(pair[1].wrapping_sub(pair[0]))).collect();
    for block in differences.chunks(BLOCK) {
        let width = block.iter().map(|difference| 64 - difference.leading_zeros()).max().unwrap_or(0);
        out.push(width as u8);
        let (mut held, mut held_bits) = (0u128, 0);
        for difference in block {
            held |= u128::from(*difference) << held_bits;
            held_bits += width;
            while 8 <= held_bits {
                out.push(held as u8);
                held >>= 8;
                held_bits -= 8;
            }
        }
        if 0 < held_bits {
            out.push(held as u8);
        }
    }
    true
}

pub(super) fn decode(bytes: &[u8], count: usize) -> Option<Vec<f64>> {
    let mut reader = Reader::new(bytes);
    let digits = i32::from(reader.byte()?);
    if DIGITS_MAX < digits {
        return None;
    }
    let power = 10f64.powi(digits);
    let mut whole = reader.signed()?;
    let mut values = Vec::with_capacity(count);
    values.push(whole as f64 / power);
    while values.len() < count {
        let width = u32::from(reader.byte()?);
        if 64 < width {
            return None;
        }
        let in_block = BLOCK.min(count - values.len());
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
    Some(values)
}

/// The values as whole numbers of `10^-digits`, if that is exact for each.
fn scaled(values: &[f64], digits: i32) -> Option<Vec<i64>> {
    let power = 10f64.powi(digits);
    values
        .iter()
        .map(|value| {
            let whole = (value * power).round();
            let exact = whole.abs() <= EXACT_MAX && (whole as i64 as f64 / power).to_bits() == value.to_bits();
            exact.then_some(whole as i64)
        })
        .collect()
}

const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}
