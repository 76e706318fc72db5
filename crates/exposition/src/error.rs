//! Why a page is no exposition.

use thiserror::Error;

/// How much of a line an error shows, in bytes.
const EXCERPT_BYTES_MAX: usize = 80;

/// Where a page is not in its format.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ParseError {
    /// A line of a text.
    #[error("line {line}: {reason}: {excerpt:?}")]
    Line {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
        /// The start of the line.
        excerpt: String,
    },
    /// A message of a protobuf page.
    #[error("metric family {family} (from byte {offset}): {reason}")]
    Message {
        /// The metric family, counted from 1.
        family: usize,
        /// Where it begins in the page, in bytes.
        offset: usize,
        /// What is wrong with it.
        reason: String,
    },
}

impl ParseError {
    /// The line that begins at `at` of `body`.
    pub(crate) fn at_line(body: &[u8], at: usize, reason: impl Into<String>) -> Self {
        let text = &body[at.min(body.len())..];
        let end = memchr::memchr(b'\n', text).unwrap_or(text.len()).min(EXCERPT_BYTES_MAX);
        Self::Line {
            line: line_of(body, at),
            reason: reason.into(),
            excerpt: String::from_utf8_lossy(&text[..end]).into_owned(),
        }
    }
}

/// The line that `at` of `body` is in, counted from 1. Counted when somebody asks, so that a page that is in order does
/// not pay for it.
pub(crate) fn line_of(body: &[u8], at: usize) -> usize {
    1 + memchr::memchr_iter(b'\n', &body[..at.min(body.len())]).count()
}
