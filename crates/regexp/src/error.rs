//! Why a pattern is refused, in Go's words.

use thiserror::Error;

/// Why a pattern does not compile.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("error parsing regexp: {reason}: `{part}`")]
pub struct RegexpError {
    reason: &'static str,
    part: String,
}

/// A part of the pattern longer than this many characters is cut in the error's text.
const PART_CHARS_MAX: usize = 1_000;

impl RegexpError {
    pub(crate) fn new(reason: &'static str, part: &str) -> Self {
        Self { reason, part: part.chars().take(PART_CHARS_MAX).collect() }
    }
}
