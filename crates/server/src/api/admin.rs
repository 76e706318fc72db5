//! What can be done to the store. Most of Prometheus' admin API has no counterpart: that is said clearly, and nothing
//! is done.

use std::sync::Arc;

use axum::extract::State as Extract;
use axum::http::StatusCode;

use super::answer::{ApiError, ErrorKind};
use super::params::Params;
use crate::State;

/// `/api/v1/admin/tsdb/delete_series`
pub(crate) async fn delete_series(params: Params) -> ApiError {
    if params.all("match[]").next().is_none() {
        return ApiError::bad_data("no match[] parameter provided");
    }
    match params.selectors().and_then(|_| params.range()) {
        Ok(_) => unsupported("series are not deleted one by one; samples go when storage.retention.time has passed"),
        Err(error) => error,
    }
}

/// `/api/v1/admin/tsdb/clean_tombstones`
pub(crate) async fn clean_tombstones() -> ApiError {
    unsupported("there are no tombstones: series are not deleted one by one")
}

/// `/api/v1/admin/tsdb/snapshot`
pub(crate) async fn snapshot() -> ApiError {
    unsupported("snapshots are not made; segments never change once written, so a copy of the data folder is one")
}

/// `/api/v1/admin/tsdb/compact`: writes what is in memory as segments, as it would be written in time.
pub(crate) async fn compact(Extract(state): Extract<State>) -> Result<StatusCode, ApiError> {
    let compact = Arc::clone(&state.facts.compact);
    let internal = |why: String| ApiError::new(ErrorKind::Internal, why);
    let done = tokio::task::spawn_blocking(move || compact()).await;
    done.map_err(|panic| internal(panic.to_string()))?.map_err(internal)?;
    Ok(StatusCode::NO_CONTENT)
}

fn unsupported(message: &str) -> ApiError {
    ApiError::new(ErrorKind::Unsupported, message)
}
