//! Rules as plain values.

use model::Labels;
use promql_syntax::Expr;

/// A group: rules that are evaluated one after the other at the same moment.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupConfig {
    /// The file it stands in.
    pub file: String,
    /// Its name, unique in the file.
    pub name: String,
    /// How often, in milliseconds; `None` for the global interval.
    pub interval_ms: Option<i64>,
    /// How many series or alerts a rule may give; 0 for no limit.
    pub limit: usize,
    /// How far in the past the rules look, in milliseconds.
    pub query_offset_ms: Option<i64>,
    /// Labels that every rule's result gets, unless the rule sets them itself.
    pub labels: Labels,
    /// The rules, in order.
    pub rules: Vec<RuleConfig>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleConfig {
    /// Writes an expression's result as a series.
    Recording {
        /// The series' name.
        record: String,
        /// The expression as it was written.
        text: String,
        /// The expression.
        expr: Expr,
        /// Labels of the series.
        labels: Labels,
    },
    /// Raises an alert for each series that an expression finds.
    Alerting {
        /// The alert's name.
        alert: String,
        /// The expression as it was written.
        text: String,
        /// The expression.
        expr: Expr,
        /// How long it must hold before the alert fires, in milliseconds.
        for_ms: i64,
        /// How long the alert goes on firing after it ceased to hold, in milliseconds.
        keep_firing_for_ms: i64,
        /// Labels of the alert; templates.
        labels: Labels,
        /// What people read; templates.
        annotations: Labels,
    },
}

/// What all groups have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How often groups are evaluated that do not say it, in milliseconds.
    pub evaluation_interval_ms: i64,
    /// Labels that alerts get where they do not have them.
    pub external_labels: Labels,
    /// The address under which people reach this server; templates and links use it.
    pub external_url: String,
}
