//! Places in the text of a query.

use std::fmt;

/// A range of bytes in the text of a query; a query is at most 64 KiB long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// From byte offsets; offsets beyond `u32` are cut, queries are shorter.
    pub fn new(start: usize, end: usize) -> Self {
        let cut = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { start: cut(start), end: cut(end) }
    }

    /// From the start of `self` to the end of `last`.
    pub const fn to(self, last: Self) -> Self {
        Self { start: self.start, end: last.end }
    }

    /// The text that the span covers, empty if it lies outside `query`.
    pub fn slice(self, query: &str) -> &str {
        query.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// Line and column of the start in `query`, `None` if the query is empty or the span lies outside.
    pub fn position(self, query: &str) -> Option<Position> {
        if query.is_empty() {
            return None;
        }
        let before = query.as_bytes().get(..self.start as usize)?;
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        Some(Position { line, column: before.len() - line_start + 1 })
    }
}

/// A line and a column, both counted from 1, the column in bytes; printed as `1:5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column in bytes.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}
