//! An evaluator as the manual describes the language: one moment at a time, every selector read anew, no columns.

pub(crate) mod data;
mod functions;
mod operators;
pub(crate) mod queries;

use std::collections::BTreeSet;

use model::{Labels, METRIC_NAME, is_stale};
use promql_syntax::{AtModifier, Expr, ExprKind, MatrixSelector, Subquery, UnaryOp, VectorSelector};

/// How far back an instant selector looks, in milliseconds.
const LOOKBACK_MS: i64 = 300_000;
/// The step of a subquery that names none, in milliseconds.
const SUBQUERY_STEP_MS: i64 = 60_000;

/// A sample of a vector.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Elem {
    pub(crate) labels: Labels,
    /// The name goes at the end.
    pub(crate) drop_name: bool,
    pub(crate) value: f64,
}

/// What an expression is at a moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    Scalar(f64),
    Vector(Vec<Elem>),
}

/// A series of a range vector, and the range.
pub(crate) struct Ranged {
    pub(crate) labels: Labels,
    pub(crate) drop_name: bool,
    /// All inside the range, at least one.
    pub(crate) samples: Vec<(i64, f64)>,
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

/// The series by rising labels, their samples by rising moments, and the range of the query.
pub(crate) struct Reference<'a> {
    pub(crate) series: &'a [(Labels, Vec<(i64, f64)>)],
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
}

/// Why there is no answer; only that there is none is compared.
pub(crate) type Failure = String;

impl Reference<'_> {
    /// The answer to a query at a moment.
    pub(crate) fn query(&self, expr: &Expr, at_ms: i64) -> Result<Outcome, Failure> {
        match self.eval(expr, at_ms)? {
            Outcome::Vector(mut vector) => {
                for elem in vector.iter_mut().filter(|elem| elem.drop_name) {
                    elem.labels = elem.labels.filtered(|name| name != METRIC_NAME);
                }
                unique(&vector)?;
                Ok(Outcome::Vector(vector))
            }
            scalar @ Outcome::Scalar(_) => Ok(scalar),
        }
    }

    pub(crate) fn eval(&self, expr: &Expr, at_ms: i64) -> Result<Outcome, Failure> {
        match &expr.kind {
            ExprKind::Number(number) => Ok(Outcome::Scalar(number.value)),
            ExprKind::Paren(inner) => self.eval(inner, at_ms),
            ExprKind::Vector(selector) => Ok(Outcome::Vector(self.instant(selector, at_ms))),
            ExprKind::Call(call) => self.call(call, at_ms),
            ExprKind::Aggregate(aggregate) => self.aggregate(aggregate, at_ms),
            ExprKind::Binary(binary) => self.binary(binary, at_ms),
            ExprKind::Unary(unary) => {
                let negative = unary.op == UnaryOp::Minus;
                Ok(match self.eval(&unary.expr, at_ms)? {
                    Outcome::Scalar(value) => Outcome::Scalar(if negative { -value } else { value }),
                    Outcome::Vector(mut vector) => {
                        for elem in vector.iter_mut().filter(|_| negative) {
                            (elem.value, elem.drop_name) = (-elem.value, true);
                        }
                        Outcome::Vector(vector)
                    }
                })
            }
            ExprKind::String(_) | ExprKind::Matrix(_) | ExprKind::Subquery(_) => Err("not a value".to_owned()),
        }
    }

    pub(crate) fn vector(&self, expr: &Expr, at_ms: i64) -> Result<Vec<Elem>, Failure> {
        match self.eval(expr, at_ms)? {
            Outcome::Vector(vector) => Ok(vector),
            Outcome::Scalar(_) => Err("not a vector".to_owned()),
        }
    }

    pub(crate) fn scalar(&self, expr: &Expr, at_ms: i64) -> Result<f64, Failure> {
        match self.eval(expr, at_ms)? {
            Outcome::Scalar(value) => Ok(value),
            Outcome::Vector(_) => Err("not a scalar".to_owned()),
        }
    }

    fn refer(&self, at: Option<AtModifier>, offset_ms: i64, at_ms: i64) -> i64 {
        let moment = match at {
            None => at_ms,
            Some(AtModifier::Timestamp(ms)) => ms,
            Some(AtModifier::Start) => self.start_ms,
            Some(AtModifier::End) => self.end_ms,
        };
        moment - offset_ms
    }

    fn matching(&self, selector: &VectorSelector) -> impl Iterator<Item = &(Labels, Vec<(i64, f64)>)> {
        self.series.iter().filter(|(labels, _)| {
            selector.matchers.iter().all(|matcher| matcher.matches(labels.get(matcher.name()).unwrap_or_default()))
        })
    }

    fn instant(&self, selector: &VectorSelector, at_ms: i64) -> Vec<Elem> {
        let moment = self.refer(selector.at, selector.offset_ms, at_ms);
        let newest = |samples: &[(i64, f64)]| {
            let (at, value) = *samples.iter().rfind(|(at, _)| *at <= moment)?;
            (moment - LOOKBACK_MS < at && !is_stale(value)).then_some(value)
        };
        let found = self.matching(selector).filter_map(|(labels, samples)| {
            Some(Elem { labels: labels.clone(), drop_name: false, value: newest(samples)? })
        });
        found.collect()
    }

    pub(crate) fn matrix(&self, expr: &Expr, at_ms: i64) -> Result<Vec<Ranged>, Failure> {
        match &expr.kind {
            ExprKind::Paren(inner) => self.matrix(inner, at_ms),
            ExprKind::Matrix(matrix) => Ok(self.range(matrix, at_ms)),
            ExprKind::Subquery(subquery) => self.subquery(subquery, at_ms),
            _ => Err("not a range vector".to_owned()),
        }
    }

    fn range(&self, matrix: &MatrixSelector, at_ms: i64) -> Vec<Ranged> {
        let to_ms = self.refer(matrix.selector.at, matrix.selector.offset_ms, at_ms);
        let from_ms = to_ms - matrix.range_ms;
        let found = self.matching(&matrix.selector).map(|(labels, samples)| {
            let inside = samples.iter().filter(|(at, value)| from_ms < *at && *at <= to_ms && !is_stale(*value));
            Ranged { labels: labels.clone(), drop_name: false, samples: inside.copied().collect(), from_ms, to_ms }
        });
        found.filter(|ranged| !ranged.samples.is_empty()).collect()
    }

    fn subquery(&self, subquery: &Subquery, at_ms: i64) -> Result<Vec<Ranged>, Failure> {
        let to_ms = self.refer(subquery.at, subquery.offset_ms, at_ms);
        let from_ms = to_ms - subquery.range_ms;
        let step_ms = subquery.step_ms.unwrap_or(SUBQUERY_STEP_MS);
        let mut found: Vec<Ranged> = Vec::new();
        let mut moment = from_ms.div_euclid(step_ms) * step_ms;
        while moment <= to_ms {
            if from_ms < moment {
                let vector = match self.eval(&subquery.expr, moment)? {
                    Outcome::Vector(vector) => vector,
                    Outcome::Scalar(value) => vec![Elem { labels: Labels::empty(), drop_name: false, value }],
                };
                for elem in vector {
                    let same = |known: &&mut Ranged| known.labels == elem.labels && known.drop_name == elem.drop_name;
                    match found.iter_mut().find(same) {
                        Some(known) => known.samples.push((moment, elem.value)),
                        None => found.push(Ranged {
                            labels: elem.labels,
                            drop_name: elem.drop_name,
                            samples: vec![(moment, elem.value)],
                            from_ms,
                            to_ms,
                        }),
                    }
                }
            }
            moment += step_ms;
        }
        Ok(found)
    }
}

/// Refuses a vector with two samples of the same labels.
pub(crate) fn unique(vector: &[Elem]) -> Result<(), Failure> {
    let labels: BTreeSet<&Labels> = vector.iter().map(|elem| &elem.labels).collect();
    if labels.len() == vector.len() { Ok(()) } else { Err("duplicate labels".to_owned()) }
}
