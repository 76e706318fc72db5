//! The value axis: its range, and ticks at round numbers of the unit.

use units::unit::{DECIMALS_MAX, Scale, Steps, Unit};

/// Intervals between ticks, at most.
const INTERVALS_MAX: usize = 4;
/// Ticks of an axis whose ends are given, at most; a bound against steps that vanish beside their values.
const TICKS_MAX: usize = 12;

/// A value axis.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Rising, with their labels.
    pub(crate) ticks: Vec<(f64, String)>,
    pub(crate) scale: Scale,
    /// Decimals of the labels.
    pub(crate) decimals: usize,
}

impl Axis {
    /// An axis for values between `low` and `high`: from 0 unless they lie below it, to a round number unless an end is
    /// given.
    pub(crate) fn new(values: (f64, f64), min: Option<f64>, max: Option<f64>, unit: &Unit) -> Self {
        let min = min.filter(|value| value.is_finite()).map(crate::frame::bounded);
        let max = max.filter(|value| value.is_finite()).map(crate::frame::bounded);
        let low = min.unwrap_or(values.0.min(0.0));
        let mut high = max.unwrap_or(values.1.max(0.0));
        // A flat line at zero, or at the given minimum, still needs a height.
        if high <= low {
            high = low + low.abs().max(1.0);
        }
        let scale = unit.scale(low.abs().max(high.abs()));
        let step = step(high - low, &scale);
        let low_index = (low / step).floor();
        let mut high_index = (high / step).ceil();
        if high_index - low_index > TICKS_MAX as f64 || !step.is_normal() {
            // The values are so far from zero, and so close together, that no round step tells them apart.
            return Self { low, high, ticks: label(&[low, high], &scale, 0), scale, decimals: 0 };
        }
        if high_index <= low_index {
            high_index = low_index + 1.0;
        }
        let (axis_low, axis_high) = (min.unwrap_or(low_index * step), max.unwrap_or(high_index * step));
        let (axis_low, axis_high) =
            if axis_low < axis_high { (axis_low, axis_high) } else { (axis_low, axis_low + step) };
        let slack = step * 1e-6;
        let count = (high_index - low_index) as usize;
        let at: Vec<f64> = (0..=count)
            .map(|index| (low_index + index as f64) * step)
            .filter(|value| (axis_low - slack..=axis_high + slack).contains(value))
            .collect();
        let decimals = decimals(step / scale.divisor);
        Self { low: axis_low, high: axis_high, ticks: label(&at, &scale, decimals), scale, decimals }
    }

    /// Where a value lies, 0 at the bottom and 1 at the top; beyond the ends it is held just outside.
    pub(crate) fn fraction(&self, value: f64) -> f64 {
        let fraction = (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0);
        if fraction.is_finite() { fraction.clamp(-OVERSHOOT, 1.0 + OVERSHOOT) } else { 0.0 }
    }
}

/// How far outside a value is drawn, so that a line that leaves the plot is seen to leave.
const OVERSHOOT: f64 = 0.004;

/// The smallest round step of the scale that needs no more than [`INTERVALS_MAX`] intervals.
fn step(span: f64, scale: &Scale) -> f64 {
    const DECIMAL: &[f64] = &[1.0, 2.0, 2.5, 5.0, 10.0];
    let wanted = span / scale.divisor / INTERVALS_MAX as f64;
    let ladder: &[f64] = match scale.steps {
        Steps::Sixtieth => &[1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0],
        Steps::TwentyFourth => &[1.0, 2.0, 3.0, 6.0, 12.0, 24.0],
        Steps::Binary => &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0],
        Steps::Decimal => &[],
    };
    // A hair of tolerance: 0.6 / 4 must not miss the step 0.15 by the last bit.
    let fits = |step: &f64| wanted <= step * (1.0 + 1e-9);
    if ladder.first().is_some_and(|first| wanted * 2.0 >= *first)
        && let Some(step) = ladder.iter().copied().find(fits)
    {
        return step * scale.divisor;
    }
    let decade = 10f64.powf(wanted.log10().floor());
    let step = DECIMAL.iter().map(|factor| factor * decade).find(|step| fits(step)).unwrap_or(10.0 * decade);
    step * scale.divisor
}

/// The fewest decimals that write every multiple of `step` exactly.
fn decimals(step: f64) -> usize {
    (0..DECIMALS_MAX)
        .find(|decimals| {
            let scaled = step * 10f64.powi(i32::try_from(*decimals).unwrap_or(0));
            (scaled - scaled.round()).abs() < 1e-6 * scaled.max(1.0) && scaled.round() != 0.0
        })
        .unwrap_or(DECIMALS_MAX)
}

fn label(at: &[f64], scale: &Scale, decimals: usize) -> Vec<(f64, String)> {
    at.iter().map(|value| (*value, scale.format(*value, Some(decimals)).to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: (f64, f64), unit: &str, expected: &str) {
        let axis = Axis::new(values, None, None, &Unit::parse(unit));
        let labels: Vec<_> = axis.ticks.into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels.join(" | "), expected, "{values:?} {unit}");
    }

    #[test]
    fn ticks_are_round_in_the_unit() {
        for (values, unit, expected) in [
            ((0.3, 2.41), "s", "0 s | 1 s | 2 s | 3 s"),
            ((0.3, 97.0), "percent", "0% | 25% | 50% | 75% | 100%"),
            ((0.0, 0.97), "percentunit", "0% | 25% | 50% | 75% | 100%"),
            ((0.0, 5_200.0), "none", "0 | 2,000 | 4,000 | 6,000"),
            ((0.0, 0.6), "none", "0.0 | 0.2 | 0.4 | 0.6"),
            ((0.0, 23_192_823_398.0), "bytes", "0 GiB | 8 GiB | 16 GiB | 24 GiB"),
            ((0.0, 1_200.0), "bytes", "0.0 KiB | 0.5 KiB | 1.0 KiB | 1.5 KiB"),
            ((0.0, 5_000.0), "s", "0.0 h | 0.5 h | 1.0 h | 1.5 h"),
            ((0.0, 1_500.0), "s", "0 min | 10 min | 20 min | 30 min"),
            ((-30.0, 55.0), "none", "-50 | -25 | 0 | 25 | 50 | 75"),
            ((0.0, 0.0), "none", "0.00 | 0.25 | 0.50 | 0.75 | 1.00"),
            ((1e300, 1e300), "none", "0 | 2.5e+299 | 5e+299 | 7.5e+299 | 1e+300"),
        ] {
            check(values, unit, expected);
        }
    }

    #[test]
    fn given_ends_are_kept() {
        let axis = Axis::new((20.0, 110.0), Some(0.0), Some(100.0), &Unit::parse("percent"));
        assert_eq!((axis.low, axis.high, axis.ticks.len()), (0.0, 100.0, 5));
        assert_eq!(axis.fraction(110.0), 1.0 + OVERSHOOT);
        let axis = Axis::new((5.0, 9.0), Some(40.0), Some(40.0), &Unit::parse("none"));
        assert!(axis.low < axis.high);
    }
}
