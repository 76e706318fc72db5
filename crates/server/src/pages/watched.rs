//! The rules as pages see them: plain values, taken from the rule groups at one moment.

use model::{Labels, Timestamp};
use rules::{AlertState, GroupStatus, RuleKind, RuleStatus};

use super::alerts::{Active, ActiveState};
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

/// The groups as they are now.
pub(crate) fn groups(state: &State) -> Vec<WatchedGroup> {
    state.rules.groups().into_iter().map(watched_group).collect()
}

fn watched_group(group: GroupStatus) -> WatchedGroup {
    WatchedGroup {
        name: group.name,
        file: group.file,
        interval_ms: group.interval_ms,
        last_run: group.last_evaluation,
        last_duration_s: group.evaluation_time_s,
        rules: group.rules.into_iter().map(watched_rule).collect(),
    }
}

fn watched_rule(rule: RuleStatus) -> WatchedRule {
    let hold_ms = (rule.duration_s * 1000.0) as i64;
    let active = rule.alerts.iter().map(|alert| Active {
        state: match alert.state {
            AlertState::Firing => ActiveState::Firing,
            AlertState::Pending | AlertState::Inactive => ActiveState::Pending,
        },
        name: rule.name.clone(),
        labels: alert.labels.clone(),
        annotations: alert.annotations.clone(),
        value: alert.value,
        active_at: alert.active_at,
        hold_ms,
    });
    let alerting = (rule.kind == RuleKind::Alerting).then(|| WatchedAlerting { hold_ms, active: active.collect() });
    WatchedRule {
        expr: rule.query,
        labels: rule.labels,
        last_error: rule.last_error,
        last_run: rule.last_evaluation,
        last_duration_s: rule.evaluation_time_s,
        alerting,
        name: rule.name,
    }
}
