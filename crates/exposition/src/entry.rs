//! What a page says, one thing after the other.

use std::borrow::Cow;

use model::{Histogram, Labels, MetricType};

/// A thing that a page says.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry<'a> {
    /// A sample.
    Series {
        /// The series: name and braces, for [`crate::labels_of`]. In a text these are its bytes.
        raw: Cow<'a, [u8]>,
        /// The value.
        value: f64,
        /// The sample's own moment in milliseconds, if it has one.
        timestamp_ms: Option<i64>,
    },
    /// A native histogram.
    Histogram {
        /// The series, as for a sample.
        raw: Cow<'a, [u8]>,
        /// The value.
        value: Box<Histogram>,
        /// The sample's own moment in milliseconds, if it has one.
        timestamp_ms: Option<i64>,
    },
    /// The type of a metric family: `# TYPE`.
    Type {
        /// The metric family.
        name: &'a str,
        /// Its type.
        kind: MetricType,
    },
    /// What a metric family means: `# HELP`.
    Help {
        /// The metric family.
        name: &'a str,
        /// The text, escapes resolved.
        text: Cow<'a, str>,
    },
    /// What a metric family is measured in: `# UNIT`.
    Unit {
        /// The metric family.
        name: &'a str,
        /// The unit; it may be empty.
        unit: &'a str,
    },
    /// Any other line of the classic text that begins with `#`.
    Comment(&'a str),
}

/// An example of what a sample counts, as a page writes it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundExemplar {
    /// What it says of itself, such as `trace_id`.
    pub labels: Labels,
    /// The observed value.
    pub value: f64,
    /// When it was observed, in milliseconds, if the page says so.
    pub at_ms: Option<i64>,
}
