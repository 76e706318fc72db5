//! Values and moments as text. Prometheus takes Go's floats, but neither hexadecimal ones nor underscores (`parseFloat` in
//! its textparse).

/// Powers of ten that a float holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];
/// Whole numbers up to this are exact as floats.
const EXACT_WHOLE_MAX: u64 = 1 << 53;
/// Digits that fit a u64 whatever they are.
const DIGITS_MAX: usize = 19;
/// Digits of an exponent that may be of use here.
const EXPONENT_DIGITS_MAX: usize = 3;

/// The number at the start of `text` and how many bytes it has, if it is a plain decimal whose value one multiplication
/// or division of exact floats gives without a second rounding (W. D. Clinger, "How to read floating point numbers
/// accurately", 1990). Most of a page is; the caller looks at what follows.
pub(crate) fn plain(text: &[u8]) -> Option<(f64, usize)> {
    let negative = text.first() == Some(&b'-');
    let start = usize::from(negative);
    let mut at = start;
    let mut mantissa = 0u64;
    while let Some(digit) = digit(text, at) {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(digit);
        at += 1;
    }
    let mut digits = at - start;
    let mut exponent = 0i32;
    if text.get(at) == Some(&b'.') {
        at += 1;
        let fraction = at;
        while let Some(digit) = digit(text, at) {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(digit);
            at += 1;
        }
        digits += at - fraction;
        exponent -= i32::try_from(at - fraction).ok()?;
    }
    if digits == 0 || DIGITS_MAX < digits || EXACT_WHOLE_MAX < mantissa {
        return None;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        let sign = text.get(at + 1);
        let first = at + 1 + usize::from(matches!(sign, Some(b'-' | b'+')));
        at = first;
        let mut written = 0i32;
        while let Some(digit) = digit(text, at).filter(|_| at - first < EXPONENT_DIGITS_MAX) {
            written = written * 10 + i32::try_from(digit).ok()?;
            at += 1;
        }
        if at == first || digit(text, at).is_some() {
            return None;
        }
        exponent += if sign == Some(&b'-') { -written } else { written };
    }
    let whole = mantissa as f64;
    let power = EXACT_POWERS.get(usize::try_from(exponent.unsigned_abs()).ok()?)?;
    let value = if exponent < 0 { whole / power } else { whole * power };
    Some((if negative { -value } else { value }, at))
}

fn digit(text: &[u8], at: usize) -> Option<u64> {
    let digit = text.get(at)?.wrapping_sub(b'0');
    (digit < 10).then_some(u64::from(digit))
}

/// Any value.
pub(crate) fn parse(text: &[u8]) -> Option<f64> {
    if text.iter().any(|byte| matches!(byte, b'x' | b'X' | b'p' | b'P' | b'_')) {
        return None;
    }
    units::float::parse(std::str::from_utf8(text).ok()?).ok()
}

/// Seconds as milliseconds, cut off towards zero; what is out of range becomes the smallest number, as Go's conversion on
/// x86-64 has it, which Prometheus' verdict on the OpenMetrics suite shows.
pub(crate) fn seconds_to_ms(seconds: f64) -> i64 {
    let ms = seconds * 1000.0;
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&ms) { ms as i64 } else { i64::MIN }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_numbers_end_where_their_digits_end() {
        let check = |text: &str, expected: Option<(f64, usize)>| assert_eq!(plain(text.as_bytes()), expected, "{text}");
        check("12 ", Some((12.0, 2)));
        check("-0.5\n", Some((-0.5, 4)));
        check("1.", Some((1.0, 2)));
        check(".5", Some((0.5, 2)));
        check("1e3 4", Some((1000.0, 3)));
        check("1.5e-05", Some((1.5e-5, 7)));
        check("9007199254740993", None);
        check("123456789012345678901", None);
        check("1e23", None);
        for text in ["", "-", ".", "+1", "NaN", "e5", "1e", "1e+"] {
            check(text, None);
        }
    }

    #[test]
    fn moments_out_of_range_are_as_go_has_them() {
        for (seconds, ms) in [(1.5, 1_500), (-1.0, -1_000), (0.0019, 1), (1e30, i64::MIN), (-1e30, i64::MIN)] {
            assert_eq!(seconds_to_ms(seconds), ms, "{seconds}");
        }
    }

    proptest! {
        #[test]
        fn plain_numbers_are_what_the_general_parser_says(text in "-?[0-9]{0,18}(\\.[0-9]{0,9})?([eE][+-]?[0-9]{1,2})?") {
            if let Some((value, length)) = plain(text.as_bytes()) {
                let expected = parse(&text.as_bytes()[..length]);
                prop_assert_eq!(expected.map(f64::to_bits), Some(value.to_bits()), "{}", text);
            }
        }

        #[test]
        fn a_written_float_is_read_back(value in any::<f64>()) {
            let text = units::float::shortest_g(value);
            let read = plain(text.as_bytes()).map_or_else(|| parse(text.as_bytes()), |(value, _)| Some(value));
            prop_assert!(value.is_nan() || read == Some(value));
        }
    }
}
