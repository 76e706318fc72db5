//! The targets page: what is scraped, and why something is not.

use askama::Template;

use super::parts::{Badge, Empty, Icon};
use super::shell::Shell;

/// `/targets`
#[derive(Debug, Template)]
#[template(path = "targets.html")]
pub(crate) struct TargetsPage {
    pub(crate) shell: Shell,
    pub(crate) filters: Vec<Filter>,
    pub(crate) pools: Vec<Pool>,
    pub(crate) empty: Option<Empty>,
}

/// A choice of states.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) href: &'static str,
    pub(crate) word: &'static str,
    pub(crate) count: usize,
    pub(crate) current: bool,
}

/// The targets of one scrape configuration.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) name: String,
    /// `1 of 2 up`
    pub(crate) summary: String,
    pub(crate) targets: Vec<Target>,
}

/// One target.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) badge: Badge,
    pub(crate) url: String,
    pub(crate) labels: Vec<String>,
    pub(crate) last_scrape: String,
    pub(crate) duration: String,
    pub(crate) samples: String,
    pub(crate) problem: Option<Empty>,
}
