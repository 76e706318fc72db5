//! What is wrong with a configuration, or worth knowing about it.

use std::fmt;
use std::path::PathBuf;

use crate::yaml::Place;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The configuration is used, but not as its author may think.
    Warning,
    /// The configuration is refused.
    Error,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// Where in it.
    pub place: Place,
    /// The key's path, such as `scrape_configs[0].job_name`; empty for the file as a whole.
    pub path: String,
    /// What, and what to do.
    pub message: String,
    /// How much it matters.
    pub severity: Severity,
}

/// `file:line:column: path: message`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.place != Place::default() {
            write!(f, ":{}:{}", self.place.line, self.place.column)?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        write!(f, ": {}", self.message)
    }
}
