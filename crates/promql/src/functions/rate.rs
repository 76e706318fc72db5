//! How fast something changes: `rate`, `increase`, `delta`, `irate`, `idelta`.

use promql_syntax::Expr;

use super::over_windows;
use crate::error::EvalError;
use crate::evaluation::Evaluation;
use crate::series::Series;
use crate::window::{Window, windows};

/// Suffixes by which a counter is known.
const COUNTER_SUFFIXES: [&str; 4] = ["_total", "_sum", "_count", "_bucket"];

pub(super) fn call(evaluation: &Evaluation<'_>, name: &str, arg: &Expr) -> Result<Vec<Series>, EvalError> {
    match name {
        "irate" => over_windows(evaluation, name, arg, false, |_, window| instantaneous(window, true)),
        "idelta" => over_windows(evaluation, name, arg, false, |_, window| instantaneous(window, false)),
        _ => {
            let (counter, per_second) = (name != "delta", name == "rate");
            let windows = windows(evaluation, arg, name)?;
            let range_seconds = windows.range_seconds();
            windows.map(evaluation, false, |_, window, labels| {
                let value = extrapolated(window, counter, per_second.then_some(range_seconds))?;
                if counter {
                    let metric = labels.metric_name();
                    if !metric.is_empty() && !COUNTER_SUFFIXES.iter().any(|suffix| metric.ends_with(suffix)) {
                        evaluation.notes.info(format!(
                            "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {metric:?}"
                        ));
                    }
                }
                Some(value)
            })
        }
    }
}

/// Prometheus' `extrapolatedRate`: the change between the first and the last sample, a counter's resets added, as if the
/// samples reached as near to the window's ends as their spacing suggests.
fn extrapolated(window: &Window<'_>, counter: bool, per_seconds: Option<f64>) -> Option<f64> {
    let (times, values) = (window.timestamps_ms, window.values);
    let (first_ms, last_ms) = (*times.first()?, *times.last()?);
    let (first, last) = (*values.first()?, *values.last()?);
    if values.len() < 2 {
        return None;
    }
    let mut change = last - first;
    if counter {
        for pair in values.windows(2) {
            if pair[1] < pair[0] {
                change += pair[0];
            }
        }
    }
    let seconds = |ms: i64| ms as f64 / 1000.0;
    let sampled = seconds(last_ms - first_ms);
    let spacing = sampled / (values.len() - 1) as f64;
    // A gap at an end that is wider than the usual spacing means that the series begins or ends inside the window.
    let threshold = spacing * 1.1;
    let mut to_start = seconds(first_ms - window.start_ms);
    let mut to_end = seconds(window.end_ms - last_ms);
    if threshold <= to_start {
        to_start = spacing / 2.0;
    }
    if counter {
        // A counter cannot have been below zero.
        let to_zero = if 0.0 < change && 0.0 <= first { sampled * (first / change) } else { to_start };
        to_start = to_start.min(to_zero);
    }
    if threshold <= to_end {
        to_end = spacing / 2.0;
    }
    let mut factor = (sampled + to_start + to_end) / sampled;
    if let Some(seconds) = per_seconds {
        factor /= seconds;
    }
    Some(change * factor)
}

/// The change between the last two samples; as a rate, per second and with a reset taken for a start from zero.
fn instantaneous(window: &Window<'_>, rate: bool) -> Option<f64> {
    let [.., before_ms, last_ms] = window.timestamps_ms else { return None };
    let [.., before, last] = window.values else { return None };
    if before_ms == last_ms {
        return None;
    }
    if !rate {
        return Some(last - before);
    }
    let change = if last < before { *last } else { last - before };
    Some(change / ((last_ms - before_ms) as f64 / 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(samples: &[(i64, f64)], expected: Option<f64>) {
        let (timestamps, values): (Vec<i64>, Vec<f64>) = samples.iter().copied().unzip();
        let window = Window { timestamps_ms: &timestamps, values: &values, start_ms: 0, end_ms: 60_000 };
        assert_eq!(extrapolated(&window, true, None), expected, "{samples:?}");
    }

    #[test]
    fn increases_are_extrapolated_to_the_window() {
        check(&[(10_000, 5.0)], None);
        check(&[(10_000, 100.0), (20_000, 110.0), (30_000, 120.0), (40_000, 130.0), (50_000, 140.0)], Some(60.0));
        // A reset: 10 → 0, and the zero point limits the start.
        check(&[(15_000, 0.0), (30_000, 10.0), (45_000, 5.0), (60_000, 15.0)], Some(25.0));
    }
}
