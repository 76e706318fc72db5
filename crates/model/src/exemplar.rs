//! An example of what was counted.

use crate::{Labels, Timestamp};

/// One observation behind a sample, usually with the id of its trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// What it says of itself, such as `trace_id`.
    pub labels: Labels,
    /// The observed value.
    pub value: f64,
    /// When it was observed.
    pub at: Timestamp,
}
