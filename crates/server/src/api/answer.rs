//! The envelope of every answer, and the error types with their codes.

use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// An error in Prometheus' form.
#[derive(Debug)]
pub(crate) struct ApiError {
    kind: ErrorKind,
    message: String,
}

/// Prometheus' error types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    BadData,
    Execution,
    Canceled,
    Timeout,
    /// The server is too busy now.
    Unavailable,
    /// The server cannot do this.
    Unsupported,
    Internal,
}

impl ErrorKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::BadData => "bad_data",
            Self::Execution => "execution",
            Self::Canceled => "canceled",
            Self::Timeout => "timeout",
            Self::Unavailable | Self::Unsupported => "unavailable",
            Self::Internal => "internal",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::BadData => StatusCode::BAD_REQUEST,
            Self::Execution => StatusCode::UNPROCESSABLE_ENTITY,
            // nginx's "client closed request", which Prometheus uses too; no other program sees it.
            Self::Canceled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
            Self::Timeout | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal | Self::Unsupported => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl ApiError {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// A request that cannot be understood.
    pub(crate) fn bad_data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::BadData, message)
    }

    /// A parameter that cannot be read, in Prometheus' words.
    pub(crate) fn parameter(name: &str, why: impl std::fmt::Display) -> Self {
        Self::new(ErrorKind::BadData, format!("invalid parameter {name:?}: {why}"))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = serde_json::json!({"status": "error", "errorType": self.kind.as_str(), "error": self.message});
        json(self.kind.status(), body.to_string())
    }
}

impl From<storage::QueryError> for ApiError {
    fn from(error: storage::QueryError) -> Self {
        let kind = match error {
            storage::QueryError::TooManySamples => ErrorKind::Execution,
            storage::QueryError::Corrupt(_) | storage::QueryError::Io(_) => ErrorKind::Internal,
        };
        Self::new(kind, error.to_string())
    }
}

/// `{"status":"success","data":…}`
pub(crate) fn success(data: &impl Serialize) -> Response {
    success_with(data, &[])
}

/// The same with warnings.
pub(crate) fn success_with(data: &impl Serialize, warnings: &[String]) -> Response {
    match serde_json::to_string(data) {
        Ok(data) => raw_success(&data, warnings, &[]),
        Err(error) => ApiError::new(ErrorKind::Internal, error.to_string()).into_response(),
    }
}

/// The envelope around data that is JSON already.
pub(crate) fn raw_success(data: &str, warnings: &[String], infos: &[String]) -> Response {
    let mut body = open_success();
    body.push_str(data);
    close_success(&mut body, warnings, infos);
    json(StatusCode::OK, body)
}

/// What stands before the data.
pub(crate) fn open_success() -> String {
    "{\"status\":\"success\",\"data\":".to_owned()
}

/// What stands after the data.
pub(crate) fn close_success(body: &mut String, warnings: &[String], infos: &[String]) {
    for (name, texts) in [("warnings", warnings), ("infos", infos)] {
        if !texts.is_empty() {
            body.push_str(&format!(",\"{name}\":{}", serde_json::json!(texts)));
        }
    }
    body.push('}');
}

pub(crate) async fn unknown_path() -> Response {
    (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
}

pub(crate) async fn wrong_method() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n").into_response()
}

/// Answers what a browser asks before it sends something unusual. Nothing is allowed that is not allowed anyway: no
/// other site may read this server.
pub(crate) async fn preflight(request: Request, next: Next) -> Response {
    match *request.method() {
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        _ => next.run(request).await,
    }
}

fn json(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
