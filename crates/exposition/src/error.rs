//! Why a page is no exposition.

use thiserror::Error;

/// How much of a line an error shows, in bytes.
const EXCERPT_BYTES_MAX: usize = 80;

/// A line that is not in the format.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line}: {reason}: {excerpt:?}")]
pub struct ParseError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
    /// The start of the line.
    pub excerpt: String,
}

impl ParseError {
    pub(crate) fn new(line: usize, reason: impl Into<String>, text: &[u8]) -> Self {
        let shown = &text[..text.len().min(EXCERPT_BYTES_MAX)];
        Self { line, reason: reason.into(), excerpt: String::from_utf8_lossy(shown).into_owned() }
    }
}
