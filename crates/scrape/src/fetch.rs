//! Gets a page.

use std::time::Duration;

use futures_util::StreamExt as _;
use http_client::Client;
use reqwest::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};

use crate::target::{Endpoint, Target};

/// What a target answered.
pub(crate) struct Page {
    pub(crate) body: Vec<u8>,
    pub(crate) content_type: Option<String>,
}

const AGENT: &str = concat!("pitwall/", env!("CARGO_PKG_VERSION"));

/// Asks a target. `buffer` is the previous page's memory, to be used again.
pub(crate) async fn fetch(client: &Client, target: &Target, mut buffer: Vec<u8>) -> Result<Page, String> {
    let Endpoint::Http(url) = &target.endpoint else { return Err("the target has no URL".to_owned()) };
    buffer.clear();
    let body_bytes_max = target.limits.body_bytes_max;
    let timeout = Duration::from_millis(u64::try_from(target.timeout_ms).unwrap_or(0));
    let ask = async {
        let request = client
            .get(url.as_str())
            .header(ACCEPT, exposition::accept_header(&target.job.protocols, target.job.escaping))
            .header(USER_AGENT, AGENT)
            .header("X-Prometheus-Scrape-Timeout-Seconds", format!("{}", timeout.as_secs_f64()));
        let answer = request.send().await.map_err(|error| error.to_string())?;
        if !answer.status().is_success() {
            return Err(format!("server returned HTTP status {}", answer.status()));
        }
        let content_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut body = answer.bytes_stream();
        while let Some(part) = body.next().await {
            let part = part.map_err(|error| http_client::root_cause(&error))?;
            if body_bytes_max < buffer.len() + part.len() {
                return Err(format!("body size limit of {body_bytes_max} bytes exceeded"));
            }
            buffer.extend_from_slice(&part);
        }
        Ok(Page { body: buffer, content_type })
    };
    match tokio::time::timeout(timeout, ask).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("the target did not answer within {}", units::duration::format_ms(target.timeout_ms))),
    }
}
