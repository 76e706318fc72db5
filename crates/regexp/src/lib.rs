//! RE2's syntax and semantics on Rust's regex, anchored as Prometheus' matchers are; must not know labels.

use thiserror::Error;

/// Compiled patterns are refused beyond this size in bytes, so that one query cannot take the machine.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// Why a pattern does not compile.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct RegexpError(String);

/// A pattern that matches a whole text, `.` including the line break: `^(?s:PATTERN)$`.
#[derive(Clone, Debug)]
pub struct Regexp {
    pattern: String,
    compiled: regex::Regex,
}

impl Regexp {
    /// Compiles `pattern`.
    ///
    /// # Errors
    /// The pattern is not RE2's, or too large.
    pub fn new(pattern: &str) -> Result<Self, RegexpError> {
        let compiled = regex::RegexBuilder::new(&format!("^(?s:{pattern})$"))
            .size_limit(COMPILED_BYTES_MAX)
            .build()
            .map_err(|error| RegexpError(error.to_string()))?;
        Ok(Self { pattern: pattern.to_owned(), compiled })
    }

    /// The pattern as it was given, without anchors.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Whether the whole of `text` matches.
    pub fn is_match(&self, text: &str) -> bool {
        self.compiled.is_match(text)
    }
}
