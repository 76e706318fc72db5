//! Rule groups, rules and alerts as Prometheus' JSON.

use std::collections::BTreeMap;

use rules::{ActiveAlert, GroupStatus, RuleKind, RuleStatus};
use serde::Serialize;

use super::targets::{map, rfc3339};

/// Go's zero time, for what never happened.
pub(super) const NEVER: &str = "0001-01-01T00:00:00Z";

/// A group.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupDto {
    name: String,
    file: String,
    rules: Vec<RuleDto>,
    interval: f64,
    limit: usize,
    evaluation_time: f64,
    last_evaluation: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleDto {
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    name: String,
    query: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_firing_for: Option<f64>,
    /// A recording rule without labels does not say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<BTreeMap<String, String>>,
    /// `null` for an alerting rule whose alerts nobody wants.
    #[serde(skip_serializing_if = "Option::is_none")]
    alerts: Option<Option<Vec<AlertDto>>>,
    health: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    last_error: String,
    evaluation_time: f64,
    last_evaluation: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// An alert, here and in `/api/v1/alerts`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AlertDto {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    state: &'static str,
    active_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_firing_since: Option<String>,
    value: String,
}

/// A group; without `with_alerts` its rules say nothing of their alerts.
pub(super) fn group_dto(group: GroupStatus, with_alerts: bool) -> GroupDto {
    GroupDto {
        name: group.name,
        file: group.file,
        rules: group.rules.into_iter().map(|rule| rule_dto(rule, with_alerts)).collect(),
        interval: group.interval_ms as f64 / 1000.0,
        limit: group.limit,
        evaluation_time: group.evaluation_time_s,
        last_evaluation: group.last_evaluation.map_or_else(|| NEVER.to_owned(), rfc3339),
    }
}

fn rule_dto(rule: RuleStatus, with_alerts: bool) -> RuleDto {
    let alerting = rule.kind == RuleKind::Alerting;
    let alerts = with_alerts.then(|| rule.alerts.iter().map(alert_dto).collect());
    RuleDto {
        state: alerting.then(|| rule.state.as_str()),
        name: rule.name,
        query: promql_syntax::parse(&rule.query).map_or(rule.query, |expr| expr.to_string()),
        duration: alerting.then_some(rule.duration_s),
        keep_firing_for: alerting.then_some(rule.keep_firing_for_s),
        labels: (alerting || !rule.labels.is_empty()).then(|| map(&rule.labels)),
        annotations: alerting.then(|| map(&rule.annotations)),
        alerts: alerting.then_some(alerts),
        health: rule.health.as_str(),
        last_error: rule.last_error,
        evaluation_time: rule.evaluation_time_s,
        last_evaluation: rule.last_evaluation.map_or_else(|| NEVER.to_owned(), rfc3339),
        kind: if alerting { "alerting" } else { "recording" },
    }
}

pub(super) fn alert_dto(alert: &ActiveAlert) -> AlertDto {
    let (text, mut value) = (alert.value, String::new());
    // Go's `FormatFloat(value, 'e', -1, 64)`, which is what this one field is written with.
    let scientific = format!("{text:e}");
    match scientific.split_once('e').and_then(|(mantissa, e)| Some((mantissa, e.parse::<i32>().ok()?))) {
        Some((mantissa, exponent)) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            value.push_str(&format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs()));
        }
        None => value = units::float::shortest_g(text),
    }
    AlertDto {
        labels: map(&alert.labels),
        annotations: map(&alert.annotations),
        state: alert.state.as_str(),
        active_at: rfc3339(alert.active_at),
        keep_firing_since: alert.keep_firing_since.map(rfc3339),
        value,
    }
}
