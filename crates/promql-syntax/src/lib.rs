//! PromQL's lexer, parser, type check and printer; must not know storage.
//!
//! [`parse`] gives an [`Expr`] with a [`Span`] on every node, or the error that Prometheus would print. What a query
//! means is the evaluator's business.

mod ast;
mod bytes;
mod check;
mod duration;
mod error;
mod features;
mod functions;
mod lexer;
mod literal;
mod operator;
mod parser;
mod pretty;
mod printer;
mod span;
mod token;

pub use ast::{
    Aggregate, AtModifier, Binary, Call, Expr, ExprKind, MatchCardinality, MatrixSelector, NumberLiteral, Subquery,
    Unary, ValueType, VectorMatching, VectorSelector,
};
pub use bytes::{is_utf8, quote};
pub use duration::{
    DurationContext, DurationExpr, DurationExprError, DurationExprErrorKind, DurationKind, DurationOp,
    has_computed_durations, resolve_durations,
};
pub use error::ParseError;
pub use features::Features;
pub use functions::{Arity, FUNCTIONS, Function, function};
use model::{Labels, Matcher};
pub use operator::{AggregateOp, BinaryOp, UnaryOp};
pub use pretty::pretty;
pub use span::{Position, Span};

/// The longest query in bytes.
pub const QUERY_BYTES_MAX: usize = 64 << 10;

/// How deep parentheses, calls and signs may nest.
pub const NESTING_DEPTH_MAX: usize = 128;

/// How high the tree may be. It is higher than the nesting is deep where operators stand in a row, because `a + b + c`
/// is `(a + b) + c`; whoever walks the tree recursively needs that many frames.
pub const TREE_HEIGHT_MAX: usize = 256;

/// Parses a query with the default [`Features`].
///
/// # Errors
/// What Prometheus says about the text, with its place.
pub fn parse(query: &str) -> Result<Expr, ParseError> {
    parse_with(query, Features::default())
}

/// Parses a query.
///
/// # Errors
/// What Prometheus says about the text, with its place.
pub fn parse_with(query: &str, features: Features) -> Result<Expr, ParseError> {
    parser::parse_query(query, features)
}

/// Parses a series selector without modifiers, as `match[]` takes it. That it selects something in particular
/// (`{}` does not) is the caller's business, as it is in Prometheus.
///
/// # Errors
/// What Prometheus says about the text, with its place.
pub fn parse_selector(selector: &str) -> Result<Vec<Matcher>, ParseError> {
    parser::parse_selector(selector)
}

/// Parses the label set at the start of `text`, such as `up{job="node"}`, and says how many bytes it takes: the first
/// half of a series in a test script.
///
/// # Errors
/// What is wrong with the label set, with its place.
pub fn parse_labels(text: &str) -> Result<(Labels, usize), ParseError> {
    parser::parse_labels(text)
}

#[cfg(test)]
mod tests;
