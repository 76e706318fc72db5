//! `pitwall check`: says what is wrong with configuration files.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use config::{Loaded, Problem, Severity};

use crate::check_relabel;
use crate::cli::CheckKind;

/// Reads a file: what it holds in a few words, and what is wrong with it.
type Check = fn(&Path) -> (String, Vec<Problem>);

/// Checks every file and prints what it found; fails if any file would be refused.
pub(crate) fn run(kind: &CheckKind) -> ExitCode {
    let (files, check): (&[PathBuf], Check) = match kind {
        CheckKind::Relabel(arguments) => return check_relabel::run(arguments),
        CheckKind::Config { files } => (files, |path| {
            if config::is_provisioning(path) {
                return check_provisioning(path);
            }
            let Loaded { value, problems } = config::load_prometheus(path);
            let rules: usize = value.rule_groups.iter().map(|group| group.rules.len()).sum();
            (format!("{} scrape jobs, {rules} rules", value.scrape_configs.len()), problems)
        }),
        CheckKind::Rules { files } => (files, |path| {
            let Loaded { value, problems } = config::load_rules(path);
            let rules: usize = value.iter().map(|group| group.rules.len()).sum();
            (format!("{rules} rules in {} groups", value.len()), problems)
        }),
        CheckKind::Alertmanager { files } => (files, |path| {
            let Loaded { value, problems } = config::load_alertmanager(path);
            (format!("{} receivers", value.receivers.len()), problems)
        }),
    };
    let mut sound = true;
    for file in files {
        let (summary, problems) = check(file);
        for problem in &problems {
            let word = match problem.severity {
                Severity::Warning => "warning",
                Severity::Error => "error",
            };
            println!("{word}: {problem}");
        }
        let failed = problems.iter().any(|problem| problem.severity == Severity::Error);
        sound &= !failed;
        println!("{}: {}", file.display(), if failed { "FAILED" } else { "SUCCESS" });
        if !failed {
            println!("  {summary}");
        }
    }
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A file of Grafana's that lay beside the others.
fn check_provisioning(path: &Path) -> (String, Vec<Problem>) {
    let Loaded { value, problems } = config::load_provisioning(path);
    let sources: Vec<&str> = value.datasources.iter().map(|source| source.name.as_str()).collect();
    let folders: Vec<String> = value.dashboard_folders.iter().map(|folder| folder.display().to_string()).collect();
    let summary = match (sources.is_empty(), folders.is_empty()) {
        (true, true) => "nothing of use here".to_owned(),
        (false, true) => format!("the built-in data source stands for {}", sources.join(", ")),
        (true, false) => format!("dashboards in {}", folders.join(", ")),
        (false, false) => {
            format!("the built-in data source stands for {}; dashboards in {}", sources.join(", "), folders.join(", "))
        }
    };
    (summary, problems)
}
