//! Moments and spans as words.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

/// `2026-11-22 14:30:05`.
pub(crate) fn date_and_clock(at_ms: i64, utc_offset_s: i32) -> String {
    formatted("%Y-%m-%d %H:%M:%S", at_ms, utc_offset_s)
}

fn formatted(format: &str, at_ms: i64, utc_offset_s: i32) -> String {
    let local = Timestamp::from_millisecond(at_ms.saturating_add(i64::from(utc_offset_s) * 1_000));
    let text = local.ok().and_then(|local| jiff::fmt::strtime::format(format, local).ok());
    text.unwrap_or_else(|| units::unit::MISSING.to_owned())
}

/// `40 s`, `18 min`, `2 h 5 min`, `3 d`: how long something has lasted.
pub(crate) fn span(ms: i64) -> String {
    let seconds = ms.max(0) / 1_000;
    match seconds {
        ..=99 => format!("{seconds} s"),
        100..=5_399 => format!("{} min", (seconds + 30) / 60),
        5_400..=172_799 if seconds % 3_600 < 60 => format!("{} h", seconds / 3_600),
        5_400..=172_799 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `3.0 s ago`.
pub(crate) fn ago(ms: i64) -> String {
    match ms.max(0) {
        ms @ ..=99_999 => format!("{:.1} s ago", ms as f64 / 1_000.0),
        ms => format!("{} ago", span(ms)),
    }
}

/// How far this machine's clock is ahead of UTC at a moment, in seconds.
pub(crate) fn local_offset_s(at_ms: i64) -> i32 {
    let zone = TimeZone::system();
    Timestamp::from_millisecond(at_ms).map_or(Offset::UTC, |at| zone.to_offset(at)).seconds()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_as_exact_as_they_matter() {
        for (ms, expected) in [
            (-5, "0 s"),
            (40_000, "40 s"),
            (1_080_000, "18 min"),
            (7_200_000, "2 h"),
            (7_500_000, "2 h 5 min"),
            (300_000_000, "3 d"),
        ] {
            assert_eq!(span(ms), expected);
        }
        assert_eq!(ago(2_960), "3.0 s ago");
    }
}
