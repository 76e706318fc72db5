//! Alerts that are pending or firing.

use axum::extract::State as Extract;
use axum::response::Response;
use serde::Serialize;

use super::answer::success;
use super::rules::{AlertDto, alert_dto};
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
