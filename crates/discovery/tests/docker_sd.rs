//! `docker_sd` against a real server that answers as the engine does.

mod support;

use discovery::{Config, DockerConfig};
use support::{Discovery, targets};
use test_support::{Asked, Reply, WebServer};

const CONTAINERS: &str = r#"[
  {"Id": "aaa", "Names": ["/vllm"], "Labels": {"com.docker.compose.project": "lab"},
   "Ports": [{"IP": "0.0.0.0", "PrivatePort": 8000, "PublicPort": 18000, "Type": "tcp"},
             {"PrivatePort": 9000, "Type": "tcp"}, {"PrivatePort": 53, "Type": "udp"}],
   "HostConfig": {"NetworkMode": "lab"},
   "NetworkSettings": {"Networks": {"other": {"IPAddress": "10.2.0.2", "NetworkID": "n2"},
                                    "lab": {"IPAddress": "10.1.0.2", "NetworkID": "n1"}, "gone": null}}},
  {"Id": "bbb", "Names": ["/sidecar"], "Labels": null, "Ports": [],
   "HostConfig": {"NetworkMode": "container:aaa"}, "NetworkSettings": {"Networks": {}}},
  {"Id": "ccc", "Names": ["/node"], "Labels": {}, "Ports": null, "HostConfig": {"NetworkMode": "host"},
   "NetworkSettings": {"Networks": {"host": {"IPAddress": "", "NetworkID": "n3"}}}},
  {"Id": "ddd", "Names": [], "NetworkSettings": {"Networks": {"lab": {}}}},
  {"Id": "eee", "Names": ["/circle"], "HostConfig": {"NetworkMode": "container:eee"}}
]"#;

const NETWORKS: &str = r#"[
  {"Id": "n1", "Name": "lab", "Scope": "local", "Internal": false, "Ingress": false, "Labels": {"team.name": "ml"}},
  {"Id": "n2", "Name": "other", "Scope": "local", "Internal": true, "Ingress": false, "Labels": null}
]"#;

async fn engine(asked: Asked) -> Reply {
    match asked.path() {
        "/containers/json" => Reply::json(CONTAINERS),
        "/networks" => Reply::json(NETWORKS),
        _ => Reply::status(404),
    }
}

fn config(host: String) -> DockerConfig {
    DockerConfig {
        host,
        port: 80,
        host_networking_host: "localhost".to_owned(),
        filters: vec![("status".to_owned(), vec!["running".to_owned()])],
        match_first_network: true,
        refresh_interval_ms: 1_000,
        http: http_client::Config::default(),
    }
}

#[tokio::test]
async fn containers_become_targets() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("docker.sock");
    let server = WebServer::start_unix(&socket, engine).await;
    let config = config(format!("unix://{}", socket.display()));
    let mut discovery = Discovery::start(Config::Docker(Box::new(config.clone())));
    let found = discovery.next(|found| !found.groups.is_empty()).await;
    insta::assert_snapshot!(targets(&found));
    let targets: Vec<String> = server.asked().into_iter().map(|asked| asked.target).collect();
    assert_eq!(targets[..2], ["/containers/json?filters=%7B%22status%22%3A%5B%22running%22%5D%7D", "/networks"]);
    discovery.end().await;
}

#[tokio::test]
async fn every_network_counts_where_that_is_wanted() {
    let server = WebServer::start(engine).await;
    let config = DockerConfig { match_first_network: false, ..config(format!("tcp://{}", server.address())) };
    let mut discovery = Discovery::start(Config::Docker(Box::new(config)));
    let found = discovery.next(|found| !found.groups.is_empty()).await;
    let addresses: Vec<&str> = found.groups[0].targets.iter().filter_map(|target| target.get("__address__")).collect();
    assert_eq!(
        addresses,
        ["10.1.0.2:8000", "10.1.0.2:9000", "10.2.0.2:8000", "10.2.0.2:9000", "10.1.0.2:80", "10.2.0.2:80", "localhost"]
    );
    discovery.end().await;
}

#[tokio::test]
async fn what_the_engine_says_is_in_the_error() {
    let server =
        WebServer::start(async |_asked: Asked| Reply { status: 403, ..Reply::json(r#"{"message": "not for you"}"#) })
            .await;
    let config = config(format!("http://{}", server.address()));
    let mut discovery = Discovery::start(Config::Docker(Box::new(config)));
    let found = discovery.next(|found| found.error.is_some()).await;
    let expected =
        "error while listing containers: server returned HTTP status 403 Forbidden: {\"message\": \"not for you\"}";
    assert_eq!(found.error.as_deref(), Some(expected));
    discovery.end().await;
}
