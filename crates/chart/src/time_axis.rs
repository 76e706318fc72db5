//! The time axis: ticks at round local times.

use jiff::Timestamp;
use jiff::fmt::strtime;

/// Ticks, about as many as a plot of ordinary width has room for.
const TICKS_WANTED: i64 = 7;
const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Steps between ticks, in milliseconds.
const STEPS: [i64; 24] = [
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    30 * DAY,
    90 * DAY,
    365 * DAY,
];

/// A tick: where, from 0 at the left to 1 at the right, and its label.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TimeTick {
    pub(crate) fraction: f64,
    pub(crate) label: String,
    /// Whether a narrow plot leaves it out; the last never is.
    pub(crate) optional: bool,
}

/// Ticks between two moments, `from_ms < to_ms`, at round times of a zone that is `utc_offset_s` ahead of UTC.
pub(crate) fn time_ticks(from_ms: i64, to_ms: i64, utc_offset_s: i32) -> Vec<TimeTick> {
    let span = i128::from(to_ms) - i128::from(from_ms);
    let step = STEPS.iter().copied().find(|step| span <= i128::from(step * TICKS_WANTED));
    let Some(step) = step else { return Vec::new() };
    let offset = i64::from(utc_offset_s) * SECOND;
    let Some(local_from) = from_ms.checked_add(offset) else { return Vec::new() };
    let Some(local_to) = to_ms.checked_add(offset) else { return Vec::new() };
    let first = local_from.div_euclid(step) + i64::from(local_from.rem_euclid(step) != 0);
    let last = local_to.div_euclid(step);
    (first..=last)
        .filter_map(|index| {
            let local = index.checked_mul(step)?;
            let fraction = (local - local_from) as f64 / span as f64;
            // A label at the very left would lie under the value axis.
            (0.02 < fraction).then(|| TimeTick {
                fraction,
                label: local_label(local, step),
                optional: (last - index) % 2 != 0,
            })
        })
        .collect()
}

/// A moment of local time as the step needs it: `14:05:30`, `14:05`, `11-22`, `2026-11`.
fn local_label(local_ms: i64, step: i64) -> String {
    let format = match step {
        ..MINUTE => "%H:%M:%S",
        ..DAY if local_ms.rem_euclid(DAY) == 0 => "%m-%d",
        ..DAY => "%H:%M",
        _ if step < 90 * DAY => "%m-%d",
        _ => "%Y-%m",
    };
    let Ok(at) = Timestamp::from_millisecond(local_ms) else { return String::new() };
    strtime::format(format, at).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T14:00:00Z
    const AT: i64 = 1_795_356_000_000;

    fn check(from_ms: i64, span_ms: i64, utc_offset_s: i32, expected: &str) {
        let ticks = time_ticks(from_ms, from_ms + span_ms, utc_offset_s);
        let labels: Vec<_> =
            ticks.iter().map(|tick| format!("{}{}", tick.label, if tick.optional { "?" } else { "" })).collect();
        assert_eq!(labels.join(" "), expected);
    }

    #[test]
    fn ticks_are_at_round_local_times() {
        check(AT, 30 * MINUTE, 0, "14:05? 14:10 14:15? 14:20 14:25? 14:30");
        check(AT + 7 * SECOND, 12 * MINUTE, 0, "14:02? 14:04 14:06? 14:08 14:10? 14:12");
        check(AT, 12 * SECOND, 0, "14:00:02? 14:00:04 14:00:06? 14:00:08 14:00:10? 14:00:12");
        check(AT, 24 * HOUR, 8 * 3_600, "11-23? 06:00 12:00? 18:00");
        check(AT, 6 * DAY, 0, "11-23? 11-24 11-25? 11-26 11-27? 11-28");
        check(AT, 1_000 * DAY, 0, "2027-12? 2028-12");
    }

    #[test]
    fn any_window_has_a_bounded_number_of_ticks() {
        for (from, to) in [(i64::MIN, i64::MAX), (0, 1), (i64::MAX - 1, i64::MAX), (i64::MIN, i64::MIN + 60_000)] {
            assert!(time_ticks(from, to, 50_400).len() <= 8);
        }
    }
}
