//! Pages about the program itself.

use askama::Template;

use super::parts::{Empty, Icon};
use super::shell::Shell;

/// An entry of the row of status pages.
#[derive(Debug)]
pub(crate) struct StatusTab {
    pub(crate) href: &'static str,
    pub(crate) word: &'static str,
    pub(crate) current: bool,
}

impl StatusTab {
    /// All of them; `current` is the address of the one that is shown.
    pub(crate) fn all(current: &str) -> Vec<Self> {
        let tabs = [
            ("/targets", "Targets"),
            ("/config", "Configuration"),
            ("/flags", "Flags"),
            ("/status", "Runtime"),
            ("/tsdb-status", "Storage"),
        ];
        tabs.map(|(href, word)| Self { href, word, current: href == current }).into()
    }
}

/// `/config`
#[derive(Debug, Template)]
#[template(path = "config.html")]
pub(crate) struct ConfigPage {
    pub(crate) shell: Shell,
    pub(crate) tabs: Vec<StatusTab>,
    /// Why the file that lies there now is not in force.
    pub(crate) refused: Option<String>,
    pub(crate) yaml: String,
    pub(crate) empty: Option<Empty>,
}

/// `/flags`, `/status`, `/tsdb-status`: names with values.
#[derive(Debug, Template)]
#[template(path = "facts.html")]
pub(crate) struct FactsPage {
    pub(crate) shell: Shell,
    pub(crate) tabs: Vec<StatusTab>,
    pub(crate) tables: Vec<FactTable>,
}

/// Names with values.
#[derive(Debug)]
pub(crate) struct FactTable {
    /// May be empty where it is the only one.
    pub(crate) heading: String,
    /// Classes of the grid.
    pub(crate) span: &'static str,
    /// Whether the names are identifiers rather than words.
    pub(crate) code: bool,
    /// What the values are; empty for words.
    pub(crate) unit: &'static str,
    pub(crate) rows: Vec<(String, String)>,
}
