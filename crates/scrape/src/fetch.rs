//! Gets a page.

use std::time::Duration;

use futures_util::StreamExt as _;
use http_client::{Client, RequestError};
use reqwest::StatusCode;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use thiserror::Error;
use url::Url;

use crate::body::{self, Body, BodyError};
use crate::config::ScrapeConfig;
use crate::stand_in::Absence;
use crate::target::Target;

/// What a target answered.
pub(crate) struct Page {
    pub(crate) body: Vec<u8>,
    pub(crate) content_type: Option<String>,
}

/// What this program calls itself.
pub(crate) const AGENT: &str = concat!("pitwall/", env!("CARGO_PKG_VERSION"));
/// How much of a refusal's body is looked at for what it says, in bytes.
const REFUSAL_BYTES_MAX: usize = 1 << 10;

/// Why there is no page. Where Prometheus has words for it, they are Prometheus'.
#[derive(Debug, Error)]
pub(crate) enum FetchError {
    #[error("the host name has no address: {0}")]
    Name(String),
    #[error("cannot connect: {0}")]
    Connect(String),
    #[error("context deadline exceeded: the target did not answer within {}", units::duration::format_ms(*.0))]
    Timeout(i64),
    #[error("server returned HTTP status {status}")]
    Status { status: StatusCode, said: String },
    #[error("{0}")]
    Body(#[from] BodyError),
    #[error("the connection broke before the page was whole: {0}")]
    Broken(String),
    /// The request could not be made, or its answer is not HTTP.
    #[error("{0}")]
    Request(String),
}

impl FetchError {
    /// Whether anybody is there.
    pub(crate) const fn absence(&self) -> Absence {
        match self {
            Self::Name(_) => Absence::NoName,
            Self::Connect(_) => Absence::NoConnection,
            _ => Absence::Present,
        }
    }
}

/// What a target is told with each request: the same at every scrape, so it is written once.
pub(crate) fn request_headers(job: &ScrapeConfig, timeout_ms: i64) -> HeaderMap {
    const TIMEOUT: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");
    let accept = exposition::accept_header(&job.protocols, job.escaping);
    let timeout_s = Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0)).as_secs_f64();
    let encoding = if job.enable_compression { body::ACCEPT_ENCODING } else { "identity" };
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(encoding));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    // Both are made of ASCII letters, digits and signs.
    for (name, text) in [(ACCEPT, accept), (TIMEOUT, timeout_s.to_string())] {
        headers.extend(HeaderValue::try_from(text).ok().map(|value| (name, value)));
    }
    headers
}

/// Asks a target. `memory` is the previous page's, to be used again.
pub(crate) async fn fetch(client: &Client, url: &Url, target: &Target, memory: Vec<u8>) -> Result<Page, FetchError> {
    let timeout = Duration::from_millis(u64::try_from(target.timeout_ms).unwrap_or(0));
    let answer = tokio::time::timeout(timeout, ask(client, url, target, memory));
    answer.await.unwrap_or(Err(FetchError::Timeout(target.timeout_ms)))
}

async fn ask(client: &Client, url: &Url, target: &Target, memory: Vec<u8>) -> Result<Page, FetchError> {
    let request = || client.get_url(url.clone()).headers(target.request_headers.clone());
    let answer = match request().send().await {
        // A server may close a connection that was kept at the very moment when it is used again; nothing is wrong then.
        Err(error) if was_closed(&error) => request().send().await,
        first => first,
    };
    let answer = answer.map_err(unanswered)?;
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (content_type, encoding) = (header(CONTENT_TYPE), header(CONTENT_ENCODING));
    let status = answer.status();
    let mut stream = answer.bytes_stream();
    if status != StatusCode::OK {
        let mut said = Vec::new();
        while said.len() < REFUSAL_BYTES_MAX
            && let Some(Ok(part)) = stream.next().await
        {
            said.extend_from_slice(&part[..part.len().min(REFUSAL_BYTES_MAX)]);
        }
        return Err(FetchError::Status { status, said: String::from_utf8_lossy(&said).into_owned() });
    }
    let mut body = Body::new(encoding.as_deref(), target.limits.body_bytes_max, memory)?;
    while let Some(part) = stream.next().await {
        body.push(&part.map_err(|error| FetchError::Broken(http_client::root_cause(&error)))?)?;
    }
    Ok(Page { body: body.finish()?, content_type })
}

/// Whether the connection ended before anything was answered.
fn was_closed(error: &RequestError) -> bool {
    let RequestError::Send(error) = error else { return false };
    causes(error).iter().any(|cause| cause == "connection closed before message completed")
}

fn unanswered(error: RequestError) -> FetchError {
    let RequestError::Send(error) = error else { return FetchError::Request(error.to_string()) };
    let (causes, text) = (causes(&error), http_client::root_cause(&error));
    // The one word of the connector for a failed look-up; its cause is the system's.
    if causes.iter().any(|cause| cause == "dns error") {
        return FetchError::Name(text);
    }
    match error.is_connect() && !is_tls(&causes) {
        true => FetchError::Connect(text),
        false => FetchError::Request(text),
    }
}

/// Whether somebody took the connection and then spoke another TLS, or none.
fn is_tls(causes: &[String]) -> bool {
    ["certificate", "InvalidContentType", "handshake", "peer is incompatible", "tls"]
        .iter()
        .any(|word| causes.last().is_some_and(|cause| cause.contains(word)))
}

fn causes(error: &reqwest::Error) -> Vec<String> {
    let mut causes = Vec::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    causes
}
