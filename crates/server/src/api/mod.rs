//! Prometheus' HTTP API v1, and the lifecycle endpoints.

mod alerts;
mod answer;
mod json;
mod labels;
mod lifecycle;
mod params;
mod query;
mod rules;
mod series;
mod status;
mod targets;
mod write;

use axum::Router;
use axum::routing::{any, get, post};

use crate::State;

/// `/api/v1`.
pub(crate) fn v1() -> Router<State> {
    Router::new()
        .route("/query", get(query::instant).post(query::instant))
        .route("/query_range", get(query::range).post(query::range))
        .route("/labels", get(labels::names).post(labels::names))
        .route("/label/{name}/values", get(labels::values))
        .route("/series", get(series::list).post(series::list))
        .route("/targets", get(targets::list))
        .route("/rules", get(rules::list))
        .route("/alerts", get(alerts::list))
        .route("/status/buildinfo", get(status::build_info))
        .route("/write", post(write::receive))
        .fallback(any(answer::unknown_path))
}

/// What scrapers of this program ask.
pub(crate) fn own_metrics() -> Router<State> {
    Router::new().route("/metrics", get(lifecycle::metrics))
}

/// `/-/…`.
pub(crate) fn lifecycle() -> Router<State> {
    Router::new()
        .route("/healthy", get(lifecycle::healthy))
        .route("/ready", get(lifecycle::ready))
        .route("/reload", post(lifecycle::reload).put(lifecycle::reload))
}
