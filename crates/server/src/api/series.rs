//! Which series exist.

use axum::extract::State as Extract;
use axum::response::Response;

use super::answer::{ApiError, ErrorKind, raw_success};
use super::json::write_labels;
use super::params::{Params, truncate};
use crate::State;

/// `/api/v1/series`
pub(crate) async fn list(Extract(state): Extract<State>, params: Params) -> Result<Response, ApiError> {
    let (selectors, range, limit) = (params.selectors()?, params.range()?, params.limit()?);
    if selectors.is_empty() {
        return Err(ApiError::bad_data("no match[] parameter provided"));
    }
    let mut series = state.read(move |storage| storage.series(&selectors, range)).await?;
    let warnings = truncate(&mut series, limit);
    let mut data = String::from("[");
    for (position, labels) in series.iter().enumerate() {
        if position != 0 {
            data.push(',');
        }
        write_labels(&mut data, labels);
    }
    data.push(']');
    Ok(raw_success(&data, &warnings, &[]))
}

/// `DELETE /api/v1/series`, which Prometheus has and does not do.
pub(crate) async fn not_implemented() -> ApiError {
    ApiError::new(ErrorKind::Internal, "not implemented")
}
