//! All routes, and what every request passes.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use tower_http::compression::CompressionLayer;

use crate::guard::{cross_site, headers, host};
use crate::{HostRules, State, api, pages};

/// The largest request body in bytes; a remote write request is the largest there is.
const BODY_BYTES_MAX: usize = 32 << 20;

/// The whole of the server's outside.
pub fn router(state: State, hosts: HostRules) -> Router {
    Router::new()
        .merge(pages::routes())
        .merge(api::scraped())
        .nest("/api/v1", api::v1())
        .nest("/-", api::lifecycle())
        .with_state(state)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn(cross_site::check))
        .layer(middleware::from_fn_with_state(Arc::new(hosts), host::check))
        .layer(middleware::from_fn(headers::add))
}
