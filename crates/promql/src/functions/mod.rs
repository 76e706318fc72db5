//! The functions, by what they do.

mod absent;
mod calendar;
mod classic;
mod extended;
mod histogram;
mod info;
mod labels;
mod math;
mod over_time;
mod pairs;
mod rate;
mod sliding;
mod smoothing;
mod sort;
mod start_times;

use promql_syntax::{Call, Expr, ExprKind, Span};

use crate::column::Point;
use crate::error::EvalError;
use crate::evaluation::{Evaluation, Operand};
use crate::remarks;
use crate::selector::{self, Pick};
use crate::series::Series;
use crate::window::{Window, windows};

pub(crate) use calendar::rfc3339;
pub(crate) use extended::within_edges;
pub(crate) use labels::is_label_name;
pub(crate) use over_time::{quantile_of, warn_of_quantiles};

/// Evaluates a call.
pub(crate) fn call(evaluation: &Evaluation<'_>, call: &Call, span: Span) -> Result<Operand, EvalError> {
    let name = call.function.name;
    let args = &call.args;
    if let Some(scalar) = scalar_call(evaluation, name, args)? {
        return Ok(Operand::Scalar(scalar));
    }
    let vector = match name {
        "rate" | "increase" | "delta" | "irate" | "idelta" => rate::call(evaluation, name, &args[0])?,
        "changes" | "resets" => pairs::call(evaluation, name, &args[0])?,
        "absent" => absent::series(evaluation, &args[0], &evaluation.vector(&args[0])?),
        "absent_over_time" => absent::series(evaluation, &args[0], &over_time::present(evaluation, &args[0])?),
        _ if name.ends_with("_over_time") => over_time::call(evaluation, name, args)?,
        "deriv" | "predict_linear" | "double_exponential_smoothing" => smoothing::call(evaluation, name, args)?,
        "histogram_quantile" | "histogram_quantiles" | "histogram_fraction" => classic::call(evaluation, name, args)?,
        "histogram_count" | "histogram_sum" | "histogram_avg" | "histogram_stddev" | "histogram_stdvar" => {
            histogram::call(evaluation, name, &args[0])?
        }
        "info" => info::call(evaluation, args)?,
        "label_replace" => labels::replace(evaluation, args)?,
        "label_join" => labels::join(evaluation, args)?,
        "sort" | "sort_desc" | "sort_by_label" | "sort_by_label_desc" => sort::call(evaluation, name, args, span)?,
        "timestamp" => timestamp(evaluation, &args[0])?,
        "start_timestamp" => start_timestamp(evaluation, &args[0])?,
        "vector" => vec![Series::constant(evaluation.scalar(&args[0])?)],
        _ if calendar::part(name).is_some() => calendar::call(evaluation, name, args)?,
        _ => math::call(evaluation, name, args)?,
    };
    Ok(Operand::Vector(vector))
}

/// The functions that give a number for each step.
fn scalar_call(evaluation: &Evaluation<'_>, name: &str, args: &[Expr]) -> Result<Option<Vec<f64>>, EvalError> {
    let query = evaluation.query;
    let constant = match name {
        "time" => return Ok(Some(evaluation.steps.iter().map(seconds).collect())),
        "scalar" => return Ok(Some(scalar(evaluation, &evaluation.vector(&args[0])?))),
        "min_of" | "max_of" => {
            let (mut least, others) = (evaluation.scalar(&args[0])?, evaluation.scalar(&args[1])?);
            let of = if name == "min_of" { math::at_most } else { math::at_least };
            least.iter_mut().zip(others).for_each(|(value, other)| *value = of(*value, other));
            return Ok(Some(least));
        }
        "pi" => std::f64::consts::PI,
        "step" => seconds(query.step_ms),
        "range" => seconds(query.end_ms - query.start_ms),
        "start" => seconds(query.start_ms),
        "end" => seconds(query.end_ms),
        _ => return Ok(None),
    };
    Ok(Some(vec![constant; evaluation.steps.count]))
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

/// The float of the only series that has one, else NaN.
fn scalar(evaluation: &Evaluation<'_>, vector: &[Series]) -> Vec<f64> {
    (0..evaluation.steps.count)
        .map(|step| {
            let mut values = vector.iter().filter_map(|series| series.column.get(step));
            match (values.next(), values.next()) {
                (Some(value), None) => value,
                _ => f64::NAN,
            }
        })
        .collect()
}

/// The moment of each sample; for anything but a selector that is the moment of the evaluation.
fn timestamp(evaluation: &Evaluation<'_>, arg: &Expr) -> Result<Vec<Series>, EvalError> {
    let inner = arg.unwrap_parens();
    let mut vector = match &inner.kind {
        ExprKind::Vector(selector) => selector::instant(evaluation, selector, inner.span, Pick::Time)?,
        _ => {
            let mut vector = evaluation.vector(arg)?;
            for series in &mut vector {
                let present: Vec<usize> = series.column.present.iter().collect();
                for step in present {
                    series.column.put(step, seconds(evaluation.steps.at(step)));
                }
            }
            vector
        }
    };
    vector.iter_mut().for_each(|series| series.drop_name = true);
    Ok(vector)
}

/// When the counter of each sample began; only selectors know.
fn start_timestamp(evaluation: &Evaluation<'_>, arg: &Expr) -> Result<Vec<Series>, EvalError> {
    let inner = arg.unwrap_parens();
    let ExprKind::Vector(selector) = &inner.kind else {
        evaluation.vector(arg)?;
        return Ok(Vec::new());
    };
    let mut vector = selector::instant(evaluation, selector, inner.span, Pick::Start)?;
    vector.iter_mut().for_each(|series| series.drop_name = true);
    Ok(vector)
}

/// Applies `function` to the floats of each window of a range vector that has at least `floats_min`, and drops the name.
/// Histograms among them are left out, which is said.
fn over_floats(
    evaluation: &Evaluation<'_>,
    name: &str,
    arg: &Expr,
    floats_min: usize,
    mut function: impl FnMut(usize, &Window<'_>) -> Option<f64>,
) -> Result<Vec<Series>, EvalError> {
    let span = arg.unwrap_parens().span;
    windows(evaluation, arg, name)?.map(evaluation, false, |step, window, labels| {
        if !window.histograms.is_empty() && !window.values.is_empty() {
            evaluation.notes.info(span, remarks::ignored_in_range(labels.metric_name()));
        }
        if window.values.len() < floats_min {
            return None;
        }
        function(step, window).map(Point::Float)
    })
}
