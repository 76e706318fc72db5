//! The functions, by what they do.

mod calendar;
mod histogram;
mod labels;
mod math;
mod over_time;
mod rate;
mod smoothing;
mod sort;

use model::Labels;
use promql_syntax::{Call, Expr, ExprKind, MatrixSelector, VectorSelector};

use crate::column::Column;
use crate::error::EvalError;
use crate::evaluation::{Evaluation, Operand};
use crate::selector;
use crate::series::Series;
use crate::window::windows;

pub(crate) use over_time::quantile_of;

/// Evaluates a call.
pub(crate) fn call(evaluation: &Evaluation<'_>, call: &Call) -> Result<Operand, EvalError> {
    let name = call.function.name;
    let args = &call.args;
    let vector = match name {
        "rate" | "increase" | "delta" | "irate" | "idelta" => rate::call(evaluation, name, &args[0])?,
        "absent_over_time" => absent(evaluation, &args[0], over_time::present(evaluation, &args[0])?),
        _ if name.ends_with("_over_time") => over_time::call(evaluation, name, args)?,
        "changes" | "resets" | "deriv" | "predict_linear" | "double_exponential_smoothing" => {
            smoothing::call(evaluation, name, args)?
        }
        "histogram_quantile" | "histogram_fraction" => histogram::call(evaluation, name, args)?,
        "label_replace" => labels::replace(evaluation, args)?,
        "label_join" => labels::join(evaluation, args)?,
        "sort" | "sort_desc" | "sort_by_label" | "sort_by_label_desc" => sort::call(evaluation, name, args)?,
        "absent" => absent(evaluation, &args[0], evaluation.vector(&args[0])?),
        "timestamp" => timestamp(evaluation, &args[0])?,
        "vector" => vec![constant(evaluation.scalar(&args[0])?)],
        "time" => return Ok(Operand::Scalar(evaluation.steps.iter().map(seconds).collect())),
        "pi" => return Ok(Operand::Scalar(vec![std::f64::consts::PI; evaluation.steps.count])),
        "scalar" => return Ok(Operand::Scalar(scalar(evaluation, &evaluation.vector(&args[0])?))),
        _ if calendar::part(name).is_some() => calendar::call(evaluation, name, args)?,
        _ => math::call(evaluation, name, args)?,
    };
    Ok(Operand::Vector(vector))
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

/// A series without labels that has a value at each step.
fn constant(values: Vec<f64>) -> Series {
    let mut column = Column::empty(values.len());
    values.into_iter().enumerate().for_each(|(step, value)| column.put(step, value));
    Series { labels: Labels::empty(), drop_name: false, column }
}

/// The value of the only series that has one, else NaN.
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

/// 1 at the steps where `vector` has nothing, with the labels that the selector asks for by `=`.
fn absent(evaluation: &Evaluation<'_>, arg: &Expr, vector: Vec<Series>) -> Vec<Series> {
    let mut column = Column::empty(evaluation.steps.count);
    for step in 0..evaluation.steps.count {
        if !vector.iter().any(|series| series.column.present.get(step)) {
            column.put(step, 1.0);
        }
    }
    vec![Series { labels: asked_labels(arg), drop_name: false, column }]
}

/// The labels that a plain selector asks for by `=`; a name that stands there twice, or with another operator, is
/// nobody's.
fn asked_labels(arg: &Expr) -> Labels {
    let selector: &VectorSelector = match &arg.unwrap_parens().kind {
        ExprKind::Vector(selector) => selector,
        ExprKind::Matrix(MatrixSelector { selector, .. }) => selector,
        _ => return Labels::empty(),
    };
    let alone = |name: &str| selector.matchers.iter().filter(|matcher| matcher.name() == name).count() == 1;
    let asked = selector.matchers.iter().filter(|matcher| {
        matcher.op() == model::MatchOp::Equal && matcher.name() != model::METRIC_NAME && alone(matcher.name())
    });
    Labels::from_pairs(asked.map(|matcher| (matcher.name(), matcher.value())))
}

/// The moment of each sample; for anything but a selector that is the moment of the evaluation.
fn timestamp(evaluation: &Evaluation<'_>, arg: &Expr) -> Result<Vec<Series>, EvalError> {
    let mut vector = match &arg.unwrap_parens().kind {
        ExprKind::Vector(selector) => selector::timestamps(evaluation, selector)?,
        _ => {
            let mut vector = evaluation.vector(arg)?;
            for series in &mut vector {
                for (step, value) in series.column.values.iter_mut().enumerate() {
                    *value = seconds(evaluation.steps.at(step));
                }
            }
            vector
        }
    };
    vector.iter_mut().for_each(|series| series.drop_name = true);
    Ok(vector)
}

/// Applies `function` to each window of a range vector and drops the name.
fn over_windows(
    evaluation: &Evaluation<'_>,
    name: &str,
    arg: &Expr,
    keep_name: bool,
    mut function: impl FnMut(usize, &crate::window::Window<'_>) -> Option<f64>,
) -> Result<Vec<Series>, EvalError> {
    windows(evaluation, arg, name)?.map(evaluation, keep_name, |step, window, _| function(step, window))
}
