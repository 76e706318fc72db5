//! Evaluates PromQL over a `Queryable`; no clock, no IO, must not know tsdb.
//!
//! Evaluation goes series by series: every selector is read once for the whole range of the query, and every operator
//! turns columns (a value and a presence bit for each step) into columns. What series match or belong to a group is
//! decided once per query, not once per step.

mod aggregation;
mod binary;
mod column;
mod element;
mod error;
mod evaluation;
mod functions;
pub mod histogram;
mod invariant;
mod kahan;
mod notes;
mod remarks;
mod selection;
mod selector;
mod series;
mod smoothed;
mod steps;
mod value;
mod window;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use model::Timestamp;
use promql_syntax::{DurationContext, Expr, ValueType, has_computed_durations, resolve_durations};
use storage::Queryable;

pub use error::EvalError;
pub use notes::{NOTES_MAX, Note, rendered};
pub use value::{Answer, MatrixSeries, Value, VectorSample};

use crate::evaluation::{Asked, Evaluation};
use crate::steps::Steps;

/// What holds for every query.
#[derive(Clone, Debug)]
pub struct Options {
    /// How far back an instant selector looks for a sample, in milliseconds.
    pub lookback_ms: i64,
    /// The step of a subquery that names none, in milliseconds.
    pub subquery_step_ms: i64,
    /// Samples that a query may load.
    pub samples_max: usize,
    /// Set from outside, ends the evaluation with [`EvalError::Canceled`].
    pub cancel: Option<Arc<AtomicBool>>,
}

/// Prometheus' defaults.
impl Default for Options {
    fn default() -> Self {
        Self { lookback_ms: 5 * 60_000, subquery_step_ms: 60_000, samples_max: 50_000_000, cancel: None }
    }
}

/// Steps of a range query, and of each subquery in it.
pub const STEPS_MAX: usize = 1_000_000;

/// Evaluates `expr` at one moment.
///
/// # Errors
/// The data does not allow an answer, or a limit was reached.
pub fn instant(expr: &Expr, at: Timestamp, storage: &dyn Queryable, options: &Options) -> Result<Answer, EvalError> {
    let at_ms = at.as_ms();
    let query = Asked { start_ms: at_ms, end_ms: at_ms, step_ms: 0 };
    let expr = resolved(expr, query)?;
    value::instant(&Evaluation::new(storage, options, Steps::instant(at_ms), query), &expr, at)
}

/// Evaluates `expr` at `start`, `start + step_ms`, … up to `end`.
///
/// # Errors
/// The data does not allow an answer, a limit was reached, or the expression is a range vector or a text.
pub fn range(
    expr: &Expr,
    start: Timestamp,
    end: Timestamp,
    step_ms: i64,
    storage: &dyn Queryable,
    options: &Options,
) -> Result<Answer, EvalError> {
    let kind = expr.value_type();
    if !matches!(kind, ValueType::Scalar | ValueType::Vector) {
        return Err(EvalError::RangeType(kind.documented()));
    }
    let query = Asked { start_ms: start.as_ms(), end_ms: end.as_ms(), step_ms };
    let expr = resolved(expr, query)?;
    let steps = Steps::range(query.start_ms, query.end_ms, step_ms)?;
    value::range(&Evaluation::new(storage, options, steps, query), &expr)
}

/// The expression with every computed duration replaced by its value.
fn resolved(expr: &Expr, query: Asked) -> Result<Cow<'_, Expr>, EvalError> {
    if !has_computed_durations(expr) {
        return Ok(Cow::Borrowed(expr));
    }
    let context = DurationContext { step_ms: query.step_ms, range_ms: query.end_ms - query.start_ms };
    let mut expr = expr.clone();
    resolve_durations(&mut expr, context).map_err(|error| EvalError::Execution(error.to_string()))?;
    Ok(Cow::Owned(expr))
}
