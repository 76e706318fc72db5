//! What is scraped.

use std::collections::BTreeMap;

use axum::extract::State as Extract;
use axum::response::Response;
use model::{Labels, Timestamp};
use serde::Serialize;

use super::answer::{ApiError, success};
use super::params::Params;
use super::rule_json::NEVER;
use crate::State;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TargetsDto {
    active_targets: Vec<TargetDto>,
    dropped_targets: [(); 0],
    dropped_target_counts: BTreeMap<String, usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TargetDto {
    discovered_labels: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
    scrape_pool: String,
    scrape_url: String,
    global_url: String,
    last_error: String,
    last_scrape: String,
    last_scrape_duration: f64,
    health: &'static str,
    scrape_interval: String,
    scrape_timeout: String,
}

/// `/api/v1/targets`
pub(crate) async fn list(Extract(state): Extract<State>, params: Params) -> Result<Response, ApiError> {
    let pool = params.first("scrapePool");
    let wants_active = params.first("state").is_none_or(|state| matches!(state, "active" | "any"));
    let targets = state
        .targets
        .targets()
        .into_iter()
        .filter(|target| wants_active && pool.is_none_or(|pool| pool == target.pool));
    let active_targets: Vec<TargetDto> = targets
        .map(|target| TargetDto {
            discovered_labels: map(&target.discovered_labels),
            labels: map(&target.labels),
            scrape_url: target.url.clone(),
            global_url: target.url,
            last_error: target.last_error,
            last_scrape: target.last_scrape.map_or_else(|| NEVER.to_owned(), rfc3339),
            last_scrape_duration: target.last_duration_s,
            health: target.health.as_str(),
            scrape_interval: units::duration::format_ms(target.interval_ms),
            scrape_timeout: units::duration::format_ms(target.timeout_ms),
            scrape_pool: target.pool,
        })
        .collect();
    let dropped_target_counts = active_targets.iter().map(|target| (target.scrape_pool.clone(), 0)).collect();
    Ok(success(&TargetsDto { active_targets, dropped_targets: [], dropped_target_counts }))
}

/// Labels as a JSON object.
pub(super) fn map(labels: &Labels) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A moment as Go's JSON writes it, in UTC.
pub(super) fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_ms()).map(|at| at.to_string()).unwrap_or_default()
}
