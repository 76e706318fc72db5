//! Alerts that are pending or firing, and where they go.

use axum::extract::State as Extract;
use axum::response::Response;
use serde::Serialize;

use super::answer::success;
use super::rule_json::{AlertDto, alert_dto};
use crate::State;

#[derive(Serialize)]
struct AlertsDto {
    alerts: Vec<AlertDto>,
}

/// `/api/v1/alerts`
pub(crate) async fn list(Extract(state): Extract<State>) -> Response {
    let groups = state.rules.groups();
    let alerts = groups.iter().flat_map(|group| &group.rules).flat_map(|rule| &rule.alerts);
    success(&AlertsDto { alerts: alerts.map(alert_dto).collect() })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AlertmanagersDto {
    active_alertmanagers: [(); 0],
    dropped_alertmanagers: [(); 0],
}

/// `/api/v1/alertmanagers`: other programs that alerts are sent to. The routing is part of this program, so there are
/// none.
pub(crate) async fn alertmanagers() -> Response {
    success(&AlertmanagersDto { active_alertmanagers: [], dropped_alertmanagers: [] })
}
