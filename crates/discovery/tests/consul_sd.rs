//! `consul_sd` against a real server that answers as an agent does, blocking queries included.

mod support;

use std::sync::Arc;

use discovery::{Config, ConsulConfig};
use http_client::Secret;
use support::{Discovery, targets};
use test_support::{Asked, Reply, WebServer};
use tokio::sync::watch;

const HEALTH: &str = r#"[
  {"Node": {"Node": "n1", "Address": "10.0.0.1", "Meta": {"rack-row": "r1"}, "TaggedAddresses": {"lan": "10.0.0.1"}},
   "Service": {"ID": "web-1", "Address": "", "Port": 8080, "Tags": ["prod", "v1"], "Meta": {"proto": "h2"},
               "Namespace": "team", "Partition": "default"},
   "Checks": [{"CheckID": "a", "Status": "passing"}, {"CheckID": "b", "Status": "warning"}]},
  {"Node": {"Node": "n2", "Address": "10.0.0.2"}, "Service": {"ID": "web-2", "Address": "fd00::2", "Port": 81, "Tags": null}}
]"#;

fn config(server: &WebServer) -> ConsulConfig {
    ConsulConfig {
        server: server.address().to_string(),
        path_prefix: String::new(),
        token: Secret::new("canary"),
        datacenter: String::new(),
        namespace: "team".to_owned(),
        partition: String::new(),
        scheme: "http".to_owned(),
        services: Vec::new(),
        tags: vec!["prod".to_owned()],
        node_meta: vec![("rack".to_owned(), "1".to_owned())],
        filter: "a == b".to_owned(),
        health_filter: String::new(),
        tag_separator: ",".to_owned(),
        allow_stale: true,
        refresh_interval_ms: 100,
        http: http_client::Config::default(),
    }
}

/// An agent whose catalog is what the channel holds, with an index; a query for that index waits for another.
async fn agent(catalog: watch::Receiver<(u64, &'static str)>) -> WebServer {
    let catalog = Arc::new(catalog);
    WebServer::start(move |asked: Asked| {
        let mut catalog = (*catalog).clone();
        async move {
            match asked.path() {
                "/v1/agent/self" => Reply::json(r#"{"Config": {"Datacenter": "dc1"}}"#),
                "/v1/catalog/services" => {
                    let known = |index: u64| asked.target.ends_with(&format!("&index={index}"));
                    let changed = catalog.wait_for(|(index, _)| !known(*index)).await.map(|news| *news);
                    let Ok((index, services)) = changed else { return Reply::status(500) };
                    Reply::json(services).with("X-Consul-Index", &index.to_string())
                }
                "/v1/health/service/web" if asked.target.contains("index=7") => std::future::pending().await,
                "/v1/health/service/web" => Reply::json(HEALTH).with("X-Consul-Index", "7"),
                _ => Reply::status(404),
            }
        }
    })
    .await
}

#[tokio::test]
async fn services_come_and_go() {
    let (change, catalog) = watch::channel((3, r#"{"web": ["prod", "v1"], "test": ["v1"]}"#));
    let server = agent(catalog).await;
    let mut discovery = Discovery::start(Config::Consul(Box::new(config(&server))));
    let found = discovery.next(|found| !found.groups.is_empty()).await;
    insta::assert_snapshot!(targets(&found));
    let asked = server.asked();
    let targets: Vec<&str> = asked.iter().map(|asked| asked.target.as_str()).collect();
    assert_eq!(targets[0], "/v1/agent/self");
    for expected in [
        "/v1/catalog/services?wait=120000ms&ns=team&stale=&node-meta=rack%3A1&filter=a+%3D%3D+b",
        "/v1/health/service/web?wait=120000ms&ns=team&stale=&node-meta=rack%3A1&tag=prod",
    ] {
        assert!(targets.contains(&expected), "{targets:?}");
    }
    assert!(asked.iter().all(|asked| asked.header("x-consul-token") == Some("canary")));

    change.send_replace((4, "{}"));
    let found = discovery.next(|found| found.groups.is_empty()).await;
    assert_eq!(found.error, None);
    discovery.end().await;
}

#[tokio::test]
async fn named_services_need_no_catalog() {
    let (_change, catalog) = watch::channel((3, "{}"));
    let server = agent(catalog).await;
    let config = ConsulConfig {
        services: vec!["web".to_owned(), "away".to_owned()],
        tags: Vec::new(),
        datacenter: "dc2".to_owned(),
        ..config(&server)
    };
    let mut discovery = Discovery::start(Config::Consul(Box::new(config)));
    let found = discovery.next(|found| !found.groups.is_empty() && found.error.is_some()).await;
    assert_eq!(found.groups[0].labels.get("__meta_consul_dc"), Some("dc2"));
    let expected = "error refreshing service \"away\": server returned HTTP status 404 Not Found";
    assert_eq!(found.error.as_deref(), Some(expected));
    assert!(server.asked().iter().all(|asked| asked.path().starts_with("/v1/health/")));
    discovery.end().await;
}

#[tokio::test]
async fn an_agent_that_refuses_is_said() {
    let server = WebServer::start(async |_asked: Asked| Reply { status: 403, ..Reply::ok("ACL not found\n") }).await;
    let mut discovery = Discovery::start(Config::Consul(Box::new(config(&server))));
    let found = discovery.next(|found| found.error.is_some()).await;
    let expected = "error retrieving datacenter name: server returned HTTP status 403 Forbidden: ACL not found";
    assert_eq!(found.error.as_deref(), Some(expected));
    discovery.end().await;
}
