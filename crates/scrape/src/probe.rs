//! Looks beside a target that fails whether its metrics are there. Only on this machine: a request to somebody else's
//! server is made only by those who configured it.

use std::collections::BTreeSet;
use std::time::Duration;

use exposition::{Entry, Format, Parser, labels_of};
use futures_util::StreamExt as _;
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use url::Url;

use crate::fetch::AGENT;
use crate::hint::{Sighting, Trouble};

/// Where model servers and exporters usually are; no other port is asked, for a request may do something.
const PORTS: [u16; 12] = [8000, 8001, 8002, 8080, 9090, 9100, 9400, 9835, 11434, 23333, 30000, 3000];
/// Where servers usually have their metrics.
const PATHS: [&str; 2] = ["/metrics", "/v1/metrics"];
/// How long one question may take, in milliseconds.
const QUESTION_MS: u64 = 2_000;
/// How long all of them may take, in milliseconds.
const QUESTIONS_MS: u64 = 5_000;
/// How much of an answer is looked at, in bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// More than this would not help anybody.
const SIGHTINGS_MAX: usize = 2;

/// What answers metrics near `url`, a target with this trouble. `taken` are ports on this machine that are scraped already
/// or are this program's.
pub(crate) async fn around(trouble: Trouble, url: &Url, taken: &BTreeSet<u16>) -> Vec<Sighting> {
    let mut sightings = Vec::new();
    let end = tokio::time::Instant::now() + Duration::from_millis(QUESTIONS_MS);
    for url in places(trouble, url, taken) {
        if end < tokio::time::Instant::now() {
            break;
        }
        let question = tokio::time::timeout(Duration::from_millis(QUESTION_MS), ask(&url));
        if let Ok(Some(metric)) = question.await {
            sightings.push(Sighting { url, metric });
            if sightings.len() == SIGHTINGS_MAX {
                break;
            }
        }
    }
    sightings
}

/// Where to look.
fn places(trouble: Trouble, url: &Url, taken: &BTreeSet<u16>) -> Vec<Url> {
    let own = url.port_or_known_default();
    let at = |port: Option<u16>, path: &str| {
        let mut place = url.clone();
        place.set_query(None);
        place.set_path(path);
        place.set_port(port).ok()?;
        Some(place)
    };
    match trouble {
        Trouble::Refused => {
            let ports = PORTS.into_iter().filter(|port| Some(*port) != own && !taken.contains(port));
            ports.filter_map(|port| at(Some(port), PATHS[0])).collect()
        }
        Trouble::NoPage | Trouble::Html | Trouble::Json => {
            PATHS.into_iter().filter(|path| *path != url.path()).filter_map(|path| at(url.port(), path)).collect()
        }
        _ => Vec::new(),
    }
}

/// The most telling metric behind `url`, if there are any.
async fn ask(url: &Url) -> Option<String> {
    // Without credentials, and without following anybody elsewhere.
    let client = http_client::build(&http_client::Config { follow_redirects: false, ..Default::default() }).ok()?;
    let answer = client.get(url.as_str()).header(ACCEPT, "text/plain").header(USER_AGENT, AGENT).send().await.ok()?;
    if answer.status() != StatusCode::OK {
        return None;
    }
    let content_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut body = Vec::new();
    let mut stream = answer.bytes_stream();
    while let Some(part) = stream.next().await {
        body.extend_from_slice(&part.ok()?);
        if ANSWER_BYTES_MAX < body.len() {
            break;
        }
    }
    telling_metric(content_type.as_deref(), &body)
}

/// The first metric that names a program, or else the first that is not about the program's runtime, or else the first.
fn telling_metric(content_type: Option<&str>, body: &[u8]) -> Option<String> {
    const RUNTIME: [&str; 4] = ["python_", "process_", "go_", "promhttp_"];
    let format = Format::of(content_type, None, body).ok()?;
    let mut parser = Parser::of(format, body);
    let mut first: Option<String> = None;
    let mut own: Option<String> = None;
    while let Some(Ok(entry)) = parser.next() {
        let Entry::Series { raw, .. } = entry else { continue };
        let labels = labels_of(&raw, parser.kind()).ok()?;
        let name = labels.metric_name();
        if name.contains(':') {
            return Some(name.to_owned());
        }
        if own.is_none() && !RUNTIME.iter().any(|prefix| name.starts_with(prefix)) {
            own = Some(name.to_owned());
        }
        first.get_or_insert_with(|| name.to_owned());
    }
    own.or(first)
}

#[cfg(test)]
mod tests {
    use test_support::HttpTarget;

    use super::*;

    #[test]
    fn only_usual_places_that_nobody_scrapes_are_asked() {
        let url = Url::parse("http://127.0.0.1:8001/metrics?a=b").unwrap();
        let taken = BTreeSet::from([8000, 8002, 8080, 9090, 9100, 9400]);
        let shown = |trouble| places(trouble, &url, &taken).iter().map(Url::to_string).collect::<Vec<_>>();
        let expected =
            ["9835", "11434", "23333", "30000", "3000"].map(|port| format!("http://127.0.0.1:{port}/metrics"));
        assert_eq!(shown(Trouble::Refused), expected);
        assert_eq!(shown(Trouble::NoPage), ["http://127.0.0.1:8001/v1/metrics"]);
        assert_eq!(shown(Trouble::Slow), Vec::<String>::new());
    }

    #[test]
    fn the_most_telling_metric_is_named() {
        for (body, expected) in [
            ("python_info 1\nfoo 1\nvllm:x{a=\"b\"} 1\n", Some("vllm:x")),
            ("go_info 1\nnode_load1 1\n", Some("node_load1")),
            ("process_x 1\n", Some("process_x")),
            ("<html>", None),
            ("", None),
        ] {
            assert_eq!(telling_metric(None, body.as_bytes()).as_deref(), expected, "{body}");
        }
    }

    #[tokio::test]
    async fn a_server_beside_the_target_is_seen() {
        http_client::install_crypto_provider();
        let server = HttpTarget::serving("vllm:x 1\n").await;
        let url = Url::parse(&format!("http://{}/wrong", server.address())).unwrap();
        let sightings = around(Trouble::NoPage, &url, &BTreeSet::new()).await;
        let shown: Vec<_> = sightings.iter().map(|seen| (seen.url.path(), seen.metric.as_str())).collect();
        assert_eq!(shown, [("/metrics", "vllm:x"), ("/v1/metrics", "vllm:x")]);
        server.set_status(404);
        assert_eq!(around(Trouble::NoPage, &url, &BTreeSet::new()).await, []);
    }
}
