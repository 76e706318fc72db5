//! Sizes as Prometheus' `units.Base2Bytes` reads them.

use thiserror::Error;

/// Why a text is no size. The first two are Prometheus' texts.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum SizeError {
    /// A number without a unit.
    #[error("units: unknown unit {unit} in {text}; write a size such as 16MB")]
    Unit { unit: String, text: String },
    /// Not a number with a unit at all.
    #[error("units: invalid {0}; write a size such as 16MB")]
    Invalid(String),
    /// Below zero.
    #[error("{0:?} is less than nothing")]
    Negative(String),
    /// Larger than can be counted.
    #[error("{0:?} is too large")]
    TooLarge(String),
}

/// The units, all in powers of 1024, with the power of 2.
const UNITS: [(&str, u32); 13] = [
    ("B", 0),
    ("KB", 10),
    ("KiB", 10),
    ("MB", 20),
    ("MiB", 20),
    ("GB", 30),
    ("GiB", 30),
    ("TB", 40),
    ("TiB", 40),
    ("PB", 50),
    ("PiB", 50),
    ("EB", 60),
    ("EiB", 60),
];

/// Reads numbers with units, one after the other: `16MB`, `1.5GiB`, `1GB512MB`; `0` needs no unit.
pub(crate) fn parse_bytes(text: &str) -> Result<usize, SizeError> {
    let invalid = || SizeError::Invalid(text.to_owned());
    if text == "0" {
        return Ok(0);
    }
    if let Some(rest) = text.strip_prefix('-') {
        return if parse_bytes(rest).is_ok() { Err(SizeError::Negative(text.to_owned())) } else { Err(invalid()) };
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.bytes().take_while(|byte| !byte.is_ascii_digit() && *byte != b'.').count();
        let (unit, tail) = tail.split_at(letters);
        let number: f64 = number.parse().map_err(|_cause| invalid())?;
        let Some((_, power)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(SizeError::Unit { unit: unit.to_owned(), text: text.to_owned() });
        };
        total += number * (1u64 << power) as f64;
        rest = tail;
    }
    // Beyond 2^63 Prometheus' number overflows.
    if total < 9_223_372_036_854_775_808.0 { Ok(total as usize) } else { Err(SizeError::TooLarge(text.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024() {
        for (text, expected) in [
            ("16MB", Ok(16 << 20)),
            ("1KiB", Ok(1024)),
            ("1.5GB", Ok(3 << 29)),
            ("1GB512MB", Ok(3 << 29)),
            ("0", Ok(0)),
            ("100", Err("units: unknown unit  in 100; write a size such as 16MB")),
            ("1XB", Err("units: unknown unit XB in 1XB; write a size such as 16MB")),
            ("x", Err("units: invalid x; write a size such as 16MB")),
            ("-1GB", Err("\"-1GB\" is less than nothing")),
            ("9999999EB", Err("\"9999999EB\" is too large")),
        ] {
            assert_eq!(parse_bytes(text).map_err(|error| error.to_string()), expected.map_err(str::to_owned), "{text}");
        }
    }
}
