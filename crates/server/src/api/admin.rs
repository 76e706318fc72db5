//! What Prometheus' admin API does to its store and this store cannot: said clearly, and nothing is done.

use super::answer::{ApiError, ErrorKind};
use super::params::Params;

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

fn unsupported(message: &str) -> ApiError {
    ApiError::new(ErrorKind::Unsupported, message)
}
