//! The rules page: each rule with its health.

use askama::Template;

use super::parts::{Badge, Empty, Icon};
use super::shell::Shell;

/// `/rules`
#[derive(Debug, Template)]
#[template(path = "rules.html")]
pub(crate) struct RulesPage {
    pub(crate) shell: Shell,
    pub(crate) groups: Vec<Group>,
    pub(crate) empty: Option<Empty>,
}

/// A rule group.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) anchor: String,
    pub(crate) file: String,
    /// `every 15 s, last run 2.0 s ago in 6 ms`
    pub(crate) timing: String,
    pub(crate) rules: Vec<Rule>,
}

/// A rule.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) badge: Badge,
    pub(crate) name: String,
    pub(crate) anchor: String,
    /// `for 2 min`
    pub(crate) hold: String,
    pub(crate) expr: String,
    /// The expression on the query page.
    pub(crate) href: String,
    pub(crate) labels: Vec<String>,
    pub(crate) last_run: String,
    pub(crate) duration: String,
    pub(crate) problem: Option<Empty>,
}
