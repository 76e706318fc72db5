//! Looks at listeners that are made up, and what is remembered of them.

use model::Labels;

use super::super::page::{Engine, Page};
use super::*;
use crate::Pinned;

fn listener(address: &str, pid: Option<u32>, command: &str) -> Listener {
    let command: Vec<String> = command.split(' ').map(str::to_owned).collect();
    let name = command[0].clone();
    let process = pid.map(|pid| Process { pid, name, command, is_us: false });
    Listener { address: address.parse().unwrap(), inode: u64::from(pid.unwrap_or(0)), process, container: None }
}

fn page(address: SocketAddr, engine: Option<Engine>) -> Outcome {
    Outcome::Page { address, path: "/metrics", page: Page { samples: 361, engine } }
}

fn new(config: LocalConfig) -> Memory {
    Memory::new(config, Arc::default())
}

const VLLM: Option<Engine> = Some(Engine { name: "vllm", is_model_server: true });

fn asked(due: &[(Key, Vec<SocketAddr>)]) -> Vec<String> {
    due.iter().map(|(_, addresses)| addresses[0].to_string()).collect()
}

#[test]
fn each_listener_is_asked_once_and_after_an_hour_again() {
    let mut memory = new(LocalConfig::default());
    let here = || vec![listener("0.0.0.0:8080", Some(7), "nginx")];
    let due = memory.take(here(), 0);
    assert_eq!(asked(&due), ["127.0.0.1:8080"]);
    memory.learn(&due[0].0, Outcome::None { why: "/metrics answered 404".to_owned(), not_yet: true }, 0);
    assert!(memory.take(here(), BACK_OFF_MS - 1).is_empty());
    assert_eq!(memory.take(here(), BACK_OFF_MS).len(), 1);
    // Another process is another listener.
    assert_eq!(memory.take(vec![listener("0.0.0.0:8080", Some(8), "nginx")], 1).len(), 1);
}

#[test]
fn a_model_server_that_loads_is_asked_again_soon() {
    let mut memory = new(LocalConfig::default());
    let here = || vec![listener("0.0.0.0:8080", Some(7), "llama-server --metrics")];
    let mut now_ms = 0;
    let mut waits = Vec::new();
    for _ in 0..10 {
        let due = memory.take(here(), now_ms);
        memory.learn(&due[0].0, Outcome::None { why: "503".to_owned(), not_yet: true }, now_ms);
        let next = memory.asked.0.lock()[&due[0].0].due_at_ms;
        waits.push((next - now_ms) / 1_000);
        now_ms = next;
    }
    assert_eq!(waits, [15, 30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
    let due = memory.take(here(), now_ms);
    memory.learn(&due[0].0, Outcome::None { why: "404".to_owned(), not_yet: false }, now_ms);
    assert!(memory.take(here(), now_ms + BACK_OFF_MS - 1).is_empty());
}

#[test]
fn what_answers_is_found_with_a_reason_until_it_is_gone() {
    let mut memory = new(LocalConfig::default());
    let here = || {
        vec![
            listener("127.0.0.1:8000", Some(4711), "vllm serve m --api-key canary"),
            listener("127.0.0.1:45123", Some(4711), "vllm serve m --api-key canary"),
            listener("0.0.0.0:443", Some(9), "nginx"),
            listener("[::]:9090", None, ""),
        ]
    };
    let due = memory.take(here(), 0);
    assert_eq!(asked(&due), ["127.0.0.1:8000", "127.0.0.1:9090"]);
    memory.learn(&due[0].0, page(due[0].1[0], VLLM), 0);
    memory.learn(&due[1].0, page("[::1]:9090".parse().unwrap(), None), 0);
    assert!(memory.take(here(), BACK_OFF_MS).is_empty(), "what is found is not asked again");
    let (groups, notes) = memory.found();
    let shown: Vec<String> =
        groups.iter().map(|group| format!("{} {}", group.source, group.targets[0].to_braces())).collect();
    insta::assert_snapshot!(format!("{}\n\n{}", shown.join("\n"), notes.join("\n")));
    memory.take(Vec::new(), 0);
    assert_eq!(memory.found(), (Vec::new(), Vec::new()));
}

#[test]
fn what_is_pinned_stays_and_what_is_dismissed_is_left_alone() {
    let pinned = Pinned {
        address: "127.0.0.1:8000".to_owned(),
        path: "/v1/metrics".to_owned(),
        labels: Labels::from_pairs([("job", "mine")]),
    };
    let ignored = vec!["127.0.0.1:9100".to_owned()];
    let mut memory = new(LocalConfig { pinned: vec![pinned], ignored, ..LocalConfig::default() });
    let here =
        vec![listener("0.0.0.0:8000", Some(1), "vllm serve m"), listener("0.0.0.0:9100", Some(2), "node_exporter")];
    assert!(memory.take(here, 0).is_empty());
    let first = |memory: &Memory| memory.found().0[0].targets[0].to_braces();
    assert_eq!(
        first(&memory),
        "{__address__=\"127.0.0.1:8000\", __meta_local_command=\"vllm serve m\", __meta_local_pid=\"1\", \
         __meta_local_reason=\"vllm serve (pid 1) listens on 127.0.0.1:8000 and is pinned\", \
         __metrics_path__=\"/v1/metrics\", job=\"mine\"}"
    );
    let note = "node_exporter (pid 2) listens on 127.0.0.1:9100; it is not asked: it is this program's own or was \
                dismissed";
    assert_eq!(memory.found().1[1], note);
    memory.take(Vec::new(), 0);
    assert_eq!(
        first(&memory),
        "{__address__=\"127.0.0.1:8000\", \
         __meta_local_reason=\"127.0.0.1:8000 is pinned; nothing listens there now\", \
         __metrics_path__=\"/v1/metrics\", job=\"mine\"}"
    );
}

#[test]
fn two_processes_on_one_port_are_reached_at_their_own_addresses() {
    let mut memory = new(LocalConfig::default());
    let here = vec![listener("0.0.0.0:8080", Some(1), "a"), listener("[::]:8080", Some(2), "b")];
    assert_eq!(asked(&memory.take(here, 0)), ["127.0.0.1:8080", "[::1]:8080"]);
}

#[test]
fn notes_are_bounded() {
    let mut memory = new(LocalConfig::default());
    let many = (10_000..10_300).map(|port| listener(&format!("127.0.0.1:{port}"), Some(1), "a")).collect();
    memory.take(many, 0);
    let notes = memory.found().1;
    assert_eq!((notes.len(), notes[NOTES_MAX].as_str()), (NOTES_MAX + 1, "and 100 more"));
}

#[test]
fn another_configuration_asks_nobody_again() {
    let mut memory = new(LocalConfig::default());
    let here = || vec![listener("0.0.0.0:8080", Some(7), "nginx"), listener("0.0.0.0:8000", Some(8), "vllm serve m")];
    let due = memory.take(here(), 0);
    memory.learn(&due[0].0, page(due[0].1[0], VLLM), 0);
    memory.learn(&due[1].0, Outcome::None { why: "404".to_owned(), not_yet: false }, 0);
    let ignored = vec!["127.0.0.1:9100".to_owned()];
    let config = LocalConfig { ignored, ..LocalConfig::default() };
    let mut next = Memory::new(config, Arc::clone(&memory.asked));
    assert!(next.take(here(), 0).is_empty());
    assert_eq!(next.found(), memory.found());
    assert_eq!(next.found().0.len(), 1);
}

#[test]
fn a_server_in_a_container_is_found_once() {
    let mut memory = new(LocalConfig::default());
    let proxy = "docker-proxy -host-port 18000 -container-ip 172.17.0.2 -container-port 8000";
    let proxy = listener("0.0.0.0:18000", Some(1), proxy);
    assert_eq!(asked(&memory.take(vec![proxy.clone()], 0)), ["127.0.0.1:18000"]);
    let inside = Listener {
        container: Some("172.17.0.2".parse().unwrap()),
        ..listener("0.0.0.0:8000", Some(2), "vllm serve m")
    };
    let elsewhere = Listener { process: None, ..inside.clone() };
    assert_eq!(asked(&memory.take(vec![proxy, inside, elsewhere], 0)), ["172.17.0.2:8000"]);
    let mut notes = memory.found().1;
    notes.sort();
    insta::assert_snapshot!(notes.join("\n"));
}
