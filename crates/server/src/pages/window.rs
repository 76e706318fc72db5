//! The time range of a page: Grafana's `from` and `to`, and the steps that a chart takes through it.

use model::Timestamp;

use super::view::shell::{Picker, Preset};

/// Steps of a chart, about; more would not be seen.
const STEPS_WANTED: i64 = 240;
/// Steps that divide minutes, hours and days, in milliseconds.
const STEPS_MS: [i64; 20] = [
    1_000, 2_000, 5_000, 10_000, 15_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_200_000,
    1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000,
];
/// The range of a page that says nothing else, as in the presets.
const DEFAULT: &str = "15m";
/// Ranges to choose from: how they are written, and in words.
const PRESETS: [(&str, &str); 6] = [
    ("5m", "Last 5 minutes"),
    ("15m", "Last 15 minutes"),
    ("1h", "Last 1 hour"),
    ("6h", "Last 6 hours"),
    ("24h", "Last 24 hours"),
    ("7d", "Last 7 days"),
];
/// Numbers from this on are milliseconds since the epoch, as Grafana writes them; smaller ones are seconds.
const MILLISECONDS_FROM: f64 = 1e11;

/// A time range and the steps through it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// The first step, a multiple of the step.
    pub(crate) start_ms: i64,
    /// The last step, a multiple of the step.
    pub(crate) end_ms: i64,
    pub(crate) step_ms: i64,
    /// The end as it was asked for, which may lie between two steps.
    asked_end_ms: i64,
    /// How far local time is ahead of UTC.
    pub(crate) utc_offset_s: i32,
    /// As it was written.
    pub(crate) from: String,
    pub(crate) to: String,
}

impl Window {
    /// The range between two texts; where one is missing or wrong, the last quarter of an hour.
    pub(crate) fn parse(from: Option<&str>, to: Option<&str>, now: Timestamp, utc_offset_s: i32) -> Self {
        let given = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let (from, to) = (given(from), given(to).unwrap_or_else(|| "now".to_owned()));
        let from = from.unwrap_or_else(|| format!("now-{DEFAULT}"));
        let start = moment(&from, now.as_ms(), utc_offset_s);
        let end = moment(&to, now.as_ms(), utc_offset_s);
        match (start, end) {
            (Some(start), Some(end)) if start < end => Self::between(start, end, utc_offset_s, from, to),
            _ => Self::parse(None, None, now, utc_offset_s),
        }
    }

    fn between(start_ms: i64, end_ms: i64, utc_offset_s: i32, from: String, to: String) -> Self {
        let (span, asked_end_ms) = (end_ms.saturating_sub(start_ms), end_ms);
        let days = 86_400_000 * (1 + span / STEPS_WANTED / 86_400_000);
        let step_ms = STEPS_MS.into_iter().find(|step| span <= step * STEPS_WANTED).unwrap_or(days);
        let end_ms = end_ms - end_ms.rem_euclid(step_ms);
        let start_ms = (start_ms - start_ms.rem_euclid(step_ms)).min(end_ms);
        Self { start_ms, end_ms, step_ms, asked_end_ms, utc_offset_s, from, to }
    }

    /// The same range without what lies before the first sample, so that a young store does not draw an empty plot.
    pub(crate) fn clipped_to(self, first_ms: i64) -> Self {
        if first_ms <= self.start_ms || self.asked_end_ms <= first_ms {
            return self;
        }
        // The next whole second, so that every step of the finest grid finds a sample.
        let start_ms = first_ms + STEPS_MS[0] - first_ms.rem_euclid(STEPS_MS[0]);
        Self::between(start_ms, self.asked_end_ms.max(start_ms), self.utc_offset_s, self.from, self.to)
    }

    /// The last step.
    pub(crate) const fn end(&self) -> Timestamp {
        Timestamp::from_ms(self.end_ms)
    }

    /// Takes another step.
    pub(crate) fn with_step(self, step_ms: i64) -> Self {
        let end_ms = self.end_ms - self.end_ms.rem_euclid(step_ms);
        let start_ms = (self.start_ms - self.start_ms.rem_euclid(step_ms)).min(end_ms);
        Self { start_ms, end_ms, step_ms, ..self }
    }

    /// Whether the range ends now, so that the page can live.
    pub(crate) fn is_live(&self) -> bool {
        self.to == "now"
    }

    /// Samples further apart than this are not joined: more than a step is missing between them.
    pub(crate) const fn gap_ms(&self) -> i64 {
        self.step_ms + self.step_ms / 2
    }

    /// The choice of ranges, as links to `path`, whose query may already hold something.
    pub(crate) fn picker(&self, path: &str) -> Picker {
        let join = if path.contains('?') { '&' } else { '?' };
        let preset = |(short, word): (&str, &str)| Preset {
            href: format!("{path}{join}from=now-{short}"),
            word: word.to_owned(),
            short: short.to_owned(),
            current: self.is_live() && self.from == format!("now-{short}"),
        };
        let presets: Vec<_> = PRESETS.into_iter().map(preset).collect();
        let current = presets.iter().find(|preset| preset.current).map(|preset| preset.word.clone());
        Picker { current: current.unwrap_or_else(|| format!("{} to {}", self.from, self.to)), presets }
    }
}

/// `now`, `now-15m`, milliseconds or seconds since the epoch, RFC 3339, or `2026-11-22 14:00` in local time.
fn moment(text: &str, now_ms: i64, utc_offset_s: i32) -> Option<i64> {
    if let Some(ago) = text.strip_prefix("now") {
        return match ago {
            "" => Some(now_ms),
            ago => now_ms.checked_sub(units::duration::parse_ms(ago.strip_prefix('-')?).ok()?),
        };
    }
    if let Ok(number) = units::float::parse(text) {
        let ms = if MILLISECONDS_FROM <= number.abs() { number } else { number * 1_000.0 };
        return (ms.abs() < 1e15).then_some(ms as i64);
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(at.as_millisecond());
    }
    let local: jiff::civil::DateTime = text.parse().ok()?;
    let at = jiff::tz::TimeZone::UTC.to_timestamp(local).ok()?;
    Some(at.as_millisecond() - i64::from(utc_offset_s) * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T14:30:07.250Z
    const NOW: Timestamp = Timestamp::from_ms(1_795_357_807_250);

    fn check(from: &str, to: &str, expected: (i64, i64, i64)) {
        let window = Window::parse(Some(from), Some(to), NOW, 8 * 3_600);
        let relative = (window.start_ms - NOW.as_ms(), window.end_ms - NOW.as_ms(), window.step_ms);
        assert_eq!(relative, expected, "{from} {to}");
    }

    #[test]
    fn ranges_are_whole_steps() {
        check("", "", (-902_250, -2_250, 5_000));
        check("now-1h", "now", (-3_607_250, -7_250, 15_000));
        check("1795354200000", "1795357800", (-3_607_250, -7_250, 15_000));
        check("2026-11-22 22:00", "2026-11-22T14:30:00Z", (-1_807_250, -7_250, 10_000));
        check("now-1h", "now-2h", (-902_250, -2_250, 5_000));
        check("yesterday", "now", (-902_250, -2_250, 5_000));
    }

    #[test]
    fn a_young_store_is_drawn_second_by_second() {
        let window = Window::parse(None, None, NOW, 0).clipped_to(NOW.as_ms() - 4_000);
        assert_eq!((window.step_ms, window.end_ms - window.start_ms), (1_000, 3_000));
        let old = Window::parse(None, None, NOW, 0);
        assert_eq!(old.clone().clipped_to(0), old);
    }
}
