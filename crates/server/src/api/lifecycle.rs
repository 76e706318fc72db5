//! Is it alive, is it ready, what does it take, read the configuration again.

use axum::extract::State as Extract;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::State;

/// `/-/healthy`
pub(crate) async fn healthy() -> &'static str {
    "Pitwall is Healthy.\n"
}

/// `/-/ready`: the server listens only once the store is open, so it is ready when it answers.
pub(crate) async fn ready() -> &'static str {
    "Pitwall is Ready.\n"
}

/// `/metrics`: the program's own.
pub(crate) async fn metrics(Extract(state): Extract<State>) -> Response {
    let text = exposition::write_text(&(state.own_metrics)());
    ([(header::CONTENT_TYPE, exposition::CONTENT_TYPE)], text).into_response()
}

/// `/-/reload`: all or nothing; a bad configuration leaves the old one in force.
pub(crate) async fn reload(Extract(state): Extract<State>) -> Response {
    match state.lifecycle.reload().await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("failed to reload config: {error}\n")).into_response()
        }
    }
}

/// What another method than POST or PUT gets.
pub(crate) async fn only_post() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, "Only POST or PUT requests allowed").into_response()
}

/// `/-/quit`: whoever may stop the program can do so where it was started.
pub(crate) async fn quit() -> Response {
    (StatusCode::FORBIDDEN, "Stopping over HTTP is not enabled; send the process SIGTERM.\n").into_response()
}
