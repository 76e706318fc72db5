//! `http_sd` against a real server.

mod support;

use std::sync::{Arc, Mutex};

use discovery::{Config, HttpConfig};
use support::{Discovery, targets};
use test_support::{Asked, Reply, WebServer};

const GROUPS: &str = r#"[{"targets": ["a:1", "b:1"], "labels": {"zone": "x"}}, {"targets": ["c:1"]}]"#;

#[tokio::test]
async fn groups_come_from_a_url_and_stay_when_it_fails() {
    let reply = Arc::new(Mutex::new(Reply::json(GROUPS)));
    let server = WebServer::start({
        let reply = Arc::clone(&reply);
        move |_asked: Asked| {
            let reply = reply.lock().unwrap().clone();
            async move { reply }
        }
    })
    .await;
    let url = format!("http://{}/targets", server.address());
    let config = HttpConfig { url: url.clone(), refresh_interval_ms: 100, http: http_client::Config::default() };
    let mut discovery = Discovery::start(Config::Http(Box::new(config)));
    let found = discovery.next(|found| !found.groups.is_empty()).await;
    assert_eq!(
        targets(&found),
        format!(
            "{url}:0 {{__meta_url=\"{url}\", zone=\"x\"}}\n  {{__address__=\"a:1\"}}\n  {{__address__=\"b:1\"}}\n\
             {url}:1 {{__meta_url=\"{url}\"}}\n  {{__address__=\"c:1\"}}\n"
        )
    );
    let asked = server.asked().remove(0);
    assert_eq!(asked.header("accept"), Some("application/json"));
    assert_eq!(asked.header("x-prometheus-refresh-interval-seconds"), Some("0.1"));
    assert_eq!(asked.header("user-agent"), Some("test/1"));

    for (broken, expected) in [
        (Reply::status(503), "server returned HTTP status 503 Service Unavailable"),
        (Reply::ok(GROUPS).with("content-type", "text/html"), "unsupported content type \"text/html\""),
        (
            Reply::json("[{\"target\": []}]"),
            "unknown field `target`, expected `targets` or `labels` at line 1 column 10",
        ),
        (Reply::json("[null]"), "nil target group item found (index 0)"),
    ] {
        *reply.lock().unwrap() = broken;
        let found = discovery.next(|found| found.error.as_deref() == Some(expected)).await;
        assert_eq!(found.groups.len(), 2, "the groups of before stay");
        assert!(0 < found.failures);
    }
    *reply.lock().unwrap() = Reply::json("[]");
    let found = discovery.next(|found| found.error.is_none()).await;
    assert_eq!(found.groups, []);
    discovery.end().await;
}

#[tokio::test]
async fn settings_that_cannot_work_are_an_error_of_the_discovery() {
    let http = http_client::Config {
        tls: http_client::TlsConfig { ca: Some("none".to_owned()), ..http_client::TlsConfig::default() },
        ..http_client::Config::default()
    };
    let config = HttpConfig { url: "http://a/".to_owned(), refresh_interval_ms: 100, http };
    let mut discovery = Discovery::start(Config::Http(Box::new(config)));
    let found = discovery.next(|found| found.error.is_some()).await;
    assert_eq!(found.error.as_deref(), Some("cannot set up TLS: ca: it holds no certificate"));
    discovery.end().await;
}
