//! An alert as rules hand it to the routing, and as Alertmanager's API knows it.

use crate::{Labels, Timestamp};

/// An alert; its identity is its label set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// What identifies it, `alertname` included.
    pub labels: Labels,
    /// What people read about it; may change while it fires.
    pub annotations: Labels,
    /// When it began to fire.
    pub starts_at: Timestamp,
    /// When it stopped, or will count as stopped if nobody renews it.
    pub ends_at: Timestamp,
    /// A link to the expression; may be empty.
    pub generator_url: String,
}

impl Alert {
    /// The value of `alertname`, empty if it has none.
    pub fn name(&self) -> &str {
        self.labels.get(crate::ALERT_NAME).unwrap_or_default()
    }

    /// Whether it no longer fires at `at`.
    pub fn is_resolved(&self, at: Timestamp) -> bool {
        self.ends_at <= at
    }
}
