//! The values of number, duration and string literals.

use units::duration::parse_ms;
use units::float::{self, FloatError};
use units::quote::quote;

use crate::ast::NumberLiteral;
use crate::bytes::carry;

/// A number: what Go's `ParseInt(text, 0, 64)` takes (`0x1f`, `0o17`, `0755`, `0b11`, `1_000`), else a float.
pub(crate) fn parse_number(text: &str) -> Result<f64, String> {
    if let Some(integer) = parse_integer(text) {
        return Ok(integer);
    }
    let digits: String;
    let digits = if underscores_separate_digits(text) {
        digits = text.replace('_', "");
        &digits
    } else {
        text
    };
    float::parse(digits).map_err(|error| {
        let reason = match error {
            FloatError::Invalid => "invalid syntax",
            FloatError::Range(_) => "value out of range",
        };
        format!("error parsing number: strconv.ParseFloat: parsing {}: {reason}", quote(text))
    })
}

/// A duration such as `1h30m`, in seconds.
pub(crate) fn parse_duration(text: &str) -> Result<NumberLiteral, String> {
    let ms = parse_ms(text).map_err(|error| error.to_string())?;
    #[expect(clippy::cast_precision_loss, reason = "durations are below 2^53 milliseconds")]
    let value = ms as f64 / 1000.0;
    Ok(NumberLiteral { value, is_duration: true })
}

/// The text of a string literal with its quotes; the lexer has checked the escapes.
pub(crate) fn unquote(literal: &str) -> String {
    let inner = &literal[1..literal.len() - 1];
    if literal.starts_with('`') || !inner.contains('\\') {
        return inner.to_owned();
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = push_escape(&mut bytes, &rest[at + 1..]);
    }
    bytes.extend_from_slice(rest.as_bytes());
    carry(&bytes)
}

/// Adds what the escape means; gives what follows it.
fn push_escape<'a>(bytes: &mut Vec<u8>, escape: &'a str) -> &'a str {
    let number = |from: usize, length: usize, base| {
        escape.get(from..from + length).and_then(|digits| u32::from_str_radix(digits, base).ok()).unwrap_or_default()
    };
    let mut push_char = |code: u32| {
        let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    };
    let length = match escape.as_bytes().first() {
        Some(b'u') => {
            push_char(number(1, 4, 16));
            5
        }
        Some(b'U') => {
            push_char(number(1, 8, 16));
            9
        }
        Some(b'x') => {
            bytes.push(number(1, 2, 16).to_le_bytes()[0]);
            3
        }
        Some(b'0'..=b'7') => {
            bytes.push(number(0, 3, 8).to_le_bytes()[0]);
            3
        }
        Some(letter) => {
            bytes.push(match letter {
                b'a' => 7,
                b'b' => 8,
                b'f' => 12,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'v' => 11,
                other => *other,
            });
            1
        }
        None => 0,
    };
    &escape[length..]
}

#[expect(clippy::cast_precision_loss, reason = "PromQL has only floats")]
fn parse_integer(text: &str) -> Option<f64> {
    if !underscores_separate_digits(text) {
        return None;
    }
    let lower = text.to_ascii_lowercase().replace('_', "");
    let (digits, base) = match lower.as_bytes() {
        [b'0', b'x', ..] => (&lower[2..], 16),
        [b'0', b'o', ..] => (&lower[2..], 8),
        [b'0', b'b', ..] => (&lower[2..], 2),
        [b'0', _, ..] => (&lower[1..], 8),
        _ => (lower.as_str(), 10),
    };
    let unsigned = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    unsigned.then(|| i64::from_str_radix(digits, base).ok()).flatten().map(|integer| integer as f64)
}

/// Go's rule: an underscore stands between two digits, or between the base prefix and a digit.
fn underscores_separate_digits(text: &str) -> bool {
    let bytes = text.as_bytes();
    let has_prefix = matches!(bytes, [b'0', b'x' | b'X' | b'o' | b'O' | b'b' | b'B', ..]);
    let hexadecimal = matches!(bytes, [b'0', b'x' | b'X', ..]);
    let is_digit = |at: usize| {
        bytes.get(at).is_some_and(|byte| byte.is_ascii_digit() || (hexadecimal && byte.is_ascii_hexdigit()))
            || (has_prefix && at == 1)
    };
    bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'_')
        .all(|(at, _)| at > 0 && is_digit(at - 1) && is_digit(at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_go_reads_literals() {
        for (text, expected) in [
            ("0777", 511.0),
            ("08", 8.0),
            ("0x1f", 31.0),
            ("0b11", 3.0),
            ("1_000", 1000.0),
            ("1_000.5", 1000.5),
            ("0X_1FFFP-16", 0.124_984_741_210_937_5),
            ("9223372036854775808", 9_223_372_036_854_775_808.0),
            ("1e3", 1000.0),
        ] {
            assert_eq!(parse_number(text), Ok(expected), "{text}");
        }
        for text in ["1__0", "_1", "1_", "0x", "1_e3"] {
            assert!(parse_number(text).is_err(), "{text}");
        }
    }

    #[test]
    fn escapes_are_bytes_until_the_end() {
        for (literal, expected) in [
            (r#""\u4e2d\x41\101\n""#, "中AA\n"),
            (r"'it\'s'", "it's"),
            (r#""\xe4\xb8\xad""#, "中"),
            (r"`a\n`", r"a\n"),
            (r#""\U0001F600""#, "😀"),
        ] {
            assert_eq!(unquote(literal), expected, "{literal}");
        }
        assert!(!crate::is_utf8(&unquote(r#""\xff""#)));
    }
}
