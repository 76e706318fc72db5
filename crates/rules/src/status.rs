//! Groups, rules and alerts as pages and the API show them.

use model::{Labels, Timestamp};

/// A group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupStatus {
    /// Its name.
    pub name: String,
    /// The file it stands in.
    pub file: String,
    /// How often it is evaluated, in milliseconds.
    pub interval_ms: i64,
    /// How much a rule may give; 0 for no limit.
    pub limit: usize,
    /// How long the last evaluation took, in seconds.
    pub evaluation_time_s: f64,
    /// The last evaluation.
    pub last_evaluation: Option<Timestamp>,
    /// Its rules, in order.
    pub rules: Vec<RuleStatus>,
}

/// Which kind of rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    /// It raises alerts.
    Alerting,
    /// It writes series.
    Recording,
}

/// Whether a rule can be evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RuleHealth {
    /// It was not evaluated yet.
    #[default]
    Unknown,
    /// The last evaluation succeeded.
    Ok,
    /// The last evaluation failed.
    Err,
}

impl RuleHealth {
    /// The word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::Err => "err",
        }
    }
}

/// How far an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertState {
    /// It does not hold.
    Inactive,
    /// It holds, but not for long enough.
    Pending,
    /// It holds.
    Firing,
}

impl AlertState {
    /// The word in the API and in `ALERTS`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleStatus {
    /// Which kind.
    pub kind: RuleKind,
    /// The alert's or the series' name.
    pub name: String,
    /// The expression, as it was written.
    pub query: String,
    /// `for`, in seconds.
    pub duration_s: f64,
    /// `keep_firing_for`, in seconds.
    pub keep_firing_for_s: f64,
    /// Its labels.
    pub labels: Labels,
    /// Its annotations, templates not expanded.
    pub annotations: Labels,
    /// The furthest state among its alerts.
    pub state: AlertState,
    /// Whether it can be evaluated.
    pub health: RuleHealth,
    /// Why it cannot; empty if it can.
    pub last_error: String,
    /// How long the last evaluation took, in seconds.
    pub evaluation_time_s: f64,
    /// The last evaluation.
    pub last_evaluation: Option<Timestamp>,
    /// Its pending and firing alerts.
    pub alerts: Vec<ActiveAlert>,
}

/// An alert that is pending or firing.
#[derive(Clone, Debug, PartialEq)]
pub struct ActiveAlert {
    /// What identifies it.
    pub labels: Labels,
    /// What people read.
    pub annotations: Labels,
    /// How far it is.
    pub state: AlertState,
    /// Since when it holds.
    pub active_at: Timestamp,
    /// Since when it only keeps firing.
    pub keep_firing_since: Option<Timestamp>,
    /// The expression's value.
    pub value: f64,
}
