//! Prometheus' duration notation (`1h30m`, `15s`), as `model.ParseDuration` and `model.Duration.String` of
//! prometheus/common define it.

use thiserror::Error;

/// Milliseconds per unit, in the only order in which the units may appear.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 24 * 3_600_000),
    ("w", 7 * 24 * 3_600_000),
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// The longest duration in milliseconds: Go counts nanoseconds in an int64.
const DURATION_MS_MAX: i64 = i64::MAX / 1_000_000;

/// Why a text is not a duration. The texts are Prometheus'.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DurationError {
    /// Nothing was given.
    #[error("empty duration string")]
    Empty,
    /// The text has another form than numbers with units in falling order.
    #[error("not a valid duration string: {0:?}")]
    Invalid(String),
    /// The value does not fit Go's nanoseconds.
    #[error("duration out of range")]
    OutOfRange,
}

/// Parses a duration such as `1h30m` into milliseconds.
///
/// # Errors
/// Says what Prometheus says: empty, invalid, or out of range.
pub fn parse_ms(text: &str) -> Result<i64, DurationError> {
    match text {
        "" => return Err(DurationError::Empty),
        "0" => return Ok(0),
        _ => {}
    }
    let invalid = || DurationError::Invalid(text.to_owned());
    let mut rest = text;
    let mut next_unit = 0;
    let mut total: i64 = 0;
    let mut overflow = false;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.bytes().take_while(|b| !b.is_ascii_digit()).count();
        let (unit, tail) = tail.split_at(letters);
        let position = UNITS.iter().position(|(name, _)| *name == unit).ok_or_else(invalid)?;
        if digits == 0 || position < next_unit {
            return Err(invalid());
        }
        next_unit = position + 1;
        rest = tail;
        let part = number.parse::<i64>().ok().and_then(|n| n.checked_mul(UNITS[position].1));
        match part.and_then(|part| total.checked_add(part)) {
            Some(sum) if sum <= DURATION_MS_MAX => total = sum,
            _ => overflow = true,
        }
    }
    if overflow { Err(DurationError::OutOfRange) } else { Ok(total) }
}

/// Prints milliseconds as Prometheus prints a duration: `90000` is `1m30s`, zero is `0s`.
///
/// Years and weeks are used only where nothing smaller remains, so that a value reads as it was probably written.
pub fn format_ms(ms: i64) -> String {
    if ms == 0 {
        return "0s".to_owned();
    }
    let mut out = String::new();
    if ms < 0 {
        out.push('-');
    }
    let mut rest = ms.unsigned_abs();
    for (name, size) in UNITS {
        let size = size.unsigned_abs();
        let exact_only = matches!(name, "y" | "w");
        if (exact_only && !rest.is_multiple_of(size)) || rest < size {
            continue;
        }
        out.push_str(&(rest / size).to_string());
        out.push_str(name);
        rest %= size;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_print_as_prometheus_prints_them() {
        for (ms, expected) in [(0, "0s"), (90_000, "1m30s"), (604_800_000, "1w"), (1_001, "1s1ms"), (-60_000, "-1m")] {
            assert_eq!(format_ms(ms), expected);
        }
    }

    #[test]
    fn units_fall_and_appear_once() {
        for text in ["1d1w", "1m1m", "m", "1", "-1s", "1h30"] {
            assert_eq!(parse_ms(text), Err(DurationError::Invalid(text.to_owned())));
        }
        assert_eq!(parse_ms("1y2w3d4h5m6s7ms"), Ok(33_019_506_007));
        assert_eq!(parse_ms("293y"), Err(DurationError::OutOfRange));
    }
}
