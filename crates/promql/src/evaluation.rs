//! Walks the tree: what kind of expression goes where.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use promql_syntax::{Expr, ExprKind, UnaryOp};
use storage::Queryable;

use crate::error::EvalError;
use crate::histogram::multiplied;
use crate::notes::Notes;
use crate::selector::Pick;
use crate::series::Series;
use crate::steps::Steps;
use crate::{Options, aggregation, binary, functions, invariant, selector};

/// An evaluation over some steps.
pub(crate) struct Evaluation<'a> {
    pub(crate) storage: &'a dyn Queryable,
    pub(crate) options: &'a Options,
    /// The steps of this part of the query; a subquery has its own.
    pub(crate) steps: Steps,
    /// What the whole query asks for, which `@ start()` and `@ end()` mean.
    pub(crate) query: Asked,
    /// Whether selectors find out for every histogram if it started anew. Prometheus does so on the way to functions that
    /// want only count and sum, and warns of collisions that it does not see elsewhere.
    pub(crate) detect_resets: bool,
    pub(crate) notes: Rc<Notes>,
    samples: Rc<Cell<usize>>,
}

/// What a query asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) start_ms: i64,
    /// Need not be hit by a step.
    pub(crate) end_ms: i64,
    /// 0 for an instant query.
    pub(crate) step_ms: i64,
}

/// What an expression other than a range vector gives.
pub(crate) enum Operand {
    /// A number for each step.
    Scalar(Vec<f64>),
    Vector(Vec<Series>),
    Text(String),
}

impl<'a> Evaluation<'a> {
    pub(crate) fn new(storage: &'a dyn Queryable, options: &'a Options, steps: Steps, query: Asked) -> Self {
        Self { storage, options, steps, query, detect_resets: false, notes: Rc::default(), samples: Rc::default() }
    }

    /// The same evaluation over the steps of a subquery.
    pub(crate) fn within(&self, steps: Steps) -> Self {
        // What a subquery leaves out between its steps would hide resets.
        Self { steps, ..self.detecting_resets(false) }
    }

    /// The same evaluation with or without [`Evaluation::detect_resets`].
    pub(crate) fn detecting_resets(&self, detect_resets: bool) -> Self {
        Self {
            storage: self.storage,
            options: self.options,
            steps: self.steps,
            query: self.query,
            detect_resets,
            notes: Rc::clone(&self.notes),
            samples: Rc::clone(&self.samples),
        }
    }

    pub(crate) fn check_cancelled(&self) -> Result<(), EvalError> {
        let cancelled = self.options.cancel.as_ref().is_some_and(|cancel| cancel.load(Ordering::Relaxed));
        if cancelled { Err(EvalError::Canceled) } else { Ok(()) }
    }

    /// Samples that may still be loaded.
    pub(crate) fn samples_left(&self) -> usize {
        self.options.samples_max.saturating_sub(self.samples.get())
    }

    /// Counts samples that were loaded.
    pub(crate) fn charge(&self, samples: usize) -> Result<(), EvalError> {
        self.samples.set(self.samples.get() + samples);
        if self.options.samples_max < self.samples.get() { Err(EvalError::TooManySamples) } else { Ok(()) }
    }

    /// Refuses a vector of `series` columns before it takes its memory; a column has room for every step.
    pub(crate) fn check_room(&self, series: usize) -> Result<(), EvalError> {
        let wanted = series.saturating_mul(self.steps.count).saturating_add(self.samples.get());
        if self.options.samples_max < wanted { Err(EvalError::TooManySamples) } else { Ok(()) }
    }

    /// Samples loaded so far.
    pub(crate) fn samples_loaded(&self) -> usize {
        self.samples.get()
    }

    /// Evaluates an expression that is no range vector.
    pub(crate) fn operand(&self, expr: &Expr) -> Result<Operand, EvalError> {
        if 1 < self.steps.count && invariant::is_invariant(expr) {
            let once = Self { steps: Steps::instant(self.steps.start_ms), ..self.detecting_resets(self.detect_resets) };
            return Ok(invariant::repeated(once.operand(expr)?, self.steps.count));
        }
        match &expr.kind {
            ExprKind::Number(number) => Ok(Operand::Scalar(vec![number.value; self.steps.count])),
            ExprKind::String(text) => Ok(Operand::Text(text.clone())),
            ExprKind::Paren(inner) => self.operand(inner),
            ExprKind::Vector(vector) => Ok(Operand::Vector(selector::instant(self, vector, expr.span, Pick::Value)?)),
            ExprKind::Call(call) => functions::call(self, call, expr.span),
            ExprKind::Aggregate(aggregate) => Ok(Operand::Vector(aggregation::aggregate(self, aggregate)?)),
            ExprKind::Binary(operation) => binary::operate(self, operation, expr.span),
            ExprKind::Unary(unary) => self.sign(unary.op, &unary.expr),
            ExprKind::Matrix(_) | ExprKind::Subquery(_) => {
                Err(EvalError::Unsupported("a range vector in this place".to_owned()))
            }
        }
    }

    /// Evaluates an expression that the type check says is an instant vector.
    pub(crate) fn vector(&self, expr: &Expr) -> Result<Vec<Series>, EvalError> {
        match self.operand(expr)? {
            Operand::Vector(vector) => Ok(vector),
            _ => Err(EvalError::Unsupported("this argument".to_owned())),
        }
    }

    /// Evaluates an expression that the type check says is a scalar.
    pub(crate) fn scalar(&self, expr: &Expr) -> Result<Vec<f64>, EvalError> {
        match self.operand(expr)? {
            Operand::Scalar(values) => Ok(values),
            _ => Err(EvalError::Unsupported("this argument".to_owned())),
        }
    }

    /// Evaluates an expression that the type check says is a text.
    pub(crate) fn text(&self, expr: &Expr) -> Result<String, EvalError> {
        match self.operand(expr)? {
            Operand::Text(text) => Ok(text),
            _ => Err(EvalError::Unsupported("this argument".to_owned())),
        }
    }

    fn sign(&self, op: UnaryOp, expr: &Expr) -> Result<Operand, EvalError> {
        let operand = self.operand(expr)?;
        Ok(match (op, operand) {
            (UnaryOp::Plus, operand) => operand,
            (UnaryOp::Minus, Operand::Scalar(mut values)) => {
                values.iter_mut().for_each(|value| *value = -*value);
                Operand::Scalar(values)
            }
            (UnaryOp::Minus, Operand::Vector(mut vector)) => {
                for series in &mut vector {
                    series.drop_name = true;
                    series.column.values.iter_mut().for_each(|value| *value = -*value);
                    series.column.map_histograms(|histogram| multiplied(histogram, -1.0));
                }
                Operand::Vector(vector)
            }
            (UnaryOp::Minus, Operand::Text(_)) => return Err(EvalError::Unsupported("the sign of a text".to_owned())),
        })
    }
}
