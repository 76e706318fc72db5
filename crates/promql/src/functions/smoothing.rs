//! What a window's course says: `deriv`, `predict_linear`, `double_exponential_smoothing`.

use promql_syntax::Expr;

use super::over_floats;
use crate::error::{EvalError, fail};
use crate::evaluation::Evaluation;
use crate::kahan::KahanSum;
use crate::series::Series;
use crate::window::Window;

pub(super) fn call(evaluation: &Evaluation<'_>, name: &str, args: &[Expr]) -> Result<Vec<Series>, EvalError> {
    let arg = &args[0];
    match name {
        "deriv" => over_floats(evaluation, name, arg, 2, |_, window| {
            // Relative to the first sample, so that large timestamps do not cost digits.
            let (slope, _) = regression(window, window.timestamps_ms[0])?;
            Some(slope)
        }),
        "predict_linear" => {
            let ahead = evaluation.scalar(&args[1])?;
            let steps = evaluation.steps;
            over_floats(evaluation, name, arg, 2, |step, window| {
                let (slope, intercept) = regression(window, steps.at(step))?;
                Some(slope * ahead[step] + intercept)
            })
        }
        _ => {
            let (smoothing, trend) = (evaluation.scalar(&args[1])?, evaluation.scalar(&args[2])?);
            for (factors, what) in [(&smoothing, "smoothing"), (&trend, "trend")] {
                if let Some(bad) = factors.iter().find(|factor| **factor <= 0.0 || 1.0 <= **factor) {
                    let short = if what == "smoothing" { "sf" } else { "tf" };
                    return fail(format!("invalid {what} factor. Expected: 0 < {short} < 1, got: {bad:.6}"));
                }
            }
            over_floats(evaluation, name, arg, 2, |step, window| smooth(window, smoothing[step], trend[step]))
        }
    }
}

/// Slope per second and value at `intercept_ms`, by least squares.
fn regression(window: &Window<'_>, intercept_ms: i64) -> Option<(f64, f64)> {
    if window.values.len() < 2 {
        return None;
    }
    let first = window.values[0];
    if window.values.iter().all(|value| *value == first) {
        return Some(if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) });
    }
    let n = window.values.len() as f64;
    let (mut sum_x, mut sum_y, mut sum_xy, mut sum_xx) =
        (KahanSum::default(), KahanSum::default(), KahanSum::default(), KahanSum::default());
    for (at_ms, y) in window.timestamps_ms.iter().zip(window.values) {
        let x = (at_ms - intercept_ms) as f64 / 1000.0;
        sum_x.add(x);
        sum_y.add(*y);
        sum_xy.add(x * y);
        sum_xx.add(x * x);
    }
    let (x, y) = (sum_x.value(), sum_y.value());
    let covariance = sum_xy.value() - x * y / n;
    let variance = sum_xx.value() - x * x / n;
    let slope = covariance / variance;
    Some((slope, y / n - slope * x / n))
}

/// Holt's double exponential smoothing.
fn smooth(window: &Window<'_>, smoothing: f64, trend_factor: f64) -> Option<f64> {
    let values = window.values;
    if values.len() < 2 {
        return None;
    }
    let (mut before, mut level, mut trend) = (0.0, values[0], values[1] - values[0]);
    for (position, value) in values.iter().enumerate().skip(1) {
        let scaled = smoothing * value;
        if 1 < position {
            trend = trend_factor * (level - before) + (1.0 - trend_factor) * trend;
        }
        let carried = (1.0 - smoothing) * (level + trend);
        before = level;
        level = scaled + carried;
    }
    Some(level)
}
