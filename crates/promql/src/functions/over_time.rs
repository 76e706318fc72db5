//! `…_over_time`: what the samples of a window amount to.

use std::sync::Arc;

use model::Labels;
use promql_syntax::{Expr, Span};

use super::over_floats;
use super::sliding::{Extreme, Sorted, order};
use crate::column::Point;
use crate::error::EvalError;
use crate::evaluation::Evaluation;
use crate::histogram::{HistogramMean, HistogramSum, IncompatibleSchemas};
use crate::kahan::{KahanMean, KahanSum, Welford};
use crate::remarks;
use crate::series::Series;
use crate::window::{Window, windows};

/// 1 where the window holds a sample.
pub(super) fn present(evaluation: &Evaluation<'_>, arg: &Expr) -> Result<Vec<Series>, EvalError> {
    windows(evaluation, arg, "present_over_time")?.map(evaluation, false, |_, _, _| Some(Point::Float(1.0)))
}

pub(super) fn call(evaluation: &Evaluation<'_>, name: &str, args: &[Expr]) -> Result<Vec<Series>, EvalError> {
    if name == "quantile_over_time" {
        let quantiles = evaluation.scalar(&args[0])?;
        let mut sorted = Sorted::default();
        let found = over_floats(evaluation, name, &args[1], 1, |step, window| {
            Some(quantile_of_sorted(quantiles[step], sorted.of(window)))
        })?;
        if !found.is_empty() {
            warn_of_quantiles(evaluation, &quantiles, args[0].unwrap_parens().span);
        }
        return Ok(found);
    }
    if matches!(name, "sum_over_time" | "avg_over_time") {
        return summed(evaluation, name, &args[0]);
    }
    if let Some(function) = of_any(name) {
        let keep_name = matches!(name, "last_over_time" | "first_over_time");
        return windows(evaluation, &args[0], name)?.map(evaluation, keep_name, |_, window, _| Some(function(window)));
    }
    if matches!(name, "min_over_time" | "max_over_time") {
        let mut extreme = Extreme::new(if name == "min_over_time" { |a, b| a < b } else { |a, b| b < a });
        return over_floats(evaluation, name, &args[0], 1, |_, window| Some(extreme.of(window)));
    }
    let function: fn(&Window<'_>) -> f64 = match name {
        "stddev_over_time" => |window| variance(window).sqrt(),
        "stdvar_over_time" => variance,
        "mad_over_time" => median_deviation,
        "ts_of_min_over_time" => |window| extreme_at(window, |new, old| new <= old),
        "ts_of_max_over_time" => |window| extreme_at(window, |new, old| old <= new),
        _ => return Err(EvalError::Unsupported(format!("{name}()"))),
    };
    over_floats(evaluation, name, &args[0], 1, |_, window| Some(function(window)))
}

/// The functions that do not mind what kind a sample is.
fn of_any(name: &str) -> Option<fn(&Window<'_>) -> Point> {
    Some(match name {
        "count_over_time" => |window| Point::Float((window.values.len() + window.histograms.len()) as f64),
        "present_over_time" => |_| Point::Float(1.0),
        "last_over_time" => |window| end(window, true).1,
        "first_over_time" => |window| end(window, false).1,
        "ts_of_last_over_time" => |window| Point::Float(super::seconds(end(window, true).0)),
        "ts_of_first_over_time" => |window| Point::Float(super::seconds(end(window, false).0)),
        _ => return None,
    })
}

/// The last or the first sample of a window, which has one.
fn end(window: &Window<'_>, last: bool) -> (i64, Point) {
    let pick = |len: usize| if last { len.checked_sub(1) } else { (0 < len).then_some(0) };
    let float = pick(window.values.len());
    let float = float.map(|at| (window.timestamps_ms[at], Point::Float(window.values[at])));
    let histogram = pick(window.histograms.len()).map(|at| &window.histograms[at]);
    let histogram = histogram.map(|(at_ms, histogram)| (*at_ms, Point::Histogram(Arc::clone(histogram))));
    match (float, histogram) {
        (Some(float), Some(histogram)) => {
            let float_wins = if last { histogram.0 < float.0 } else { float.0 < histogram.0 };
            if float_wins { float } else { histogram }
        }
        (float, histogram) => float.or(histogram).unwrap_or((0, Point::Float(f64::NAN))),
    }
}

/// `sum_over_time` and `avg_over_time`, over floats or over histograms.
fn summed(evaluation: &Evaluation<'_>, name: &str, arg: &Expr) -> Result<Vec<Series>, EvalError> {
    let mean = name == "avg_over_time";
    let span = arg.unwrap_parens().span;
    windows(evaluation, arg, name)?.map(evaluation, false, |_, window, labels| {
        match (window.values.is_empty(), window.histograms.is_empty()) {
            (false, false) => {
                evaluation.notes.warn(span, remarks::mixed_types(labels.metric_name()));
                None
            }
            (true, _) => summed_histograms(evaluation, window, mean, span, labels),
            (false, true) if mean => Some(Point::Float(mean_of(window.values))),
            (false, true) => {
                let mut sum = KahanSum::default();
                window.values.iter().for_each(|value| sum.add(*value));
                Some(Point::Float(sum.value()))
            }
        }
    })
}

/// The mean: the sum divided by the count, unless the sum overflows.
fn mean_of(values: &[f64]) -> f64 {
    let mut sum = KahanSum::default();
    values.iter().for_each(|value| sum.add(*value));
    if let Some(mean) = sum.mean(values.len() as f64) {
        return mean;
    }
    let mut mean = KahanMean::default();
    values.iter().for_each(|value| mean.add(*value));
    mean.value()
}

fn summed_histograms(
    evaluation: &Evaluation<'_>,
    window: &Window<'_>,
    mean: bool,
    span: Span,
    labels: &Labels,
) -> Option<Point> {
    let ((_, first), rest) = window.histograms.split_first()?;
    let result = if mean {
        let mut mean = HistogramMean::new(first);
        rest.iter().try_for_each(|(_, histogram)| mean.add(histogram)).map(|()| (mean.remarks(), mean.finish()))
    } else {
        let mut sum = HistogramSum::new(first);
        rest.iter().try_for_each(|(_, histogram)| sum.add(histogram)).map(|()| (sum.remarks, sum.finish()))
    };
    match result {
        Ok((found, histogram)) => {
            if found.resets_collide() {
                evaluation.notes.warn(span, remarks::colliding_resets("aggregation"));
            }
            if found.bounds_reconciled {
                evaluation.notes.info(span, remarks::reconciled_bounds("aggregation"));
            }
            Some(Point::Histogram(Arc::new(histogram)))
        }
        Err(IncompatibleSchemas) => {
            evaluation.notes.warn(span, remarks::mixed_schemas(labels.metric_name()));
            None
        }
    }
}

fn variance(window: &Window<'_>) -> f64 {
    let mut welford = Welford::default();
    window.values.iter().for_each(|value| welford.add(*value));
    welford.variance()
}

/// The median of the distances from the median; NaN if any value is.
fn median_deviation(window: &Window<'_>) -> f64 {
    if window.values.iter().any(|value| value.is_nan()) {
        return f64::NAN;
    }
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
    values.sort_unstable_by(|a, b| order(*a, *b));
    quantile_of_sorted(q, values)
}

fn quantile_of_sorted(q: f64, values: &[f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if 1.0 < q {
        return f64::INFINITY;
    }
    let rank = q * (values.len() - 1) as f64;
    let lower = rank.floor().max(0.0) as usize;
    let upper = (lower + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    values[lower] * (1.0 - weight) + values[upper] * weight
}

/// Quantiles outside 0 to 1 have an answer that nobody wants.
pub(crate) fn warn_of_quantiles(evaluation: &Evaluation<'_>, quantiles: &[f64], span: Span) {
    for q in quantiles.iter().filter(|q| q.is_nan() || !(0.0..=1.0).contains(*q)) {
        evaluation.notes.warn(span, remarks::bad_quantile(*q));
    }
}
