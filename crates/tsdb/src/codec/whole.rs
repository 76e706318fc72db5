//! Values as whole numbers of a power of ten, where that gives back every bit.

/// Powers of ten that a double holds exactly and that are tried.
const POWERS: [f64; 18] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17];
/// The most digits behind the point.
pub(crate) const DIGITS_MAX: u8 = 17;
/// Whole numbers stay below this, so that differences of differences do not overflow.
const WHOLE_MAX: i64 = 1 << 60;

/// The whole number `w` with `value == w / 10^digits` by bits.
pub(crate) fn whole_of(value: f64, digits: u8) -> Option<i64> {
    let scaled = if digits == 0 { value } else { rounded(value, digits) };
    // A cast saturates, and NaN becomes 0: neither gives the value back.
    let whole = scaled as i64;
    (whole.unsigned_abs() < WHOLE_MAX.unsigned_abs() && value_of(whole, digits).to_bits() == value.to_bits())
        .then_some(whole)
}

/// The whole number `w` for which `w / 10^digits` is about nearest to the value.
pub(super) fn nearest_of(value: f64, digits: u8) -> Option<i64> {
    let whole = rounded(value, digits) as i64;
    (value.is_finite() && whole.unsigned_abs() < WHOLE_MAX.unsigned_abs()).then_some(whole)
}

/// `value * 10^digits`, half a unit further from zero, so that a cast rounds it.
fn rounded(value: f64, digits: u8) -> f64 {
    value * POWERS[digits as usize] + 0.5f64.copysign(value)
}

/// The value of a whole number.
pub(crate) fn value_of(whole: i64, digits: u8) -> f64 {
    let whole = whole as f64;
    if digits == 0 { whole } else { whole / POWERS[digits as usize] }
}

/// The fewest digits, from `least` to `most`, with which the value is a whole number.
pub(crate) fn digits_of(value: f64, least: u8, most: u8) -> Option<u8> {
    if !value.is_finite() {
        return None;
    }
    (least..=most).find(|digits| whole_of(value, *digits).is_some())
}

/// Folds signed numbers so that those near zero are small.
pub(crate) const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// The other way.
pub(crate) const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_comes_back_by_bits_is_a_whole_number() {
        for (value, expected) in [
            (0.0, Some((0, 0))),
            (-3.0, Some((0, -3))),
            (0.25, Some((2, 25))),
            (-1234.5, Some((1, -12_345))),
            (1e15, Some((0, 1_000_000_000_000_000))),
            (0.1 + 0.2, Some((17, 30_000_000_000_000_004))),
            (-0.0, None),
            (f64::NAN, None),
            (model::STALE_NAN, None),
            (f64::INFINITY, None),
            (f64::MAX, None),
            (f64::from_bits(1), None),
        ] {
            let digits = digits_of(value, 0, DIGITS_MAX);
            assert_eq!(digits.and_then(|digits| Some((digits, whole_of(value, digits)?))), expected, "{value}");
        }
    }
}
