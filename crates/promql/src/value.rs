//! Answers, and how the parts of an evaluation become one.

use model::{Labels, Sample, Timestamp};
use promql_syntax::{Expr, ExprKind, ValueType};

use crate::error::{EvalError, fail};
use crate::evaluation::{Evaluation, Operand};
use crate::series::{Series, finish, without_naming};
use crate::window;

/// An answer with what is to be said about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The answer.
    pub value: Value,
    /// What may be wrong with it.
    pub warnings: Vec<String>,
    /// What its author may want to know.
    pub infos: Vec<String>,
    /// Samples that were loaded for it.
    pub samples: usize,
}

/// What a query gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number at a moment.
    Scalar {
        /// When.
        at: Timestamp,
        /// What.
        value: f64,
    },
    /// A text at a moment.
    String {
        /// When.
        at: Timestamp,
        /// What.
        value: String,
    },
    /// A sample for each series, in the order of evaluation.
    Vector(Vec<VectorSample>),
    /// Samples for each series, in the order of their labels.
    Matrix(Vec<MatrixSeries>),
}

/// A sample of an instant vector.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorSample {
    /// Whose.
    pub labels: Labels,
    /// The moment of the evaluation.
    pub at: Timestamp,
    /// What.
    pub value: f64,
}

/// A series of a matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixSeries {
    /// Whose.
    pub labels: Labels,
    /// Its samples, oldest first, at least one.
    pub samples: Vec<Sample>,
}

pub(crate) fn instant(evaluation: &Evaluation<'_>, expr: &Expr, at: Timestamp) -> Result<Answer, EvalError> {
    if expr.value_type() == ValueType::Matrix {
        let value = Value::Matrix(instant_matrix(evaluation, expr)?);
        return Ok(answer(evaluation, value));
    }
    let value = match evaluation.operand(expr)? {
        Operand::Scalar(values) => Value::Scalar { at, value: values[0] },
        Operand::Text(value) => Value::String { at, value },
        Operand::Vector(vector) => {
            let samples = finish(vector)?.into_iter().filter_map(|series| {
                let value = series.column.get(0)?;
                Some(VectorSample { labels: series.labels, at, value })
            });
            Value::Vector(samples.collect())
        }
    };
    Ok(answer(evaluation, value))
}

pub(crate) fn range(evaluation: &Evaluation<'_>, expr: &Expr) -> Result<Answer, EvalError> {
    let steps = evaluation.steps;
    let sample = |step, value| Sample { at: Timestamp::from_ms(steps.at(step)), value };
    let mut matrix = match evaluation.operand(expr)? {
        Operand::Scalar(values) => {
            let samples: Vec<Sample> =
                values.into_iter().enumerate().map(|(step, value)| sample(step, value)).collect();
            vec![MatrixSeries { labels: Labels::empty(), samples }]
        }
        Operand::Vector(vector) => finish(vector)?
            .into_iter()
            .map(|Series { labels, column, .. }| {
                let samples = column.iter().map(|(step, value)| sample(step, value)).collect();
                MatrixSeries { labels, samples }
            })
            .collect(),
        Operand::Text(_) => return Err(EvalError::RangeType("string")),
    };
    matrix.retain(|series| !series.samples.is_empty());
    matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(answer(evaluation, Value::Matrix(matrix)))
}

fn instant_matrix(evaluation: &Evaluation<'_>, expr: &Expr) -> Result<Vec<MatrixSeries>, EvalError> {
    debug_assert!(matches!(expr.unwrap_parens().kind, ExprKind::Matrix(_) | ExprKind::Subquery(_)));
    let found = window::windows(evaluation, expr, "")?.into_samples();
    let mut matrix: Vec<MatrixSeries> = found
        .into_iter()
        .map(|(labels, drop_name, samples)| MatrixSeries {
            labels: if drop_name { without_naming(&labels) } else { labels },
            samples: samples.into_iter().map(|(at, value)| Sample { at: Timestamp::from_ms(at), value }).collect(),
        })
        .collect();
    matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
    if matrix.windows(2).any(|pair| pair[0].labels == pair[1].labels) {
        return fail("vector cannot contain metrics with the same labelset");
    }
    Ok(matrix)
}

fn answer(evaluation: &Evaluation<'_>, value: Value) -> Answer {
    let (warnings, infos) = evaluation.notes.take();
    Answer { value, warnings, infos, samples: evaluation.samples_loaded() }
}
