//! Pages for people, complete without JavaScript.

use axum::Router;

use crate::State;

/// All pages and what the browser loads with them.
pub(crate) fn routes() -> Router<State> {
    Router::new()
}
