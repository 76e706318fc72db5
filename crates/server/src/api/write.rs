//! Remote write.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State as Extract};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use remote::{DecodeError, Protocol, WriteError, Written};
use storage::AppendError;
use tokio::sync::Semaphore;

use crate::State;

/// Requests whose bodies are read and stored at once; more wait.
const AT_ONCE_MAX: usize = 32;
/// The largest body in bytes, compressed.
const BODY_BYTES_MAX: usize = 32 << 20;
/// How long a body may take to arrive.
const BODY_PATIENCE: Duration = Duration::from_secs(30);
/// When a sender may try again after the store could not take more, in seconds.
const RETRY_AFTER_S: u64 = 5;

static PLACES: Semaphore = Semaphore::const_new(AT_ONCE_MAX);

/// `/api/v1/write`: remote write 1.0 and 2.0. Senders drop what gets 4xx and repeat what gets 5xx.
pub(crate) async fn receive(Extract(state): Extract<State>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let (kind, encoding) =
        (text_of(&head.headers, &header::CONTENT_TYPE), text_of(&head.headers, &header::CONTENT_ENCODING));
    let protocol = match Protocol::negotiate(kind, encoding) {
        Ok(protocol) => protocol,
        Err(error) => return answer(StatusCode::UNSUPPORTED_MEDIA_TYPE, &error),
    };
    let outcome = with_body(body, move |body| state.writer.write(protocol, body, state.now())).await;
    let mut response = match outcome {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(ref error) => refusal(error),
    };
    if protocol == Protocol::V2 {
        let headers = response.headers_mut();
        for (name, count) in counts(&outcome) {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(count));
        }
    }
    response
}

/// Why a body was not written.
pub(super) enum Failed {
    /// It did not arrive.
    Body(StatusCode, String),
    /// It was refused.
    Write(WriteError),
    /// The thread that wrote it panicked.
    Panic(String),
}

/// Reads a body and gives it to `write` on a thread that may block.
pub(super) async fn with_body<T: Send + 'static>(
    body: Body,
    write: impl FnOnce(&[u8]) -> Result<T, WriteError> + Send + 'static,
) -> Result<T, Failed> {
    let Ok(_place) = PLACES.acquire().await else {
        return Err(Failed::Panic("the receiver is closed".to_owned()));
    };
    let body = read(body).await.map_err(|(status, why)| Failed::Body(status, why))?;
    match tokio::task::spawn_blocking(move || write(&body)).await {
        Ok(outcome) => outcome.map_err(Failed::Write),
        Err(panic) => Err(Failed::Panic(panic.to_string())),
    }
}

async fn read(body: Body) -> Result<Bytes, (StatusCode, String)> {
    match tokio::time::timeout(BODY_PATIENCE, Limited::new(body, BODY_BYTES_MAX).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err((
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body has more than {BODY_BYTES_MAX} bytes: send less at once"),
        )),
        Ok(Err(error)) => Err((StatusCode::BAD_REQUEST, error.to_string())),
        Err(_elapsed) => Err((StatusCode::REQUEST_TIMEOUT, format!("the body took longer than {BODY_PATIENCE:?}"))),
    }
}

/// The headers of 2.0 that say what is stored (its specification's "Required Written Response Headers").
fn counts(outcome: &Result<Written, Failed>) -> [(&'static str, usize); 3] {
    let written = match outcome {
        Ok(written) | Err(Failed::Write(WriteError::Refused { written, .. })) => *written,
        Err(_) => Written::default(),
    };
    [
        ("x-prometheus-remote-write-samples-written", written.samples),
        ("x-prometheus-remote-write-histograms-written", written.histograms),
        ("x-prometheus-remote-write-exemplars-written", written.exemplars),
    ]
}

/// What a sender is told.
pub(super) fn refusal(failed: &Failed) -> Response {
    match failed {
        Failed::Body(status, why) => answer(*status, why),
        Failed::Panic(why) => answer(StatusCode::INTERNAL_SERVER_ERROR, why),
        Failed::Write(error) => {
            let mut response = answer(status(error), error);
            if response.status() == StatusCode::SERVICE_UNAVAILABLE {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
            }
            response
        }
    }
}

const fn status(error: &WriteError) -> StatusCode {
    match error {
        WriteError::BadData(DecodeError::TooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
        WriteError::BadData(_) | WriteError::Refused { .. } => StatusCode::BAD_REQUEST,
        WriteError::Append(AppendError::Full(_) | AppendError::Closed | AppendError::TooManySeries { .. }) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        WriteError::Append(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

pub(super) fn answer(status: StatusCode, why: &impl std::fmt::Display) -> Response {
    (status, format!("{why}\n")).into_response()
}

/// A header's text, empty if it is missing.
pub(super) fn text_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bodies_are_bounded() {
        let body = Body::from(vec![0; BODY_BYTES_MAX + 1]);
        let failed = with_body(body, |_| Ok(())).await;
        assert!(matches!(failed, Err(Failed::Body(StatusCode::PAYLOAD_TOO_LARGE, _))));
        let body = Body::from(vec![7; BODY_BYTES_MAX]);
        let length = with_body(body, |body| Ok(body.len())).await;
        assert!(matches!(length, Ok(BODY_BYTES_MAX)));
        let failed = with_body(Body::empty(), |_| -> Result<(), _> { panic!("in the writer") }).await;
        assert!(matches!(failed, Err(Failed::Panic(why)) if why.contains("in the writer")));
    }

    #[test]
    fn senders_learn_whether_to_repeat() {
        let check = |error: WriteError, status, retry: bool| {
            let response = refusal(&Failed::Write(error));
            assert_eq!(response.status(), status);
            assert_eq!(response.headers().contains_key(header::RETRY_AFTER), retry);
        };
        check(AppendError::Full("no room".to_owned()).into(), StatusCode::SERVICE_UNAVAILABLE, true);
        check(AppendError::Closed.into(), StatusCode::SERVICE_UNAVAILABLE, true);
        check(AppendError::Io(std::io::Error::other("disk")).into(), StatusCode::INTERNAL_SERVER_ERROR, false);
        check(DecodeError::TooLarge { bytes: 1 << 40 }.into(), StatusCode::PAYLOAD_TOO_LARGE, false);
        check(DecodeError::TooManyMoments.into(), StatusCode::BAD_REQUEST, false);
    }

    #[test]
    fn counts_are_of_what_was_written() {
        let written = Written { samples: 1, histograms: 2, exemplars: 3 };
        let of = |outcome| counts(&outcome).map(|(_, count)| count);
        assert_eq!(of(Ok(written)), [1, 2, 3]);
        let refused = WriteError::Refused { written, refused: remote::Refused::default() };
        assert_eq!(of(Err(Failed::Write(refused))), [1, 2, 3]);
        assert_eq!(of(Err(Failed::Write(AppendError::Closed.into()))), [0, 0, 0]);
    }
}
