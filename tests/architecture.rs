//! The dependency direction of crates/README.md, as a test.

use std::process::Command;

/// Lower layers first. A crate may depend only on crates of strictly lower layers.
const LAYERS: &[&[&str]] = &[
    &["regexp", "units", "clock"],
    &["model", "protobuf", "telemetry", "messages", "gotemplate"],
    &["storage", "catalog", "http-client", "exposition", "relabel", "promql-syntax", "chart"],
    &["tsdb", "promql", "discovery", "gpu", "host", "alerting", "dashboard"],
    &["scrape", "rules", "insight", "remote", "notify", "promqltest", "test-support"],
    &["server", "config"],
    &["pitwall"],
];

/// Developers' crates that nobody depends on.
const LEAVES: &[&str] = &["xtask", "fake-nvml"];

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

#[test]
fn dependencies_point_down() {
    // --no-dedupe: otherwise a crate that was printed once shows no dependencies the second time.
    let tree = Command::new(env!("CARGO"))
        .args("tree --workspace --edges normal --depth 1 --prefix depth --no-dedupe --offline".split(' '))
        .output()
        .expect("cargo tree runs");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let text = String::from_utf8(tree.stdout).expect("utf-8");
    let mut from = "";
    let mut edges = 0;
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (depth, rest) = line.split_at(1);
        let name = rest.split(' ').next().unwrap_or_default();
        if depth == "0" {
            from = name;
            assert!(
                LEAVES.contains(&name) || layer(name).is_some(),
                "{name} has no room in LAYERS: add it there and to crates/README.md"
            );
        } else if let (Some(upper), Some(lower)) = (layer(from), layer(name)) {
            edges += 1;
            assert!(lower < upper, "{from} (layer {upper}) must not depend on {name} (layer {lower})");
        }
    }
    assert!(60 < edges, "the test saw only {edges} edges: did the output format change?");
}

#[test]
fn only_catalog_names_sled() {
    let tree = Command::new(env!("CARGO"))
        .args("tree --workspace --edges normal --invert sled --depth 1 --prefix none --offline".split(' '))
        .output()
        .expect("cargo tree runs");
    let text = String::from_utf8(tree.stdout).expect("utf-8");
    let users: Vec<&str> = text.lines().skip(1).filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(users, ["catalog"], "{text}");
}
