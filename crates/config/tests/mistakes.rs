//! What people write by mistake, and what they are told.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use config::Severity;

/// Findings for a `prometheus.yml`, without the file's name.
fn findings(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prometheus.yml");
    std::fs::write(&path, text).unwrap();
    let lines = config::load_prometheus(&path).problems.into_iter().map(|problem| {
        let word = if problem.severity == Severity::Warning { "warning: " } else { "" };
        format!("{word}{}", problem.to_string().replace(&format!("{}:", path.display()), ""))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn check(text: &str, expected: &str) {
    assert_eq!(findings(text), expected, "{text}");
}

/// A job with these keys.
fn job(keys: &str) -> String {
    format!("scrape_configs:\n- job_name: a\n{keys}")
}

#[test]
fn keys_in_the_wrong_place_are_sent_to_the_right_one() {
    check(
        &job("  targets: ['h:1']\n"),
        "3:3: scrape_configs[0].targets: unknown key; \"targets\" belongs under static_configs[]",
    );
    check("scrape_interval: 15s\n", "1:1: scrape_interval: unknown key; \"scrape_interval\" belongs under global");
    check(
        &job("  static_configs:\n  - targets: ['h:1']\n    metrics_path: /x\n"),
        "5:5: scrape_configs[0].static_configs[0].metrics_path: unknown key; \"metrics_path\" belongs under scrape_configs[]",
    );
    check(
        "global:\n  retention: 30d\n",
        "warning: 2:3: global.retention: Prometheus has no such key; taken as how long raw samples are kept. Its own \
         place is storage.tsdb.retention.time",
    );
    check(
        "groups: []\nroute: {receiver: a}\n",
        "2:1: route: this is an alertmanager.yml: it goes to --alertmanager.config-file",
    );
}

#[test]
fn shapes_are_mended() {
    check(
        &job("  static_configs:\n    targets: ['h:1']\n"),
        "4:5: scrape_configs[0].static_configs: expected a list, found a mapping; put `- ` before its first key",
    );
    check(
        &job("  static_configs:\n  - targets: 'h:1'\n"),
        "4:14: scrape_configs[0].static_configs[0].targets: expected a list, found a single value; write [...] around \
         it, or `- ` before it",
    );
    check(
        &job("  static_configs: ['h:1']\n"),
        "3:20: scrape_configs[0].static_configs[0]: expected a mapping, found a single value; a mapping is KEY: VALUE, \
         with a space after the colon",
    );
    check(
        "global:\n- scrape_interval: 15s\n",
        "2:3: global: expected a mapping, found a list; leave out the `- ` before its keys",
    );
    check("- job_name: a\n", "1:1: expected a mapping, found a list; leave out the `- ` before its keys");
    check("just a text\n", "1:1: expected a mapping, found a single value; a mapping is KEY: VALUE");
}

#[test]
fn values_are_mended() {
    check(
        "global: {scrape_interval: 15}\n",
        "1:27: global.scrape_interval: not a valid duration string: \"15\"; did you mean 15s?",
    );
    check(
        "global: {scrape_interval: 5 minutes}\n",
        "1:27: global.scrape_interval: not a valid duration string: \"5 minutes\"; did you mean 5m?",
    );
    check(
        &job("  static_configs:\n  - targets: ['https://h:1/metrics']\n"),
        "4:15: scrape_configs[0].static_configs[0].targets[0]: \"https://h:1/metrics\" is not a valid hostname: a target \
         is HOST:PORT; write h:1, and scheme: https and metrics_path: /metrics in the job",
    );
    check(&job("  honor_labels: ja\n"), "3:17: scrape_configs[0].honor_labels: \"ja\" is neither true nor false");
    check(
        &job("  body_size_limit: 10\n"),
        "3:20: scrape_configs[0].body_size_limit: units: unknown unit  in 10; write a size such as 16MB",
    );
    check(
        &job("  file_sd_configs: [{files: [targets.txt]}]\n"),
        "3:30: scrape_configs[0].file_sd_configs[0].files[0]: path name \"targets.txt\" is not valid for file \
         discovery: it must end in .json, .yml or .yaml, with a * in its last part at most",
    );
}

#[test]
fn what_is_no_yaml_is_explained() {
    for (text, expected) in [
        ("global:\n\tscrape_interval: 15s\n", "a tab indents a line here; YAML takes spaces only"),
        ("rule_files:\n- *.rules\n", "must stand in quotes"),
        ("global: {}\nglobal: {}\n", "the key global stands here a second time: put everything under one"),
    ] {
        let found = findings(text);
        assert!(found.contains(expected), "{text}\n{found}");
    }
}
