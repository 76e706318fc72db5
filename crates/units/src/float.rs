//! Floats as Go reads and prints them (`strconv.ParseFloat`, `strconv.FormatFloat`), because Prometheus' API, its text
//! format and its templates are defined by Go.

use std::fmt::Write as _;
use std::num::ParseFloatError;

use thiserror::Error;

/// Why a text is not a float.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
pub enum FloatError {
    /// The text has another form.
    #[error("invalid syntax")]
    Invalid,
    /// The magnitude is beyond f64; Go returns this infinity together with the error.
    #[error("value out of range")]
    Range(f64),
}

/// Reads a float as Go's `ParseFloat(text, 64)` does: decimal and hexadecimal, `inf` and `nan` in any case.
///
/// # Errors
/// [`FloatError::Invalid`] for another form, [`FloatError::Range`] for magnitudes beyond f64.
pub fn parse(text: &str) -> Result<f64, FloatError> {
    let (sign, body) = match text.as_bytes().first() {
        Some(b'+') => (1.0, &text[1..]),
        Some(b'-') => (-1.0, &text[1..]),
        _ => (1.0, text),
    };
    let bytes = body.as_bytes();
    let magnitude = match bytes.first() {
        Some(b'0') if matches!(bytes.get(1), Some(b'x' | b'X')) => parse_hex(&body[2..]).ok_or(FloatError::Invalid)?,
        // Rust's grammar agrees with Go's here: its forms of infinity and NaN are excluded by the first byte.
        Some(b'0'..=b'9' | b'.') => body.parse().map_err(|_syntax: ParseFloatError| FloatError::Invalid)?,
        _ if body.eq_ignore_ascii_case("inf") || body.eq_ignore_ascii_case("infinity") => {
            return Ok(sign * f64::INFINITY);
        }
        // Go takes no sign before nan.
        _ if text.eq_ignore_ascii_case("nan") => return Ok(NORMAL_NAN),
        _ => return Err(FloatError::Invalid),
    };
    if magnitude.is_infinite() { Err(FloatError::Range(sign * magnitude)) } else { Ok(sign * magnitude) }
}

/// The NaN that Go's `math.NaN()` returns; Prometheus' "normal" NaN.
pub const NORMAL_NAN: f64 = f64::from_bits(0x7ff8_0000_0000_0001);

/// `mantissa p exponent` in hexadecimal, after the `0x`; the exponent is required, as in Go.
fn parse_hex(body: &str) -> Option<f64> {
    let (mantissa, exponent) = body.split_once(['p', 'P'])?;
    let exponent_digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if exponent_digits.is_empty() || !exponent_digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // An exponent too long for an i64 is still only "very large" or "very small".
    let mut exponent = exponent.parse::<i64>().unwrap_or(if exponent.starts_with('-') { -1 << 40 } else { 1 << 40 });
    let (mut bits, mut sticky, mut digits, mut seen_dot) = (0u64, false, 0, false);
    for byte in mantissa.bytes() {
        if byte == b'.' {
            if seen_dot {
                return None;
            }
            seen_dot = true;
            continue;
        }
        let digit = (byte as char).to_digit(16)?;
        digits += 1;
        if bits >> 60 == 0 {
            bits = bits << 4 | u64::from(digit);
            exponent -= if seen_dot { 4 } else { 0 };
        } else {
            sticky |= digit != 0;
            exponent += if seen_dot { 0 } else { 4 };
        }
    }
    if digits == 0 {
        return None;
    }
    Some(scale_to_nearest_even(bits, sticky, exponent))
}

/// `bits * 2^exponent`, rounded once, half to even; `sticky` says that nonzero digits were left out below `bits`.
fn scale_to_nearest_even(bits: u64, sticky: bool, exponent: i64) -> f64 {
    if bits == 0 {
        return 0.0;
    }
    let shift = i64::from(bits.leading_zeros());
    let (bits, exponent) = (bits << shift, exponent - shift);
    let top = exponent + 63; // value is in [2^top, 2^(top+1))
    if 1023 < top {
        return f64::INFINITY;
    }
    let kept = if top < -1022 { (53 - (-1022 - top)).max(-1) } else { 53 };
    if kept < 0 {
        return 0.0;
    }
    let drop = 64 - kept; // 11 for normal numbers, up to 64 for the smallest
    let (head, tail, half) =
        if drop == 64 { (0, bits, 1 << 63) } else { (bits >> drop, bits & ((1 << drop) - 1), 1 << (drop - 1)) };
    let up = half < tail || (half == tail && (sticky || head & 1 == 1));
    let rounded = head + u64::from(up);
    if top < -1022 {
        return f64::from_bits(rounded); // subnormal, or the smallest normal after a carry: the encoding is continuous
    }
    let biased = u64::try_from(top + 1023).unwrap_or(0);
    f64::from_bits((biased << 52) + (rounded - (1 << 52)))
}

/// The form of a sample value in Prometheus' HTTP API (`jsonutil.MarshalFloat`): shortest digits that round-trip, `f`
/// notation for magnitudes in [1e-6, 1e21), else `e` notation with at least two exponent digits.
pub fn api_value(value: f64) -> String {
    let mut out = String::new();
    write_api_value(&mut out, value);
    out
}

/// [`api_value`] into a buffer.
pub fn write_api_value(out: &mut String, value: f64) {
    let magnitude = value.abs();
    if special(out, value) {
    } else if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        write_exponential(out, value);
    } else {
        push(out, format_args!("{value}"));
    }
}

/// Go's `FormatFloat(value, 'f', -1, 64)`, never an exponent: `model.SampleValue` as a string, `count_values` labels.
pub fn shortest_f(value: f64) -> String {
    let mut out = String::new();
    if !special(&mut out, value) {
        push(&mut out, format_args!("{value}"));
    }
    out
}

/// Go's `%v` and `FormatFloat(value, 'g', -1, 64)`: shortest digits, `e` notation for decimal exponents below -4 and
/// from 6 on (`123456`, `1e+06`, `1.234567e+06`), as templates and the text exposition format print.
pub fn shortest_g(value: f64) -> String {
    let mut out = String::new();
    if special(&mut out, value) {
        return out;
    }
    let scientific = format!("{value:e}");
    let exponent = scientific.split_once('e').and_then(|(_, e)| e.parse::<i32>().ok()).unwrap_or(0);
    if value != 0.0 && !(-4..SHORTEST_EXPONENT_MAX).contains(&exponent) {
        write_exponential(&mut out, value);
    } else {
        push(&mut out, format_args!("{value}"));
    }
    out
}

/// The decimal exponent from which Go's shortest `g` form has an `e`.
const SHORTEST_EXPONENT_MAX: i32 = 6;

/// Go's `FormatFloat(value, 'g', precision, 64)` without trailing zeros, which is C's `%.{precision}g`.
pub fn general(value: f64, precision: usize) -> String {
    let mut out = String::new();
    if special(&mut out, value) {
        return out;
    }
    let precision = precision.max(1);
    let scientific = format!("{value:.*e}", precision - 1);
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let precision_signed = i32::try_from(precision).unwrap_or(i32::MAX);
    if exponent < -4 || precision_signed <= exponent {
        out.push_str(trim_fraction(mantissa));
        push_exponent(&mut out, exponent);
    } else {
        let decimals = usize::try_from(precision_signed - 1 - exponent).unwrap_or(0);
        let fixed = format!("{value:.decimals$}");
        out.push_str(trim_fraction(&fixed));
    }
    out
}

fn trim_fraction(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

fn write_exponential(out: &mut String, value: f64) {
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    out.push_str(mantissa);
    push_exponent(out, exponent.parse().unwrap_or(0));
}

/// `e`, a sign, and at least two digits.
fn push_exponent(out: &mut String, exponent: i32) {
    push(out, format_args!("e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.unsigned_abs()));
}

fn special(out: &mut String, value: f64) -> bool {
    let text = if value.is_nan() {
        "NaN"
    } else if value == f64::INFINITY {
        "+Inf"
    } else if value == f64::NEG_INFINITY {
        "-Inf"
    } else {
        return false;
    };
    out.push_str(text);
    true
}

fn push(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _infallible = out.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_floats_round_once() {
        for (text, expected) in [
            ("0x1p4", Ok(16.0)),
            ("0x1.8p1", Ok(3.0)),
            ("-0x.8p0", Ok(-0.5)),
            ("0x1p-1074", Ok(f64::from_bits(1))),
            ("0x1p-1075", Ok(0.0)),
            ("0x1.8p-1075", Ok(f64::from_bits(1))),
            ("0x1.fffffffffffff8p0", Ok(2.0)),
            ("0x1p1024", Err(FloatError::Range(f64::INFINITY))),
            ("0x1", Err(FloatError::Invalid)),
            ("0xp1", Err(FloatError::Invalid)),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn only_go_forms_are_floats() {
        for text in ["", "1_0", "+", "+nan", "-nan", "0x", " 1", "1 ", "e5", ".", "infin"] {
            assert_eq!(parse(text), Err(FloatError::Invalid), "{text}");
        }
        assert_eq!(parse("-1e400"), Err(FloatError::Range(f64::NEG_INFINITY)));
        assert_eq!(parse("nan").map(f64::to_bits), Ok(0x7ff8_0000_0000_0001));
    }

    #[test]
    fn the_api_changes_to_exponents_at_both_ends() {
        for (value, expected) in [(1e6, "1000000"), (1e21, "1e+21"), (1e-7, "1e-07"), (-0.0, "-0"), (1e-6, "0.000001")]
        {
            assert_eq!(api_value(value), expected);
        }
    }
}
