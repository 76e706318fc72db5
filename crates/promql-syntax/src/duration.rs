//! Durations that are computed (`[5m * 2]`, `offset step()`): known only when the query's step and range are.

use std::fmt;

use thiserror::Error;
use units::float::shortest_f;

use crate::ast::{Expr, ExprKind, NumberLiteral};
use crate::printer::write_number;
use crate::span::Span;

/// A computed duration.
#[derive(Clone, Debug, PartialEq)]
pub struct DurationExpr {
    /// What it is.
    pub kind: DurationKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of computed duration.
#[derive(Clone, Debug, PartialEq)]
pub enum DurationKind {
    /// A number of seconds or a duration.
    Number(NumberLiteral),
    /// `step()`: the query's resolution, 0 for an instant query.
    Step,
    /// `range()`: from the query's start to its end, 0 for an instant query.
    Range,
    /// `min_of(a, b)`
    MinOf(Box<DurationExpr>, Box<DurationExpr>),
    /// `max_of(a, b)`
    MaxOf(Box<DurationExpr>, Box<DurationExpr>),
    /// `-a`
    Negate(Box<DurationExpr>),
    /// `+a`
    Plus(Box<DurationExpr>),
    /// `a + b` and the other arithmetic operators.
    Binary(DurationOp, Box<DurationExpr>, Box<DurationExpr>),
    /// `(a)`
    Paren(Box<DurationExpr>),
}

/// Arithmetic on durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DurationOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Mod,
    /// `^`
    Pow,
}

impl DurationOp {
    /// The operator as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
        }
    }

    /// How tightly it binds; as [`crate::BinaryOp::precedence`].
    pub const fn precedence(self) -> u8 {
        match self {
            Self::Add | Self::Sub => 4,
            Self::Mul | Self::Div | Self::Mod => 5,
            Self::Pow => 6,
        }
    }
}

/// What a computed duration may refer to, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DurationContext {
    /// `step()`; 0 for an instant query.
    pub step_ms: i64,
    /// `range()`; 0 for an instant query.
    pub range_ms: i64,
}

/// Why a computed duration has no value. The texts are Prometheus', the place in bytes from 0 included.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("{}:{}: {kind}", span.start, span.end)]
pub struct DurationExprError {
    /// What is wrong.
    pub kind: DurationExprErrorKind,
    /// Where.
    pub span: Span,
}

/// What is wrong with a computed duration.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum DurationExprErrorKind {
    /// `/ 0`
    #[error("division by zero")]
    DivisionByZero,
    /// `% 0`
    #[error("modulo by zero")]
    ModuloByZero,
    /// Ranges and steps must be positive.
    #[error("duration must be greater than 0")]
    NotPositive,
    /// The value does not fit.
    #[error("duration is out of range")]
    OutOfRange,
}

/// Seconds beyond which Go's nanoseconds overflow.
const SECONDS_MAX: f64 = (i64::MAX / 1_000_000_000) as f64;

impl DurationExpr {
    /// The value in seconds.
    ///
    /// # Errors
    /// Division or modulo by zero.
    pub fn seconds(&self, context: DurationContext) -> Result<f64, DurationExprError> {
        let fail = |kind| DurationExprError { kind, span: self.span };
        #[expect(clippy::cast_precision_loss, reason = "steps and ranges are far below 2^53 milliseconds")]
        let seconds = |ms: i64| ms as f64 / 1000.0;
        Ok(match &self.kind {
            DurationKind::Number(number) => number.value,
            DurationKind::Step => seconds(context.step_ms),
            DurationKind::Range => seconds(context.range_ms),
            DurationKind::MinOf(a, b) => a.seconds(context)?.min(b.seconds(context)?),
            DurationKind::MaxOf(a, b) => a.seconds(context)?.max(b.seconds(context)?),
            DurationKind::Negate(a) => -a.seconds(context)?,
            DurationKind::Plus(a) | DurationKind::Paren(a) => a.seconds(context)?,
            DurationKind::Binary(op, a, b) => {
                let (a, b) = (a.seconds(context)?, b.seconds(context)?);
                match op {
                    DurationOp::Add => a + b,
                    DurationOp::Sub => a - b,
                    DurationOp::Mul => a * b,
                    DurationOp::Div if b == 0.0 => return Err(fail(DurationExprErrorKind::DivisionByZero)),
                    DurationOp::Div => a / b,
                    DurationOp::Mod if b == 0.0 => return Err(fail(DurationExprErrorKind::ModuloByZero)),
                    DurationOp::Mod => a % b,
                    DurationOp::Pow => a.powf(b),
                }
            }
        })
    }

    /// The value in milliseconds.
    ///
    /// # Errors
    /// No value, a value that does not fit, or, if `positive`, one that is not greater than zero.
    pub fn resolve_ms(&self, context: DurationContext, positive: bool) -> Result<i64, DurationExprError> {
        let fail = |kind| DurationExprError { kind, span: self.span };
        let seconds = self.seconds(context)?;
        if positive && seconds <= 0.0 {
            return Err(fail(DurationExprErrorKind::NotPositive));
        }
        if seconds_to_ms(seconds).is_none() {
            return Err(fail(DurationExprErrorKind::OutOfRange));
        }
        // Cut, not rounded, as Prometheus does with computed durations only.
        #[expect(clippy::cast_possible_truncation, reason = "the magnitude was checked")]
        let ms = (seconds * 1000.0) as i64;
        Ok(ms)
    }
}

/// Seconds as milliseconds, `None` where they are NaN or do not fit Go's nanoseconds.
#[expect(clippy::cast_possible_truncation, reason = "the magnitude was checked")]
pub(crate) fn seconds_to_ms(seconds: f64) -> Option<i64> {
    // Prometheus rounds to nanoseconds and cuts to milliseconds.
    (seconds.abs() < SECONDS_MAX).then(|| (seconds * 1e9).round() as i64 / 1_000_000)
}

/// Replaces every computed duration in `expr` by its value, before evaluation.
///
/// # Errors
/// A duration has no value, does not fit, or is not greater than zero where it must be.
pub fn resolve_durations(expr: &mut Expr, context: DurationContext) -> Result<(), DurationExprError> {
    let take = |computed: &mut Option<Box<DurationExpr>>, positive| {
        computed.take().map(|computed| computed.resolve_ms(context, positive)).transpose()
    };
    match &mut expr.kind {
        ExprKind::Vector(selector) => {
            selector.offset_ms = take(&mut selector.offset_expr, false)?.unwrap_or(selector.offset_ms);
        }
        ExprKind::Matrix(matrix) => {
            let selector = &mut matrix.selector;
            selector.offset_ms = take(&mut selector.offset_expr, false)?.unwrap_or(selector.offset_ms);
            matrix.range_ms = take(&mut matrix.range_expr, true)?.unwrap_or(matrix.range_ms);
        }
        ExprKind::Subquery(subquery) => {
            subquery.offset_ms = take(&mut subquery.offset_expr, false)?.unwrap_or(subquery.offset_ms);
            subquery.range_ms = take(&mut subquery.range_expr, true)?.unwrap_or(subquery.range_ms);
            subquery.step_ms = take(&mut subquery.step_expr, true)?.or(subquery.step_ms);
        }
        _ => {}
    }
    expr.children_mut().into_iter().try_for_each(|child| resolve_durations(child, context))
}

/// Whether any duration in `expr` is computed.
pub fn has_computed_durations(expr: &Expr) -> bool {
    let here = match &expr.kind {
        ExprKind::Vector(selector) => selector.offset_expr.is_some(),
        ExprKind::Matrix(matrix) => matrix.range_expr.is_some() || matrix.selector.offset_expr.is_some(),
        ExprKind::Subquery(subquery) => {
            subquery.range_expr.is_some() || subquery.step_expr.is_some() || subquery.offset_expr.is_some()
        }
        _ => false,
    };
    here || expr.children().into_iter().any(has_computed_durations)
}

impl fmt::Display for DurationExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            DurationKind::Number(number) if number.is_duration => write_number(f, *number),
            DurationKind::Number(number) => f.write_str(&shortest_f(number.value)),
            DurationKind::Step => f.write_str("step()"),
            DurationKind::Range => f.write_str("range()"),
            DurationKind::MinOf(a, b) => write!(f, "min_of({a}, {b})"),
            DurationKind::MaxOf(a, b) => write!(f, "max_of({a}, {b})"),
            DurationKind::Negate(a) => write!(f, "-{a}"),
            DurationKind::Plus(a) => write!(f, "{a}"),
            DurationKind::Binary(op, a, b) => write!(f, "{a} {} {b}", op.as_str()),
            DurationKind::Paren(a) => write!(f, "({a})"),
        }
    }
}
