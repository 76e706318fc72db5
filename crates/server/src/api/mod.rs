//! Prometheus' HTTP API v1, and the lifecycle endpoints.

mod admin;
mod alerts;
mod answer;
pub(crate) mod cardinality;
mod endpoints;
mod exemplars;
mod expressions;
mod features;
mod federate;
mod json;
mod labels;
mod lifecycle;
mod metadata;
mod openapi;
mod otlp;
mod params;
mod query;
mod result;
mod rule_json;
mod rules;
mod series;
mod status;
mod targets;
mod tree;
mod write;

use axum::routing::{any, get, post};
use axum::{Router, middleware};

use crate::State;

/// `/api/v1`.
pub(crate) fn v1() -> Router<State> {
    Router::new()
        .route("/query", get(query::instant).post(query::instant))
        .route("/query_range", get(query::range).post(query::range))
        .route("/query_exemplars", get(exemplars::query).post(exemplars::query))
        .route("/format_query", get(expressions::format).post(expressions::format))
        .route("/parse_query", get(expressions::parse).post(expressions::parse))
        .route("/labels", get(labels::names).post(labels::names))
        .route("/label/{name}/values", get(labels::values))
        .route("/series", get(series::list).post(series::list).delete(series::not_implemented))
        .route("/metadata", get(metadata::by_metric))
        .route("/targets", get(targets::list))
        .route("/targets/metadata", get(metadata::by_target))
        .route("/targets/relabel_steps", get(targets::relabel_steps))
        .route("/scrape_pools", get(targets::pools))
        .route("/rules", get(rules::list))
        .route("/alerts", get(alerts::list))
        .route("/alertmanagers", get(alerts::alertmanagers))
        .route("/status/buildinfo", get(status::build_info))
        .route("/status/config", get(status::config))
        .route("/status/flags", get(status::flags))
        .route("/status/runtimeinfo", get(status::runtime_info))
        .route("/status/tsdb", get(cardinality::status))
        .route("/status/walreplay", get(status::wal_replay))
        .route("/features", get(features::list))
        .route("/notifications", get(status::notifications))
        .route("/admin/tsdb/delete_series", post(admin::delete_series).put(admin::delete_series))
        .route("/admin/tsdb/clean_tombstones", post(admin::clean_tombstones).put(admin::clean_tombstones))
        .route("/admin/tsdb/snapshot", post(admin::snapshot).put(admin::snapshot))
        .route("/admin/tsdb/compact", post(admin::compact).put(admin::compact))
        .route("/write", post(write::receive))
        .route("/otlp/v1/metrics", post(otlp::receive))
        .route("/openapi.yaml", get(openapi::document))
        .method_not_allowed_fallback(answer::wrong_method)
        .fallback(any(answer::unknown_path))
        .layer(middleware::from_fn(answer::preflight))
}

/// What other scrapers ask: the program's own metrics, and those it holds.
pub(crate) fn scraped() -> Router<State> {
    Router::new().route("/metrics", get(lifecycle::metrics)).route("/federate", get(federate::federate))
}

/// `/-/…`.
pub(crate) fn lifecycle() -> Router<State> {
    Router::new()
        .route("/healthy", get(lifecycle::healthy))
        .route("/ready", get(lifecycle::ready))
        .route("/reload", post(lifecycle::reload).put(lifecycle::reload).fallback(lifecycle::only_post))
        .route("/quit", any(lifecycle::quit))
}
