//! `…_over_time`: what the samples of a window amount to.

use promql_syntax::Expr;

use super::over_windows;
use crate::error::EvalError;
use crate::evaluation::Evaluation;
use crate::kahan::{KahanMean, KahanSum, Welford};
use crate::series::Series;
use crate::window::Window;

/// 1 where the window holds a sample.
pub(super) fn present(evaluation: &Evaluation<'_>, arg: &Expr) -> Result<Vec<Series>, EvalError> {
    over_windows(evaluation, "present_over_time", arg, false, |_, _| Some(1.0))
}

pub(super) fn call(evaluation: &Evaluation<'_>, name: &str, args: &[Expr]) -> Result<Vec<Series>, EvalError> {
    if name == "quantile_over_time" {
        let quantiles = evaluation.scalar(&args[0])?;
        warn_of_quantiles(evaluation, &quantiles);
        let mut sorted = Vec::new();
        return over_windows(evaluation, name, &args[1], false, |step, window| {
            sorted.clear();
            sorted.extend_from_slice(window.values);
            Some(quantile_of(quantiles[step], &mut sorted))
        });
    }
    let function: fn(&Window<'_>) -> f64 = match name {
        "avg_over_time" => |window| {
            let mut mean = KahanMean::default();
            window.values.iter().for_each(|value| mean.add(*value));
            mean.value()
        },
        "sum_over_time" => |window| {
            let mut sum = KahanSum::default();
            window.values.iter().for_each(|value| sum.add(*value));
            sum.value()
        },
        "count_over_time" => |window| window.values.len() as f64,
        "min_over_time" => |window| window.values.iter().copied().reduce(smaller).unwrap_or(f64::NAN),
        "max_over_time" => |window| window.values.iter().copied().reduce(larger).unwrap_or(f64::NAN),
        "last_over_time" => |window| window.values.last().copied().unwrap_or(f64::NAN),
        "first_over_time" => |window| window.values.first().copied().unwrap_or(f64::NAN),
        "present_over_time" => |_| 1.0,
        "stddev_over_time" => |window| variance(window).sqrt(),
        "stdvar_over_time" => variance,
        "mad_over_time" => median_deviation,
        "ts_of_first_over_time" => |window| at(window, 0),
        "ts_of_last_over_time" => |window| at(window, window.values.len() - 1),
        "ts_of_min_over_time" => |window| extreme_at(window, |new, old| new <= old),
        "ts_of_max_over_time" => |window| extreme_at(window, |new, old| old <= new),
        _ => return Err(EvalError::Unsupported(format!("{name}()"))),
    };
    let keep_name = matches!(name, "last_over_time" | "first_over_time");
    over_windows(evaluation, name, &args[0], keep_name, |_, window| Some(function(window)))
}

/// The smaller one; NaN only if both are.
pub(crate) fn smaller(a: f64, b: f64) -> f64 {
    if b < a || a.is_nan() { b } else { a }
}

/// The larger one; NaN only if both are.
pub(crate) fn larger(a: f64, b: f64) -> f64 {
    if a < b || a.is_nan() { b } else { a }
}

fn variance(window: &Window<'_>) -> f64 {
    let mut welford = Welford::default();
    window.values.iter().for_each(|value| welford.add(*value));
    welford.variance()
}

/// The median of the distances from the median.
fn median_deviation(window: &Window<'_>) -> f64 {
    let mut values = window.values.to_vec();
    let median = quantile_of(0.5, &mut values);
    values.iter_mut().for_each(|value| *value = (*value - median).abs());
    quantile_of(0.5, &mut values)
}

fn at(window: &Window<'_>, position: usize) -> f64 {
    super::seconds(window.timestamps_ms[position])
}

fn extreme_at(window: &Window<'_>, better: impl Fn(f64, f64) -> bool) -> f64 {
    let mut best = 0;
    for (position, value) in window.values.iter().enumerate() {
        if better(*value, window.values[best]) || window.values[best].is_nan() {
            best = position;
        }
    }
    at(window, best)
}

/// The `q`-quantile, linear between neighbours; sorts `values`, NaN first.
pub(crate) fn quantile_of(q: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if 1.0 < q {
        return f64::INFINITY;
    }
    values.sort_by(|a, b| b.is_nan().cmp(&a.is_nan()).then(a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal)));
    let rank = q * (values.len() - 1) as f64;
    let lower = rank.floor().max(0.0) as usize;
    let upper = (lower + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    values[lower] * (1.0 - weight) + values[upper] * weight
}

/// Quantiles outside 0 to 1 have an answer that nobody wants.
pub(super) fn warn_of_quantiles(evaluation: &Evaluation<'_>, quantiles: &[f64]) {
    for q in quantiles.iter().filter(|q| q.is_nan() || !(0.0..=1.0).contains(*q)) {
        evaluation
            .notes
            .warn(format!("quantile value should be between 0 and 1, got {}", units::float::shortest_g(*q)));
    }
}
