//! The alerts page: what fires, what may soon, since when.

use askama::Template;

use super::parts::{Badge, Empty, Icon, Stat};
use super::shell::Shell;

/// `/alerts`
#[derive(Debug, Template)]
#[template(path = "alerts.html")]
pub(crate) struct AlertsPage {
    pub(crate) shell: Shell,
    pub(crate) stats: Vec<Stat>,
    pub(crate) groups: Vec<AlertGroup>,
    pub(crate) empty: Option<Empty>,
}

/// The alerts of one rule.
#[derive(Debug)]
pub(crate) struct AlertGroup {
    pub(crate) name: String,
    /// The rule.
    pub(crate) href: String,
    /// `2 firing, 1 pending`
    pub(crate) summary: String,
    pub(crate) alerts: Vec<Alert>,
}

/// One alert.
#[derive(Debug)]
pub(crate) struct Alert {
    pub(crate) anchor: String,
    pub(crate) badge: Badge,
    pub(crate) title: String,
    pub(crate) labels: Vec<String>,
    pub(crate) value: String,
    pub(crate) since: String,
    pub(crate) note: Option<Note>,
}

/// A sentence under an alert: why nothing was sent, or what it means.
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) icon: Icon,
    pub(crate) text: String,
}
