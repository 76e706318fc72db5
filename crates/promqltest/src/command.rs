//! What a script says, command by command.

use model::Labels;

use crate::points::Point;

/// A command and the line where it begins, counted from 1.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Clear,
    Load(Load),
    Eval(Eval),
}

/// Samples.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) interval_ms: i64,
    pub(crate) series: Vec<(Labels, Vec<Point>)>,
    /// When counters began, relative to the samples at the same places, in milliseconds.
    pub(crate) starts: Vec<(Labels, Vec<Option<i64>>)>,
    /// Classic histograms are to be loaded as native ones as well.
    pub(crate) with_native: bool,
}

/// A query and what is expected of it.
#[derive(Clone, Debug)]
pub(crate) struct Eval {
    pub(crate) query: String,
    pub(crate) when: When,
    pub(crate) expect: Expectations,
    /// Series in the order given. A line with a number alone stands without labels.
    pub(crate) series: Vec<(Labels, Vec<Point>)>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    Instant(i64),
    Range { start_ms: i64, end_ms: i64, step_ms: i64 },
}

/// How a message must look.
#[derive(Clone, Debug)]
pub(crate) enum Text {
    Any,
    Exact(String),
    Matching(String),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Expectations {
    pub(crate) fail: Option<Text>,
    pub(crate) warn: Vec<Text>,
    pub(crate) info: Vec<Text>,
    pub(crate) no_warn: bool,
    pub(crate) no_info: bool,
    pub(crate) ordered: bool,
    pub(crate) string: Option<String>,
    /// Start, end and step of the samples of a range vector.
    pub(crate) range_vector: Option<(i64, i64, i64)>,
}
