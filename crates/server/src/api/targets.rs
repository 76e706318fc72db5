//! What is scraped, and what was found and is not.

use std::collections::BTreeMap;

use axum::extract::State as Extract;
use axum::response::Response;
use model::{Labels, Timestamp};
use scrape::{DroppedTarget, PoolStatus, TargetStatus};
use serde::Serialize;

use super::answer::{ApiError, success};
use super::params::Params;
use super::rule_json::NEVER;
use crate::State;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TargetsDto {
    active_targets: Vec<TargetDto>,
    dropped_targets: Vec<DroppedDto>,
    /// Of every pool; `null` if nobody asked for what is dropped.
    dropped_target_counts: Option<BTreeMap<String, usize>>,
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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DroppedDto {
    discovered_labels: BTreeMap<String, String>,
    scrape_pool: String,
}

/// `/api/v1/targets`
pub(crate) async fn list(Extract(state): Extract<State>, params: Params) -> Response {
    let manager = &state.targets;
    success(&present(&params, manager.targets(), manager.dropped(), &manager.pools()))
}

fn present(
    params: &Params,
    active: Vec<TargetStatus>,
    dropped: Vec<DroppedTarget>,
    pools: &[PoolStatus],
) -> TargetsDto {
    let pool = params.first("scrapePool");
    let wanted = |name: &str| pool.is_none_or(|pool| pool == name);
    let (wants_active, wants_dropped) = match params.first("state").map(str::to_lowercase).as_deref() {
        None | Some("any") => (true, true),
        Some("active") => (true, false),
        Some("dropped") => (false, true),
        Some(_) => (false, false),
    };
    let mut active: Vec<_> =
        active.into_iter().filter(|target| wants_active && wanted(&target.pool)).map(target_dto).collect();
    active.sort_by(|a, b| a.scrape_pool.cmp(&b.scrape_pool));
    let dropped = dropped.into_iter().filter(|target| wants_dropped && wanted(&target.pool));
    TargetsDto {
        active_targets: active,
        dropped_targets: dropped
            .map(|target| DroppedDto { discovered_labels: map(&target.discovered_labels), scrape_pool: target.pool })
            .collect(),
        dropped_target_counts: wants_dropped
            .then(|| pools.iter().map(|pool| (pool.name.clone(), pool.dropped)).collect()),
    }
}

fn target_dto(target: TargetStatus) -> TargetDto {
    TargetDto {
        discovered_labels: map(&target.discovered_labels),
        labels: map(&target.labels),
        scrape_pool: target.pool,
        scrape_url: target.url,
        global_url: target.global_url,
        last_error: target.last_error,
        last_scrape: target.last_scrape.map_or_else(|| NEVER.to_owned(), rfc3339),
        last_scrape_duration: target.last_duration_s,
        health: target.health.as_str(),
        scrape_interval: units::duration::format_ms(target.interval_ms),
        scrape_timeout: units::duration::format_ms(target.timeout_ms),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PoolsDto {
    scrape_pools: Vec<String>,
}

/// `/api/v1/scrape_pools`
pub(crate) async fn pools(Extract(state): Extract<State>) -> Response {
    let mut scrape_pools: Vec<String> = state.targets.pools().into_iter().map(|pool| pool.name).collect();
    scrape_pools.sort();
    scrape_pools.dedup();
    success(&PoolsDto { scrape_pools })
}

/// A rule as Prometheus' JSON has it.
#[derive(Serialize)]
struct RuleDto {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    source_labels: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    separator: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    regex: String,
    #[serde(skip_serializing_if = "is_zero")]
    modulus: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    target_label: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    replacement: String,
    action: &'static str,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

#[derive(Serialize)]
struct StepDto {
    rule: RuleDto,
    output: BTreeMap<String, String>,
    keep: bool,
}

#[derive(Serialize)]
struct StepsDto {
    steps: Vec<StepDto>,
}

/// `/api/v1/targets/relabel_steps`: what each of a pool's rules makes of a label set, as far as the one that drops it.
pub(crate) async fn relabel_steps(Extract(state): Extract<State>, params: Params) -> Result<Response, ApiError> {
    let required = |name| {
        let missing = || ApiError::bad_data(format!("no {name} parameter provided"));
        params.first(name).ok_or_else(missing)
    };
    let (pool, labels) = (required("scrapePool")?, required("labels")?);
    let labels: BTreeMap<String, String> =
        serde_json::from_str(labels).map_err(|error| ApiError::bad_data(format!("error parsing labels: {error}")))?;
    let steps = state
        .targets
        .relabel_steps(pool, &Labels::from_pairs(labels))
        .ok_or_else(|| ApiError::bad_data(format!("error getting scrape config: scrape pool {pool:?} not found")))?;
    Ok(success(&StepsDto { steps: steps.into_iter().map(|(rule, step)| step_dto(rule, step)).collect() }))
}

fn step_dto(rule: relabel::Config, step: relabel::Step) -> StepDto {
    StepDto {
        rule: RuleDto {
            source_labels: rule.source_labels,
            separator: rule.separator,
            regex: rule.regex.map(|regex| regex.as_str().to_owned()).unwrap_or_default(),
            modulus: rule.modulus,
            target_label: rule.target_label,
            replacement: rule.replacement,
            action: rule.action.as_str(),
        },
        keep: step.labels.is_some(),
        output: step.labels.as_ref().map(map).unwrap_or_default(),
    }
}

/// Labels as a JSON object.
pub(super) fn map(labels: &Labels) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A moment as Go's JSON writes it, in UTC.
pub(super) fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_ms()).map(|at| at.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_pools_are_chosen_as_prometheus_chooses_them() {
        let labels = Labels::from_pairs([("__address__", "a:1")]);
        let check = |query: &str, expected: (usize, usize, Option<usize>)| {
            let active = ["b", "a"].map(|pool| TargetStatus { pool: pool.to_owned(), ..TargetStatus::default() });
            let dropped = DroppedTarget { pool: "a".to_owned(), discovered_labels: labels.clone(), reason: None };
            let pools = ["a", "b"].map(|name| PoolStatus { name: name.to_owned(), ..PoolStatus::default() });
            let dto = present(&Params::of(query), active.to_vec(), vec![dropped], &pools);
            let counts = dto.dropped_target_counts.as_ref().map(BTreeMap::len);
            assert_eq!((dto.active_targets.len(), dto.dropped_targets.len(), counts), expected, "{query}");
        };
        check("", (2, 1, Some(2)));
        check("state=any&scrapePool=a", (1, 1, Some(2)));
        check("state=Active&scrapePool=b", (1, 0, None));
        check("state=dropped", (0, 1, Some(2)));
        check("state=foo", (0, 0, None));
    }

    #[test]
    fn a_step_says_what_the_rule_made() {
        let rule = relabel::Config { target_label: "x".to_owned(), replacement: "y".to_owned(), ..Default::default() };
        let labels = Labels::from_pairs([("a", "b")]);
        let step = relabel::explain(&labels, std::slice::from_ref(&rule)).remove(0);
        let expected = serde_json::json!({
            "rule": {"separator": ";", "target_label": "x", "replacement": "y", "action": "replace"},
            "output": {"a": "b", "x": "y"},
            "keep": true,
        });
        assert_eq!(serde_json::to_value(step_dto(rule, step)).expect("JSON"), expected);
    }
}
