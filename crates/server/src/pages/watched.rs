//! The rules as pages see them: plain values, taken from the rule groups at one moment.

use model::{Labels, Timestamp};

use super::alerts::Active;
use crate::State;

/// A rule group.
#[derive(Clone, Debug)]
pub(crate) struct WatchedGroup {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) interval_ms: i64,
    pub(crate) last_run: Option<Timestamp>,
    pub(crate) last_duration_s: f64,
    pub(crate) rules: Vec<WatchedRule>,
}

/// A rule.
#[derive(Clone, Debug)]
pub(crate) struct WatchedRule {
    pub(crate) name: String,
    pub(crate) expr: String,
    pub(crate) labels: Labels,
    /// Why the last run failed; empty if it did not.
    pub(crate) last_error: String,
    pub(crate) last_run: Option<Timestamp>,
    pub(crate) last_duration_s: f64,
    /// `None` for a recording rule.
    pub(crate) alerting: Option<WatchedAlerting>,
}

/// What an alerting rule has besides.
#[derive(Clone, Debug)]
pub(crate) struct WatchedAlerting {
    pub(crate) hold_ms: i64,
    pub(crate) active: Vec<Active>,
}
