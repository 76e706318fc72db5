//! What this program is.

use axum::extract::State as Extract;
use axum::response::Response;
use serde::Serialize;

use super::answer::success;
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
