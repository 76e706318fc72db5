//! The tree that a query parses into: plain data, every node with its place in the text.

use model::Matcher;

use crate::duration::DurationExpr;
use crate::functions::Function;
use crate::operator::{AggregateOp, BinaryOp, UnaryOp};
use crate::span::Span;

/// An expression and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands, modifiers and parentheses included.
    pub span: Span,
}

/// The kinds of expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `3.14`, `1h`
    Number(NumberLiteral),
    /// `"text"`, without quotes and escapes; see [`crate::is_utf8`].
    String(String),
    /// `up{job="node"} offset 5m`
    Vector(VectorSelector),
    /// `up[5m]`
    Matrix(MatrixSelector),
    /// `rate(up[5m])[1h:30s]`
    Subquery(Box<Subquery>),
    /// `rate(..)`
    Call(Call),
    /// `sum by (job) (..)`
    Aggregate(Box<Aggregate>),
    /// `a + on (job) b`
    Binary(Box<Binary>),
    /// `-a`
    Unary(Box<Unary>),
    /// `(a)`; kept, because the printed form keeps it.
    Paren(Box<Expr>),
}

/// What evaluating an expression gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// One number per step.
    Scalar,
    /// One sample per series and step: the instant vector.
    Vector,
    /// Several samples per series and step: the range vector.
    Matrix,
    /// A text.
    String,
}

impl ValueType {
    /// The name in the API's `resultType`: `scalar`, `vector`, `matrix`, `string`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Vector => "vector",
            Self::Matrix => "matrix",
            Self::String => "string",
        }
    }

    /// The name in the manual and in error texts: `instant vector`, `range vector`, else as [`Self::as_str`].
    pub const fn documented(self) -> &'static str {
        match self {
            Self::Vector => "instant vector",
            Self::Matrix => "range vector",
            other => other.as_str(),
        }
    }
}

/// A number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NumberLiteral {
    /// The value; seconds if written as a duration.
    pub value: f64,
    /// Written as a duration (`1h30m`), and printed as one.
    pub is_duration: bool,
}

/// The `@` modifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtModifier {
    /// `@ 1700000000`, in milliseconds since the epoch.
    Timestamp(i64),
    /// `@ start()`
    Start,
    /// `@ end()`
    End,
}

/// A selector of series at a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VectorSelector {
    /// The metric name before the braces, empty if there is none; also present in `matchers`.
    pub name: String,
    /// All conditions, the one on `__name__` that comes from `name` last.
    pub matchers: Vec<Matcher>,
    /// The sum of `offset` in milliseconds, positive into the past.
    pub offset_ms: i64,
    /// An offset that is computed; [`crate::resolve_durations`] turns it into `offset_ms`.
    pub offset_expr: Option<Box<DurationExpr>>,
    /// The `@` modifier.
    pub at: Option<AtModifier>,
    /// `anchored`: range functions see the sample before the range.
    pub anchored: bool,
    /// `smoothed`: values at the ends of the range are interpolated.
    pub smoothed: bool,
}

/// A selector of series over a range that ends at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixSelector {
    /// The series, offset and `@` included.
    pub selector: VectorSelector,
    /// The length of the range in milliseconds, greater than zero unless `range_expr` is still to be resolved.
    pub range_ms: i64,
    /// A range that is computed; [`crate::resolve_durations`] turns it into `range_ms`.
    pub range_expr: Option<Box<DurationExpr>>,
}

/// An instant query evaluated over a range, as a range vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Subquery {
    /// The instant query.
    pub expr: Expr,
    /// The length of the range in milliseconds.
    pub range_ms: i64,
    /// A range that is computed.
    pub range_expr: Option<Box<DurationExpr>>,
    /// The resolution in milliseconds; `None` for the global evaluation interval.
    pub step_ms: Option<i64>,
    /// A resolution that is computed.
    pub step_expr: Option<Box<DurationExpr>>,
    /// `offset` in milliseconds, positive into the past.
    pub offset_ms: i64,
    /// An offset that is computed.
    pub offset_expr: Option<Box<DurationExpr>>,
    /// The `@` modifier.
    pub at: Option<AtModifier>,
}

/// A function call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Which function.
    pub function: &'static Function,
    /// Its arguments; optional ones may be absent.
    pub args: Vec<Expr>,
}

/// An aggregation over series.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// Which aggregation.
    pub op: AggregateOp,
    /// What is aggregated, an instant vector.
    pub expr: Expr,
    /// The first argument of `topk`, `bottomk`, `limitk`, `limit_ratio`, `quantile` (scalar) and `count_values` (string).
    pub param: Option<Expr>,
    /// The labels that `by` keeps or `without` drops.
    pub grouping: Vec<String>,
    /// `without` instead of `by`.
    pub without: bool,
}

/// A binary operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Binary {
    /// Which operation.
    pub op: BinaryOp,
    /// The left side.
    pub lhs: Expr,
    /// The right side.
    pub rhs: Expr,
    /// `bool`: comparisons give 0 or 1 instead of filtering.
    pub return_bool: bool,
    /// How series find their partner; `None` unless both sides are instant vectors.
    pub matching: Option<VectorMatching>,
}

/// How many partners a series may have in a binary operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchCardinality {
    /// One on each side.
    OneToOne,
    /// `group_left`
    ManyToOne,
    /// `group_right`
    OneToMany,
    /// Set operators.
    ManyToMany,
}

/// How the series of two instant vectors find each other.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorMatching {
    /// How many partners.
    pub cardinality: MatchCardinality,
    /// The labels of `on` or `ignoring`.
    pub labels: Vec<String>,
    /// `on` instead of `ignoring`.
    pub on: bool,
    /// The labels in `group_left(..)` or `group_right(..)`, copied from the "one" side.
    pub include: Vec<String>,
    /// `fill` or `fill_left`: the value of a partner that is missing on the left.
    pub fill_lhs: Option<f64>,
    /// `fill` or `fill_right`: the value of a partner that is missing on the right.
    pub fill_rhs: Option<f64>,
}

impl Default for VectorMatching {
    fn default() -> Self {
        Self {
            cardinality: MatchCardinality::OneToOne,
            labels: Vec::new(),
            on: false,
            include: Vec::new(),
            fill_lhs: None,
            fill_rhs: None,
        }
    }
}

/// A sign.
#[derive(Clone, Debug, PartialEq)]
pub struct Unary {
    /// Which sign.
    pub op: UnaryOp,
    /// What it applies to, a scalar or an instant vector.
    pub expr: Expr,
}

impl Expr {
    /// What evaluating it gives.
    pub fn value_type(&self) -> ValueType {
        match &self.kind {
            ExprKind::Number(_) => ValueType::Scalar,
            ExprKind::String(_) => ValueType::String,
            ExprKind::Vector(_) | ExprKind::Aggregate(_) => ValueType::Vector,
            ExprKind::Matrix(_) | ExprKind::Subquery(_) => ValueType::Matrix,
            ExprKind::Call(call) => call.function.return_type,
            ExprKind::Binary(binary) => match (binary.lhs.value_type(), binary.rhs.value_type()) {
                (ValueType::Scalar, ValueType::Scalar) => ValueType::Scalar,
                _ => ValueType::Vector,
            },
            ExprKind::Unary(unary) => unary.expr.value_type(),
            ExprKind::Paren(inner) => inner.value_type(),
        }
    }

    /// The expression inside any parentheses.
    pub fn unwrap_parens(&self) -> &Self {
        let mut expr = self;
        while let ExprKind::Paren(inner) = &expr.kind {
            expr = inner;
        }
        expr
    }

    /// The direct sub-expressions in the order of the text; an aggregation's parameter before its vector.
    pub fn children(&self) -> Vec<&Self> {
        match &self.kind {
            ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Vector(_) | ExprKind::Matrix(_) => Vec::new(),
            ExprKind::Subquery(subquery) => vec![&subquery.expr],
            ExprKind::Call(call) => call.args.iter().collect(),
            ExprKind::Aggregate(aggregate) => aggregate.param.iter().chain([&aggregate.expr]).collect(),
            ExprKind::Binary(binary) => vec![&binary.lhs, &binary.rhs],
            ExprKind::Unary(unary) => vec![&unary.expr],
            ExprKind::Paren(inner) => vec![inner],
        }
    }

    /// The direct sub-expressions, to be changed.
    pub fn children_mut(&mut self) -> Vec<&mut Self> {
        match &mut self.kind {
            ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Vector(_) | ExprKind::Matrix(_) => Vec::new(),
            ExprKind::Subquery(subquery) => vec![&mut subquery.expr],
            ExprKind::Call(call) => call.args.iter_mut().collect(),
            ExprKind::Aggregate(aggregate) => aggregate.param.iter_mut().chain([&mut aggregate.expr]).collect(),
            ExprKind::Binary(binary) => vec![&mut binary.lhs, &mut binary.rhs],
            ExprKind::Unary(unary) => vec![&mut unary.expr],
            ExprKind::Paren(inner) => vec![inner],
        }
    }
}
