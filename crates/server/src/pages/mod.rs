//! Pages for people, complete without JavaScript.

mod alerts;
mod ask;
mod assets;
mod explore;
mod home;
mod names;
mod panel;
mod rules;
mod status;
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
use view::error::ErrorPage;
use view::parts::{Empty, Icon, Mood};
use view::shell::{Section, Shell};

/// How often lists renew themselves, in seconds.
const REFRESH_S: u32 = 5;

/// All pages and what the browser loads with them.
pub(crate) fn routes() -> Router<State> {
    Router::new()
        .route("/", get(home::page))
        .route("/query", get(explore::page))
        .route("/alerts", get(alerts::page))
        .route("/rules", get(rules::page))
        .merge(targets::routes())
        .merge(status::routes())
        .route("/static/{name}", get(assets::serve))
        // Where Prometheus has or had these.
        .route("/graph", get(graph))
        .route("/service-discovery", get(async || Redirect::permanent("/targets?state=dropped")))
        .route("/status/targets", get(async || Redirect::permanent("/targets")))
        .route("/status/config", get(async || Redirect::permanent("/config")))
        .route("/status/flags", get(async || Redirect::permanent("/flags")))
        .route("/status/runtime", get(async || Redirect::permanent("/status")))
        .route("/status/tsdb", get(async || Redirect::permanent("/tsdb-status")))
}

async fn graph(uri: axum::http::Uri) -> Redirect {
    Redirect::permanent(&format!("/query?{}", uri.query().unwrap_or_default()))
}

/// Alerts that fire: what the top bar counts.
fn firing(state: &State) -> usize {
    alerts::active(state).iter().filter(|alert| alert.state == alerts::ActiveState::Firing).count()
}

/// A page that says that there is no such thing.
fn not_found(state: &State, section: Section, why: &str) -> Response {
    let empty = Empty::new(Mood::Neutral, why).icon(Icon::Search);
    failed(state, section, StatusCode::NOT_FOUND, "Not found", empty)
}

/// A page that says why something was not done.
fn refused(state: &State, section: Section, why: &str) -> Response {
    failed(state, section, StatusCode::CONFLICT, "Not done", Empty::new(Mood::Crit, why))
}

fn failed(state: &State, section: Section, status: StatusCode, heading: &str, empty: Empty) -> Response {
    let home = section.href();
    let shell = Shell { firing: firing(state), ..Shell::new(section, heading, home) };
    (status, show(&ErrorPage { shell, empty: empty.link(home, "Back") })).into_response()
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
