//! `Config::Local` against real servers: a fixture of procfs says that they listen, and who they are.

mod support;

use std::path::Path;

use discovery::{Config, Found, LocalConfig};
use support::{Discovery, targets};
use test_support::{Asked, Reply, WebServer};

/// Makes the tree say that the process listens on the port of 127.0.0.1.
fn add_process(root: &Path, pid: u32, name: &str, command: &[&str], port: u16) {
    let folder = root.join(pid.to_string());
    std::fs::create_dir_all(folder.join("fd")).expect("a new folder");
    std::fs::write(folder.join("comm"), name).expect("a new file");
    std::fs::write(folder.join("cmdline"), command.join("\0")).expect("a new file");
    std::os::unix::fs::symlink(format!("socket:[{pid}00]"), folder.join("fd/3")).expect("a new link");
    let table = root.join("net/tcp");
    let mut text = std::fs::read_to_string(&table).unwrap_or_else(|_| "header\n".to_owned());
    text.push_str(&format!("0: 0100007F:{port:04X} 00000000:0000 0A 0:0 0:0 0 0 0 {pid}00 1\n"));
    std::fs::write(table, text).expect("a file to write");
}

#[tokio::test]
async fn a_model_server_is_found_and_strangers_are_left_alone() {
    let vllm =
        WebServer::start(async |_asked: Asked| Reply::ok("vllm:num_requests_running{model_name=\"m\"} 1\n")).await;
    let api = WebServer::start(async |_asked: Asked| Reply::status(404)).await;
    let stranger = WebServer::start(async |_asked: Asked| Reply::ok("up 1\n")).await;
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("net")).unwrap();
    let (vllm_port, api_port) = (vllm.address().port(), api.address().port());
    let port = vllm_port.to_string();
    add_process(root.path(), 4711, "vllm", &["vllm", "serve", "m", "--port", &port, "--api-key", "canary"], vllm_port);
    let port = api_port.to_string();
    add_process(root.path(), 4712, "ollama", &["ollama", "serve", "--port", &port], api_port);
    add_process(root.path(), 4713, "cupsd", &["cupsd"], stranger.address().port());
    let config = LocalConfig { procfs: root.path().to_owned(), refresh_interval_ms: 100, ..LocalConfig::default() };
    let mut discovery = Discovery::start(Config::Local(config.clone()));
    let all_asked = |found: &Found| !found.notes.iter().any(|note| note.ends_with("about to be asked"));
    let found = discovery.next(|found| !found.notes.is_empty() && all_asked(found)).await;
    let ports = |text: String| {
        let text = text.replace(&vllm_port.to_string(), "VLLM").replace(&api_port.to_string(), "OLLAMA");
        text.replace(&stranger.address().port().to_string(), "CUPS")
    };
    // They come in the order of the ports, which are other ones each time.
    let mut notes: Vec<String> = found.notes.iter().cloned().map(&ports).collect();
    notes.sort();
    insta::assert_snapshot!(format!("{}\n{}", ports(targets(&found)), notes.join("\n")));
    assert_eq!(stranger.asked(), []);

    // Another look asks nobody a second time.
    std::fs::remove_dir_all(root.path().join("4711")).unwrap();
    add_process(root.path(), 4714, "late", &["late"], 1);
    let found = discovery.next(|found| found.notes.iter().any(|note| note.contains("late (pid 4714)"))).await;
    assert!(!format!("{found:?}").contains("canary"));
    assert_eq!(api.asked().len(), 2, "/metrics and /v1/metrics, once");
    discovery.end().await;
}

#[tokio::test]
async fn a_procfs_that_cannot_be_read_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    let config = LocalConfig { procfs: root.path().join("away"), ..LocalConfig::default() };
    let mut discovery = Discovery::start(Config::Local(config));
    let found = discovery.next(|found| found.error.is_some()).await;
    assert!(found.error.unwrap().ends_with("away/net/tcp: No such file or directory (os error 2)"));
    discovery.end().await;
}
