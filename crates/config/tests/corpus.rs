//! Prometheus' own test configurations, good and bad.

use std::path::Path;

use config::{Problem, Severity};

/// Files whose name does not say whether Prometheus 3.14 takes them.
const NEITHER: [(&str, bool); 16] = [
    ("agent_mode.with_alert_manager.yml", true),
    ("agent_mode.with_alert_relabels.yml", true),
    ("agent_mode.with_remote_reads.yml", true),
    ("agent_mode.with_rule_files.yml", true),
    ("agent_mode.without_remote_writes.yml", true),
    ("config_with_deprecated_am_api_config.yml", false),
    ("otlp_allow_utf8.incompatible.yml", false),
    ("otlp_empty.yml", true),
    ("otlp_no_translation.incompatible.yml", false),
    ("scrape_config_default_validation_mode.yml", true),
    ("scrape_config_global_validation_mode.yml", true),
    ("scrape_config_local_global_validation_mode.yml", true),
    ("scrape_config_local_infer_escaping.yml", true),
    ("scrape_config_local_validation_mode.yml", true),
    ("scrape_configs", true),
    ("first.rules", true),
];

fn load(path: &Path) -> Vec<Problem> {
    let environment = |name: &str| (name == "TEST").then(|| "test_value".to_owned());
    config::load_prometheus_with(path, &environment).problems
}

/// The problems, one a line, without the folder.
fn shown(problems: &[Problem], folder: &Path) -> String {
    let folder = format!("{}/", folder.display());
    let lines = problems.iter().map(|problem| {
        let word = if problem.severity == Severity::Warning { "warning: " } else { "" };
        format!("  {word}{problem}\n").replace(&folder, "")
    });
    lines.collect()
}

fn files() -> Option<(std::path::PathBuf, Vec<String>)> {
    let folder = test_support::shared_data("prometheus-config")?;
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    assert!(200 < names.len(), "{names:?}");
    Some((folder, names))
}

#[test]
fn good_files_are_taken_and_only_keys_without_effect_warn() {
    let Some((folder, names)) = files() else { return };
    for name in names.iter().filter(|name| name.ends_with(".good.yml")) {
        for problem in load(&folder.join(name)) {
            let expected = problem.severity == Severity::Warning
                && (problem.message.starts_with("has no effect here: ")
                    // The folder holds none of them.
                    || problem.path.starts_with("rule_files[") && problem.message.starts_with("there is no such file"));
            assert!(expected, "{problem}");
        }
    }
}

#[test]
fn bad_files_are_refused_for_what_is_wrong_with_them() {
    let Some((folder, names)) = files() else { return };
    let mut all = String::new();
    for name in names.iter().filter(|name| name.ends_with(".bad.yml")) {
        let mut problems = load(&folder.join(name));
        problems.retain(|problem| problem.severity == Severity::Error);
        assert!(!problems.is_empty(), "{name} is taken");
        assert!(problems.iter().all(|problem| 0 < problem.place.line && 0 < problem.place.column), "{name}");
        all.push_str(&format!("{name}\n{}", shown(&problems, &folder)));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn the_others_are_judged_as_prometheus_judges_them() {
    let Some((folder, names)) = files() else { return };
    for name in names.iter().filter(|name| !name.ends_with(".good.yml") && !name.ends_with(".bad.yml")) {
        let verdict = NEITHER.iter().find(|(known, _)| known == name).map(|(_, taken)| *taken);
        let taken = verdict.unwrap_or_else(|| panic!("{name} is in no table"));
        if Path::new(name).extension().is_none_or(|extension| extension != "yml") {
            continue;
        }
        let problems = load(&folder.join(name));
        let refused = problems.iter().any(|problem| problem.severity == Severity::Error);
        assert_eq!(!refused, taken, "{name}\n{}", shown(&problems, &folder));
    }
}
