//! A binary operation on two samples, floats or histograms.

use std::sync::Arc;

use model::Histogram;
use promql_syntax::{Binary, BinaryOp, Span};

use crate::column::Point;
use crate::histogram::{Keep, combine, divided, equal, multiplied, trim};
use crate::notes::Notes;
use crate::remarks;

/// Why two samples have no result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Failure {
    /// Nothing is defined for samples of these kinds.
    Types(&'static str, &'static str),
    /// The histograms have incompatible schemas.
    Buckets,
}

/// An operation and where notes about it belong.
#[derive(Clone, Copy)]
pub(crate) struct Operation<'a> {
    pub(crate) op: BinaryOp,
    return_bool: bool,
    notes: &'a Notes,
    span: Span,
}

impl<'a> Operation<'a> {
    pub(crate) const fn new(operation: &Binary, span: Span, notes: &'a Notes) -> Self {
        Self { op: operation.op, return_bool: operation.return_bool, notes, span }
    }

    /// Whether the result is another metric.
    pub(crate) const fn drops_name(&self) -> bool {
        let keeps = self.op.is_comparison() || matches!(self.op, BinaryOp::TrimUpper | BinaryOp::TrimLower);
        !keeps || self.return_bool
    }

    /// The result of floats, none where a comparison does not hold; a comparison without `bool` keeps `kept`. Trimming is
    /// nothing for floats.
    pub(crate) fn floats(&self, left: f64, right: f64, kept: f64) -> Option<f64> {
        if !self.op.is_comparison() {
            return Some(arithmetic(self.op, left, right));
        }
        let holds = compare(self.op, left, right);
        if self.return_bool { Some(truth(holds)) } else { holds.then_some(kept) }
    }

    /// The result of any two samples, of which a comparison without `bool` keeps `kept`.
    pub(crate) fn points(&self, left: &Point, right: &Point, kept: &Point) -> Result<Option<Point>, Failure> {
        if !self.op.is_comparison() {
            return self.computed(left, right).map(Some);
        }
        let holds = match (left, right) {
            (Point::Float(left), Point::Float(right)) => compare(self.op, *left, *right),
            (Point::Histogram(left), Point::Histogram(right)) if self.op == BinaryOp::Equal => equal(left, right),
            (Point::Histogram(left), Point::Histogram(right)) if self.op == BinaryOp::NotEqual => !equal(left, right),
            _ => return Err(Failure::Types(kind(left), kind(right))),
        };
        Ok(if self.return_bool { Some(Point::Float(truth(holds))) } else { holds.then(|| kept.clone()) })
    }

    fn computed(&self, left: &Point, right: &Point) -> Result<Point, Failure> {
        let op = self.op;
        let is_trim = matches!(op, BinaryOp::TrimUpper | BinaryOp::TrimLower);
        let histogram = match (left, right) {
            (Point::Float(left), Point::Float(right)) if !is_trim => {
                return Ok(Point::Float(arithmetic(op, *left, *right)));
            }
            (Point::Float(factor), Point::Histogram(histogram))
            | (Point::Histogram(histogram), Point::Float(factor))
                if op == BinaryOp::Mul =>
            {
                multiplied(histogram, *factor)
            }
            (Point::Histogram(histogram), Point::Float(divisor)) if op == BinaryOp::Div => divided(histogram, *divisor),
            (Point::Histogram(histogram), Point::Float(value)) if op == BinaryOp::TrimUpper => {
                trim(histogram, *value, Keep::Below)
            }
            (Point::Histogram(histogram), Point::Float(value)) if op == BinaryOp::TrimLower => {
                trim(histogram, *value, Keep::Above)
            }
            (Point::Histogram(left), Point::Histogram(right)) if op == BinaryOp::Add => {
                self.combined(left, right, 1.0, "addition")?
            }
            (Point::Histogram(left), Point::Histogram(right)) if op == BinaryOp::Sub => {
                self.combined(left, right, -1.0, "subtraction")?
            }
            _ => return Err(Failure::Types(kind(left), kind(right))),
        };
        Ok(Point::Histogram(Arc::new(histogram)))
    }

    fn combined(&self, left: &Histogram, right: &Histogram, sign: f64, name: &str) -> Result<Histogram, Failure> {
        let (result, found) = combine(left, right, sign).map_err(|_incompatible| Failure::Buckets)?;
        if found.resets_collide {
            self.notes.warn(self.span, remarks::colliding_resets(name));
        }
        if found.bounds_reconciled {
            self.notes.info(self.span, remarks::reconciled_bounds(name));
        }
        Ok(result)
    }

    /// Says why samples have no result.
    pub(crate) fn note(&self, failure: &Failure) {
        let operator = self.op.as_str();
        match failure {
            Failure::Types(left, right) => {
                self.notes.info(self.span, remarks::incompatible_types(left, operator, right));
            }
            Failure::Buckets => self.notes.warn(self.span, remarks::incompatible_buckets(operator)),
        }
    }
}

const fn kind(point: &Point) -> &'static str {
    match point {
        Point::Float(_) => "float",
        Point::Histogram(_) => "histogram",
    }
}

pub(crate) fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

pub(crate) fn compare(op: BinaryOp, left: f64, right: f64) -> bool {
    match op {
        BinaryOp::Equal => left == right,
        BinaryOp::NotEqual => left != right,
        BinaryOp::Less => left < right,
        BinaryOp::LessEqual => left <= right,
        BinaryOp::Greater => left > right,
        _ => left >= right,
    }
}

pub(crate) fn arithmetic(op: BinaryOp, left: f64, right: f64) -> f64 {
    match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        BinaryOp::Div => left / right,
        BinaryOp::Mod => left % right,
        BinaryOp::Pow => left.powf(right),
        _ => left.atan2(right),
    }
}
