//! What pages and APIs show of the dispatcher.

use std::sync::Arc;

use model::{Alert, Labels, Timestamp};

/// An alert that fires.
#[derive(Clone, Debug)]
pub struct AlertView {
    /// The alert.
    pub alert: Arc<Alert>,
    /// Its identity as a number; Alertmanager's API shows 16 hexadecimal digits.
    pub fingerprint: u64,
    /// Who is told about it, in the order of the routes.
    pub receivers: Vec<String>,
    /// When it was heard of last.
    pub updated_at: Timestamp,
}

/// A group with alerts that fire.
#[derive(Clone, Debug)]
pub struct GroupView {
    /// The group's name in notifications and in the log.
    pub key: String,
    /// What made the group.
    pub labels: Labels,
    /// Who is told.
    pub receiver: String,
    /// The alerts, by labels.
    pub alerts: Vec<AlertView>,
    /// When it is looked at next, `None` while a receiver is still being told.
    pub next_flush_at: Option<Timestamp>,
}
