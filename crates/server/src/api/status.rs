//! What this program is, how it was started, and what it is configured to do.

use std::collections::BTreeMap;

use axum::extract::State as Extract;
use axum::response::Response;
use serde::Serialize;

use super::answer::success;
use super::targets::rfc3339;
use crate::State;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BuildInfoDto {
    version: &'static str,
    revision: &'static str,
    branch: &'static str,
    build_user: &'static str,
    build_date: &'static str,
    go_version: &'static str,
}

/// `/api/v1/status/buildinfo`
///
/// Grafana reads the version to learn which functions it may use: we answer with the Prometheus whose language this is,
/// and name ourselves in the branch.
pub(crate) async fn build_info(Extract(state): Extract<State>) -> Response {
    success(&BuildInfoDto {
        version: state.build.prometheus_version,
        revision: state.build.revision,
        branch: state.build.name_and_version,
        build_user: "",
        build_date: "",
        go_version: "",
    })
}

#[derive(Serialize)]
struct ConfigDto {
    yaml: String,
}

/// `/api/v1/status/config`: the configuration in force, its secrets hidden.
pub(crate) async fn config(Extract(state): Extract<State>) -> Response {
    success(&ConfigDto { yaml: state.facts.configuration.load().yaml.clone() })
}

/// `/api/v1/status/flags`
pub(crate) async fn flags(Extract(state): Extract<State>) -> Response {
    success(&state.facts.flags.iter().map(|(name, value)| (name, value)).collect::<BTreeMap<_, _>>())
}

/// What Prometheus says of its process. The names that begin with GO have counterparts here or stay empty.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuntimeInfoDto {
    start_time: String,
    #[serde(rename = "CWD")]
    working_dir: String,
    hostname: String,
    server_time: String,
    reload_config_success: bool,
    last_config_time: String,
    corruption_count: usize,
    /// Tasks that run or wait.
    goroutine_count: usize,
    #[serde(rename = "GOMAXPROCS")]
    cores: usize,
    /// Go's word for no limit.
    #[serde(rename = "GOMEMLIMIT")]
    memory_limit_bytes: i64,
    #[serde(rename = "GOGC")]
    gogc: &'static str,
    #[serde(rename = "GODEBUG")]
    godebug: &'static str,
    storage_retention: String,
}

/// `/api/v1/status/runtimeinfo`
pub(crate) async fn runtime_info(Extract(state): Extract<State>) -> Response {
    let (facts, in_force) = (&state.facts, state.facts.configuration.load());
    success(&RuntimeInfoDto {
        start_time: rfc3339(facts.started),
        working_dir: facts.working_dir.to_string(),
        hostname: state.hostname.to_string(),
        server_time: rfc3339(state.now()),
        reload_config_success: in_force.refused.is_none(),
        last_config_time: rfc3339(in_force.since),
        corruption_count: (facts.store)().damaged,
        goroutine_count: tokio::runtime::Handle::current().metrics().num_alive_tasks(),
        cores: facts.cores,
        memory_limit_bytes: i64::MAX,
        gogc: "",
        godebug: "",
        storage_retention: units::duration::format_ms(in_force.retention_ms),
    })
}

#[derive(Serialize)]
struct WalReplayDto {
    min: u64,
    max: u64,
    current: u64,
}

/// `/api/v1/status/walreplay`: the log is replayed before the server listens, so there is nothing left to replay.
pub(crate) async fn wal_replay() -> Response {
    success(&WalReplayDto { min: 0, max: 0, current: 0 })
}

#[derive(Serialize)]
struct NotificationDto {
    text: String,
    date: String,
    active: bool,
}

/// `/api/v1/notifications`: what whoever looks after this server should know.
pub(crate) async fn notifications(Extract(state): Extract<State>) -> Response {
    let in_force = state.facts.configuration.load();
    let refused = in_force.refused.iter().map(|why| NotificationDto {
        text: format!("Configuration reload has failed: {why}"),
        date: rfc3339(in_force.since),
        active: true,
    });
    success(&refused.collect::<Vec<_>>())
}
