//! Real files, good and bad.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::path::Path;

use config::{Problem, Severity};

fn errors(problems: &[Problem]) -> Vec<String> {
    problems.iter().filter(|problem| problem.severity == Severity::Error).map(ToString::to_string).collect()
}

#[test]
fn every_tutorial_loads() {
    for case in [
        "glm-4.7-flash/scrape_job.yml",
        "qwen2.5-7b/prometheus.yml",
        "qwen3-1.7b/prometheus.yml",
        "qwen3-4b/prometheus.yml",
        "qwen3-vl/prometheus.yml",
    ] {
        let Some(path) = test_support::shared_case(case) else { return };
        let loaded = config::load_prometheus(&path);
        assert_eq!(errors(&loaded.problems), [""; 0], "{case}");
        assert!(!loaded.value.scrape_configs.is_empty(), "{case}");
    }
    for case in ["qwen2.5-7b/alerts.yml", "qwen3-1.7b/rules.yml", "qwen3-vl/alerts.yml"] {
        let loaded = config::load_rules(&test_support::shared_case(case).unwrap());
        assert_eq!(errors(&loaded.problems), [""; 0], "{case}");
        assert!(!loaded.value.is_empty(), "{case}");
    }
    for case in ["qwen2.5-7b/alertmanager.yml", "qwen3-vl/alertmanager.yml"] {
        let loaded = config::load_alertmanager(&test_support::shared_case(case).unwrap());
        assert_eq!(errors(&loaded.problems), [""; 0], "{case}");
        assert_eq!(loaded.value.receivers[0].emails.len(), 1, "{case}");
    }
}

#[test]
fn the_tutorial_s_own_key_is_understood_and_said_so() {
    let Some(path) = test_support::shared_case("qwen3-vl/retention.yml") else { return };
    let loaded = config::load_prometheus(&path);
    assert_eq!(loaded.value.retention_ms, Some(30 * 24 * 3_600_000));
    assert_eq!(loaded.problems.len(), 1);
    assert!(loaded.problems[0].message.contains("storage.tsdb.retention.time"), "{}", loaded.problems[0]);
}

/// Each tutorial loads, and what its author should know is said: one line a finding.
#[test]
fn what_the_tutorials_got_wrong_is_named() {
    let not_told = "alerting.alertmanagers: has no effect here: alerts go through the built-in Alertmanager \
                    (--alertmanager.config-file); those named here are not told";
    for (case, expected) in [
        ("glm-4.7-flash/scrape_job.yml", &[][..]),
        ("qwen2.5-7b/prometheus.yml", &[not_told]),
        ("qwen3-1.7b/prometheus.yml", &[]),
        ("qwen3-4b/prometheus.yml", &[]),
        ("qwen3-vl/prometheus.yml", &[not_told]),
        (
            "qwen3-vl/retention.yml",
            &[
                "global.retention: Prometheus has no such key; taken as how long raw samples are kept. Its own place is \
               storage.tsdb.retention.time",
            ],
        ),
    ] {
        let Some(path) = test_support::shared_case(case) else { return };
        let problems = config::load_prometheus(&path).problems;
        let shown: Vec<String> =
            problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect();
        assert_eq!(shown, expected, "{case}");
        assert!(problems.iter().all(|problem| problem.severity == Severity::Warning), "{case}");
    }
}

#[test]
fn the_tutorial_s_data_source_is_the_built_in_one() {
    let Some(path) = test_support::shared_case("qwen2.5-7b/datasource.yml") else { return };
    assert!(config::is_provisioning(&path));
    let loaded = config::load_provisioning(&path);
    assert_eq!(errors(&loaded.problems), [""; 0]);
    let names: Vec<(&str, bool)> =
        loaded.value.datasources.iter().map(|source| (source.name.as_str(), source.is_default)).collect();
    assert_eq!(names, [("Prometheus", true)]);
    let explained: Vec<&str> = loaded.problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(explained, ["datasources", "datasources[0].url"]);
    let other = test_support::shared_case("qwen2.5-7b/prometheus.yml").unwrap();
    assert!(!config::is_provisioning(&other));
}

fn check(text: &str, expected: &str) {
    let folder = std::env::temp_dir().join(format!("pitwall-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("prometheus.yml");
    std::fs::write(&path, text).unwrap();
    let shown = errors(&config::load_prometheus(Path::new(&path)).problems);
    std::fs::remove_dir_all(&folder).unwrap();
    let shown: Vec<&str> = shown.iter().map(|line| line.rsplit_once("prometheus.yml:").unwrap().1).collect();
    assert_eq!(shown.join("\n"), expected, "{text}");
}

#[test]
fn what_the_storage_is_told() {
    let check = |text: &str, out_of_order_ms, exemplars_max, retention_bytes| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prometheus.yml");
        std::fs::write(&path, text).unwrap();
        let loaded = config::load_prometheus(&path);
        assert_eq!(loaded.problems.iter().map(ToString::to_string).collect::<Vec<_>>(), [""; 0], "{text}");
        let value = loaded.value;
        assert_eq!((value.out_of_order_ms, value.exemplars_max), (out_of_order_ms, exemplars_max), "{text}");
        assert_eq!(value.retention_bytes, retention_bytes, "{text}");
    };
    check("storage: {tsdb: {out_of_order_time_window: 30m}}", Some(1_800_000), None, None);
    check("storage: {tsdb: {out_of_order_time_window: 0s}, exemplars: {max_exemplars: 7}}", Some(0), Some(7), None);
    check("storage: {exemplars: {max_exemplars: -1}}", None, Some(0), None);
    check("storage: {tsdb: {retention: {size: 3GB}}}", None, None, Some(3 << 30));
}

#[test]
fn mistakes_are_explained_all_at_once() {
    check(
        "global:\n  scrape_intervall: 5s\nscrape_configs:\n- job_name: a\n  scrape_timeout: 5m\n- job_name: a\n  static_configs:\n  - targets: ['http://x:1']\n",
        "2:3: global.scrape_intervall: unknown key; did you mean \"scrape_interval\"?\n\
         5:19: scrape_configs[0].scrape_timeout: scrape timeout greater than scrape interval for scrape config with job name \"a\"\n\
         6:13: scrape_configs[1].job_name: found multiple scrape configs with job name \"a\"\n\
         8:15: scrape_configs[1].static_configs[0].targets[0]: \"http://x:1\" is not a valid hostname: a target is HOST:PORT; write x:1",
    );
    check(
        "scrape_configs:\n- job_name: a\n  relabel_configs: [{action: kep}]\n",
        "3:30: scrape_configs[0].relabel_configs[0].action: unknown relabel action \"kep\"; did you mean keep?",
    );
    check("global: {scrape_interval: soon}\n", "1:27: global.scrape_interval: not a valid duration string: \"soon\"");
}
