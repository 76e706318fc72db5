//! Remote write.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use remote::WriteError;
use storage::AppendError;

use crate::State;

/// `/api/v1/write`: remote write 1.0. Senders drop what gets 4xx and repeat what gets 5xx.
pub(crate) async fn receive(Extract(state): Extract<State>, headers: HeaderMap, body: Bytes) -> Response {
    let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.as_bytes());
    if !matches!(encoding, None | Some(b"snappy")) {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be compressed with snappy\n").into_response();
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.contains("io.prometheus.write.v2") {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "remote write 2.0 is not spoken; send 1.0\n").into_response();
    }
    let writer = Arc::clone(&state.writer);
    let written = tokio::task::spawn_blocking(move || writer.write(&body)).await;
    let error = match written {
        Ok(Ok(_)) => return StatusCode::NO_CONTENT.into_response(),
        Ok(Err(error)) => error,
        Err(panic) => return (StatusCode::INTERNAL_SERVER_ERROR, format!("{panic}\n")).into_response(),
    };
    let status = match &error {
        WriteError::BadData(_) | WriteError::Refused { .. } => StatusCode::BAD_REQUEST,
        WriteError::Append(AppendError::Full(_) | AppendError::Closed | AppendError::TooManySeries { .. }) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        WriteError::Append(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, format!("{error}\n")).into_response()
}
