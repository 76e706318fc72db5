//! Rule groups and their alerts.

use std::collections::BTreeMap;

use axum::extract::State as Extract;
use axum::response::Response;
use rules::{ActiveAlert, GroupStatus, RuleKind, RuleStatus};
use serde::Serialize;

use super::answer::{ApiError, success};
use super::params::Params;
use super::targets::{map, rfc3339};
use crate::State;

/// Go's zero time, for what never happened.
const NEVER: &str = "0001-01-01T00:00:00Z";

#[derive(Serialize)]
struct GroupsDto {
    groups: Vec<GroupDto>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupDto {
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
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alerts: Option<Vec<AlertDto>>,
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

/// `/api/v1/rules`
pub(crate) async fn list(Extract(state): Extract<State>, params: Params) -> Result<Response, ApiError> {
    let kind = match params.first("type") {
        None => None,
        Some("alert") => Some(RuleKind::Alerting),
        Some("record") => Some(RuleKind::Recording),
        Some(other) => return Err(ApiError::parameter("type", format!("not supported value {other:?}"))),
    };
    let names: Vec<&str> = params.all("rule_name[]").collect();
    let groups: Vec<&str> = params.all("rule_group[]").collect();
    let files: Vec<&str> = params.all("file[]").collect();
    let wanted = |list: &[&str], name: &str| list.is_empty() || list.contains(&name);
    let with_alerts = params.first("exclude_alerts").is_none_or(|value| value != "true");
    let found =
        state.rules.groups().into_iter().filter(|group| wanted(&groups, &group.name) && wanted(&files, &group.file));
    let filtered = found.map(|mut group| {
        group.rules.retain(|rule| kind.is_none_or(|kind| kind == rule.kind) && wanted(&names, &rule.name));
        group
    });
    let narrowed = kind.is_some() || !names.is_empty();
    let groups = filtered.filter(|group| !narrowed || !group.rules.is_empty());
    Ok(success(&GroupsDto { groups: groups.map(|group| group_dto(group, with_alerts)).collect() }))
}

fn group_dto(group: GroupStatus, with_alerts: bool) -> GroupDto {
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
    let alerts = if with_alerts { rule.alerts.iter().map(alert_dto).collect() } else { Vec::new() };
    RuleDto {
        state: alerting.then(|| rule.state.as_str()),
        name: rule.name,
        query: rule.query,
        duration: alerting.then_some(rule.duration_s),
        keep_firing_for: alerting.then_some(rule.keep_firing_for_s),
        labels: map(&rule.labels),
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
