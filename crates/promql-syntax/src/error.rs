//! Why a text is not a query, and where.

use thiserror::Error;

use crate::span::{Position, Span};

/// Why a text is not a query; printed as Prometheus prints it: `1:5: parse error: unclosed left parenthesis`.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{}: parse error: {message}", self.place())]
pub struct ParseError {
    /// What is wrong, without the place.
    pub message: String,
    /// The bytes that are wrong.
    pub span: Span,
    /// Line and column of the span's start; `None` for an empty text.
    pub position: Option<Position>,
}

impl ParseError {
    pub(crate) fn new(query: &str, span: Span, message: impl Into<String>) -> Self {
        Self { message: message.into(), span, position: span.position(query) }
    }

    fn place(&self) -> String {
        self.position.map_or_else(|| "unknown position".to_owned(), |position| position.to_string())
    }
}
