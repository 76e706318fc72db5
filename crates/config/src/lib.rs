//! YAML to each subsystem's own plain config type; no subsystem names it.
//!
//! Every reader returns a value and all problems at once. With an error among the problems the value is not to be used.

mod alertmanager;
mod discovery;
mod documentation;
mod files;
mod global;
mod go_url;
mod hints;
mod http;
mod job;
mod labels;
mod pitwall;
mod problem;
mod prometheus;
mod provisioning;
#[cfg(test)]
mod reads;
mod relabel;
mod rule_files;
#[cfg(test)]
mod samples;
mod schema;
mod section;
mod shown;
mod size;
mod tables;

mod walk;
mod yaml;

use std::path::Path;

pub use alertmanager::{Alertmanager, load as load_alertmanager};
pub use documentation::documentation;
pub use pitwall::{Listen, Pitwall, load as load_pitwall};
pub use problem::{Problem, Severity};
pub use prometheus::{Prometheus, load as load_prometheus, load_with as load_prometheus_with};
pub use provisioning::{Datasource, Provisioning, is_provisioning, load as load_provisioning};
pub use relabel::parse_relabel;
pub use rule_files::load as load_rules;
pub use shown::{shown, without_password};
pub use yaml::Place;

/// What a file says, and what is wrong with it.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    /// What it says, as far as it could be understood.
    pub value: T,
    /// Errors and warnings, in the order of the files.
    pub problems: Vec<Problem>,
}

impl<T: Default> Loaded<T> {
    /// A file that cannot be read at all.
    fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        let message = format!("cannot be read: {error}");
        let problem = Problem {
            file: path.to_owned(),
            place: Place::default(),
            path: String::new(),
            message,
            severity: Severity::Error,
        };
        Self { value: T::default(), problems: vec![problem] }
    }
}
