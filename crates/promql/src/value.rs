//! Answers, and how the parts of an evaluation become one.

use std::sync::Arc;

use model::{Histogram, Labels, Sample, Timestamp};
use promql_syntax::{Expr, ExprKind, ValueType};

use crate::column::Point;
use crate::error::{EvalError, fail};
use crate::evaluation::{Evaluation, Operand};
use crate::notes::{Note, rendered};
use crate::series::{Series, finish, without_naming};
use crate::{functions, window};

/// An answer with what is to be said about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The answer.
    pub value: Value,
    /// What may be wrong with it.
    pub warnings: Vec<Note>,
    /// What its author may want to know.
    pub infos: Vec<Note>,
    /// Samples that were loaded for it.
    pub samples: usize,
}

impl Answer {
    /// Up to [`crate::NOTES_MAX`] warnings as Prometheus' API prints them, with their places in `query`.
    pub fn warnings_in(&self, query: &str) -> Vec<String> {
        rendered(&self.warnings, query, "warning")
    }

    /// The same for infos.
    pub fn infos_in(&self, query: &str) -> Vec<String> {
        rendered(&self.infos, query, "info")
    }
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
    /// What; 0 where it is a histogram.
    pub value: f64,
    /// The native histogram, where it is one.
    pub histogram: Option<Arc<Histogram>>,
}

/// A series of a matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixSeries {
    /// Whose.
    pub labels: Labels,
    /// Its floats, oldest first.
    pub samples: Vec<Sample>,
    /// Its native histograms, oldest first, at moments where it has no float. One of the two has something.
    pub histograms: Vec<(Timestamp, Arc<Histogram>)>,
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
                let (value, histogram) = match series.column.point(0)? {
                    Point::Float(value) => (value, None),
                    Point::Histogram(histogram) => (0.0, Some(histogram)),
                };
                Some(VectorSample { labels: series.labels, at, value, histogram })
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
            vec![MatrixSeries { labels: Labels::empty(), samples, histograms: Vec::new() }]
        }
        Operand::Vector(vector) => finish(vector)?
            .into_iter()
            .map(|Series { labels, column, .. }| {
                let samples = column.iter().map(|(step, value)| sample(step, value)).collect();
                let at = |step| Timestamp::from_ms(steps.at(step));
                let histograms = column.histograms().map(|(step, found)| (at(step), Arc::clone(found))).collect();
                MatrixSeries { labels, samples, histograms }
            })
            .collect(),
        Operand::Text(_) => return Err(EvalError::RangeType("string")),
    };
    matrix.retain(|series| !series.samples.is_empty() || !series.histograms.is_empty());
    matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(answer(evaluation, Value::Matrix(matrix)))
}

fn instant_matrix(evaluation: &Evaluation<'_>, expr: &Expr) -> Result<Vec<MatrixSeries>, EvalError> {
    debug_assert!(matches!(expr.unwrap_parens().kind, ExprKind::Matrix(_) | ExprKind::Subquery(_)));
    let found = window::windows(evaluation, expr, "")?;
    let mut matrix = Vec::with_capacity(found.series.len());
    found.each(|series, window| {
        let labels = if series.drop_name { without_naming(&series.labels) } else { series.labels.clone() };
        let (floats, histograms) = functions::within_edges(evaluation, window, found.edges, expr.span, &labels);
        let at = Timestamp::from_ms;
        let samples = floats.into_iter().map(|(at_ms, value)| Sample { at: at(at_ms), value }).collect::<Vec<_>>();
        let histograms = histograms.into_iter().map(|(at_ms, found)| (at(at_ms), found)).collect::<Vec<_>>();
        if !samples.is_empty() || !histograms.is_empty() {
            matrix.push(MatrixSeries { labels, samples, histograms });
        }
    });
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
