//! Functions of one value: rounding, clamping, logarithms, trigonometry.

use promql_syntax::Expr;

use crate::error::EvalError;
use crate::evaluation::Evaluation;
use crate::series::Series;

pub(super) fn call(evaluation: &Evaluation<'_>, name: &str, args: &[Expr]) -> Result<Vec<Series>, EvalError> {
    match name {
        "round" => {
            let to = match args.get(1) {
                Some(arg) => evaluation.scalar(arg)?,
                None => vec![1.0; evaluation.steps.count],
            };
            return map(evaluation, &args[0], |step, value| {
                // Multiplying by the inverse rounds better than dividing.
                let inverse = 1.0 / to[step];
                Some((value * inverse + 0.5).floor() / inverse)
            });
        }
        "clamp" => {
            let (min, max) = (evaluation.scalar(&args[1])?, evaluation.scalar(&args[2])?);
            return map(evaluation, &args[0], |step, value| {
                (min[step] <= max[step] || min[step].is_nan() || max[step].is_nan())
                    .then(|| at_least(at_most(value, max[step]), min[step]))
            });
        }
        "clamp_min" => {
            let min = evaluation.scalar(&args[1])?;
            return map(evaluation, &args[0], |step, value| Some(at_least(value, min[step])));
        }
        "clamp_max" => {
            let max = evaluation.scalar(&args[1])?;
            return map(evaluation, &args[0], |step, value| Some(at_most(value, max[step])));
        }
        _ => {}
    }
    let function: fn(f64) -> f64 = match name {
        "abs" => f64::abs,
        "ceil" => f64::ceil,
        "floor" => f64::floor,
        "exp" => f64::exp,
        "sqrt" => f64::sqrt,
        "ln" => f64::ln,
        "log2" => f64::log2,
        "log10" => f64::log10,
        "sgn" => |value| {
            if 0.0 < value {
                1.0
            } else if value < 0.0 {
                -1.0
            } else {
                value
            }
        },
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tan" => f64::tan,
        "asin" => f64::asin,
        "acos" => f64::acos,
        "atan" => f64::atan,
        "sinh" => f64::sinh,
        "cosh" => f64::cosh,
        "tanh" => f64::tanh,
        "asinh" => f64::asinh,
        "acosh" => f64::acosh,
        "atanh" => f64::atanh,
        "deg" => |value| value * 180.0 / std::f64::consts::PI,
        "rad" => |value| value * std::f64::consts::PI / 180.0,
        _ => return Err(EvalError::Unsupported(format!("{name}()"))),
    };
    map(evaluation, &args[0], |_, value| Some(function(value)))
}

/// Go's `math.Max`: NaN if either is.
pub(super) fn at_least(value: f64, min: f64) -> f64 {
    if value.is_nan() || min.is_nan() { f64::NAN } else { value.max(min) }
}

/// Go's `math.Min`: NaN if either is.
pub(super) fn at_most(value: f64, max: f64) -> f64 {
    if value.is_nan() || max.is_nan() { f64::NAN } else { value.min(max) }
}

fn map(
    evaluation: &Evaluation<'_>,
    arg: &Expr,
    function: impl Fn(usize, f64) -> Option<f64>,
) -> Result<Vec<Series>, EvalError> {
    let mut vector = evaluation.vector(arg)?;
    for series in &mut vector {
        series.drop_name = true;
        let column = &mut series.column;
        column.drop_histograms();
        for step in 0..column.values.len() {
            if column.present.get(step) {
                match function(step, column.values[step]) {
                    Some(value) => column.values[step] = value,
                    None => column.present.clear(step),
                }
            }
        }
    }
    Ok(vector)
}
