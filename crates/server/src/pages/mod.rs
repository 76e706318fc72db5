//! Pages for people, complete without JavaScript.

mod alerts;
mod ask;
mod assets;
mod explore;
mod home;
mod names;
mod panel;
mod rules;
mod targets;
mod view;
mod watched;
mod window;

use askama::Template;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;

use crate::State;

/// How often lists renew themselves, in seconds.
const REFRESH_S: u32 = 5;

/// All pages and what the browser loads with them.
pub(crate) fn routes() -> Router<State> {
    Router::new()
        .route("/", get(home::page))
        .route("/query", get(explore::page))
        .route("/alerts", get(alerts::page))
        .route("/rules", get(rules::page))
        .route("/targets", get(targets::page))
        .route("/static/{name}", get(assets::serve))
        // Where Prometheus had its query page.
        .route("/graph", get(graph))
}

async fn graph(uri: axum::http::Uri) -> Redirect {
    Redirect::permanent(&format!("/query?{}", uri.query().unwrap_or_default()))
}

/// Alerts that fire: what the top bar counts.
fn firing(state: &State) -> usize {
    alerts::active(state).iter().filter(|alert| alert.state == alerts::ActiveState::Firing).count()
}

/// A page as an answer. Nobody keeps it: its numbers are of this moment.
fn show(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => ([(header::CACHE_CONTROL, "no-store")], Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
