//! The time axis: ticks at round local times.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// Ticks, about as many as a plot of ordinary width has room for.
const TICKS_WANTED: i64 = 7;
const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Steps between ticks, in milliseconds.
const STEPS: [i64; 21] = [
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
];
/// Longer steps, in months.
const MONTHS: [i64; 8] = [1, 2, 3, 6, 12, 24, 60, 120];
/// A month's average length, for choosing a step.
const MONTH: i64 = 2_629_746 * SECOND;

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
    let offset = i64::from(utc_offset_s) * SECOND;
    let (Some(from), Some(to)) = (from_ms.checked_add(offset), to_ms.checked_add(offset)) else { return Vec::new() };
    let span = i128::from(to) - i128::from(from);
    let fits = |step: i64| span <= i128::from(step) * i128::from(TICKS_WANTED);
    let labelled: Vec<(i64, String)> = if let Some(step) = STEPS.into_iter().find(|step| fits(*step)) {
        let (first, last) = (from.div_euclid(step), to.div_euclid(step));
        let local = (first..=last).filter_map(|index| index.checked_mul(step));
        local.map(|local| (local, label(local, format_of(step, local)))).collect()
    } else if let Some(months) = MONTHS.into_iter().find(|months| fits(months * MONTH)) {
        let format = if months < 12 { "%Y-%m" } else { "%Y" };
        month_starts(from, to, months).into_iter().map(|local| (local, label(local, format))).collect()
    } else {
        Vec::new()
    };
    // A label at the very left would lie under the value axis.
    let place = |local: i64| (local as f64 - from as f64) / span as f64;
    let mut ticks: Vec<_> = labelled
        .into_iter()
        .map(|(local, label)| TimeTick { fraction: place(local), label, optional: false })
        .filter(|tick| 0.02 < tick.fraction && tick.fraction <= 1.0)
        .collect();
    for tick in ticks.iter_mut().rev().skip(1).step_by(2) {
        tick.optional = true;
    }
    ticks
}

/// What a step needs to tell its ticks apart.
const fn format_of(step: i64, local_ms: i64) -> &'static str {
    match step {
        ..MINUTE => "%H:%M:%S",
        ..DAY if local_ms.rem_euclid(DAY) != 0 => "%H:%M",
        _ => "%m-%d",
    }
}

/// The starts of every so many months of local time, counted from a year's beginning.
fn month_starts(from_ms: i64, to_ms: i64, months: i64) -> Vec<i64> {
    let (Some(from), Some(to)) = (month_of(from_ms), month_of(to_ms)) else { return Vec::new() };
    let indices = from.div_euclid(months)..=to.div_euclid(months);
    indices.filter_map(|index| start_of_month(index * months)).collect()
}

/// Months since the year 0.
fn month_of(local_ms: i64) -> Option<i64> {
    let date = TimeZone::UTC.to_datetime(Timestamp::from_millisecond(local_ms).ok()?).date();
    Some(i64::from(date.year()) * 12 + i64::from(date.month()) - 1)
}

fn start_of_month(month: i64) -> Option<i64> {
    let year = i16::try_from(month.div_euclid(12)).ok()?;
    let date = Date::new(year, i8::try_from(month.rem_euclid(12) + 1).ok()?, 1).ok()?;
    Some(TimeZone::UTC.to_timestamp(date.to_datetime(Time::midnight())).ok()?.as_millisecond())
}

fn label(local_ms: i64, format: &str) -> String {
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
        check(AT, 1_000 * DAY, 0, "2027-01? 2027-07 2028-01? 2028-07 2029-01? 2029-07");
        check(AT, 100 * DAY, 0, "2026-12? 2027-01 2027-02? 2027-03");
        check(AT, 3_000 * DAY, 0, "2028? 2030 2032? 2034");
    }

    #[test]
    fn any_window_has_a_bounded_number_of_ticks() {
        for (from, to) in [(i64::MIN, i64::MAX), (0, 1), (i64::MAX - 1, i64::MAX), (i64::MIN, i64::MIN + 60_000)] {
            assert!(time_ticks(from, to, 50_400).len() <= 8);
        }
    }
}
