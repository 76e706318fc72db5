//! All configuration files as one value: all of it holds, or nothing of it.

use std::fmt;
use std::path::{Path, PathBuf};

use config::{Alertmanager, Loaded, Pitwall, Problem, Prometheus, Severity};

/// Where the files lie.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) prometheus: Option<PathBuf>,
    pub(crate) alertmanager: Option<PathBuf>,
    pub(crate) pitwall: Option<PathBuf>,
}

/// What they say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Configuration {
    pub(crate) prometheus: Prometheus,
    /// The `prometheus.yml` as it may be shown.
    pub(crate) shown: String,
    pub(crate) alertmanager: Option<Alertmanager>,
    pub(crate) pitwall: Pitwall,
}

/// The errors of files that are refused.
#[derive(Debug)]
pub(crate) struct Refused(Vec<Problem>);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Refused {}

/// Reads all files; warnings go into the log.
pub(crate) fn load(files: &Files) -> Result<Configuration, Refused> {
    let mut problems = Vec::new();
    let mut configuration = Configuration::default();
    if let Some(path) = &files.prometheus {
        // A file that cannot be read is a problem that the next line reports.
        configuration.shown = std::fs::read_to_string(path).map(|text| config::shown(&text)).unwrap_or_default();
        configuration.prometheus = take(config::load_prometheus(path), &mut problems);
    }
    if let Some(path) = &files.alertmanager {
        configuration.alertmanager = Some(take(config::load_alertmanager(path), &mut problems));
    }
    if let Some(path) = &files.pitwall {
        configuration.pitwall = take(config::load_pitwall(path), &mut problems);
    }
    let (errors, warnings): (Vec<_>, Vec<_>) =
        problems.into_iter().partition(|problem| problem.severity == Severity::Error);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    if errors.is_empty() { Ok(configuration) } else { Err(Refused(errors)) }
}

fn take<T>(loaded: Loaded<T>, problems: &mut Vec<Problem>) -> T {
    problems.extend(loaded.problems);
    loaded.value
}

/// The machine's name, without its domain.
pub(crate) fn hostname(procfs: &Path) -> String {
    let name = std::fs::read_to_string(procfs.join("sys/kernel/hostname")).unwrap_or_default();
    let short = name.trim().split('.').next().unwrap_or_default();
    if short.is_empty() { "localhost".to_owned() } else { short.to_owned() }
}
