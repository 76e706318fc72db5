//! The query page: an expression and what it comes to.

use askama::Template;

use super::parts::{Empty, Html, Icon, Link};
use super::shell::Shell;

/// `/query`
#[derive(Debug, Template)]
#[template(path = "explore.html")]
pub(crate) struct ExplorePage {
    pub(crate) shell: Shell,
    pub(crate) expr: String,
    /// Lines of the field.
    pub(crate) rows: usize,
    /// `graph` or `table`.
    pub(crate) tab: &'static str,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) step: String,
    /// The step that is taken where none is given.
    pub(crate) step_auto: String,
    /// `2 series, 242 samples, 3.8 ms, step 15 s`
    pub(crate) cost: String,
    pub(crate) error: Option<QueryProblem>,
    pub(crate) warnings: Vec<String>,
    pub(crate) graph_href: String,
    pub(crate) table_href: String,
    pub(crate) json_href: String,
    pub(crate) result: ExploreResult,
    pub(crate) names: Names,
}

/// The names of metrics, for those who do not know them by heart.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// What is looked for.
    pub(crate) find: String,
    /// `8 of 412 names`
    pub(crate) count: String,
    pub(crate) links: Vec<Link>,
}

/// Why an expression has no answer, with the place where it goes wrong, if it has one.
#[derive(Debug)]
pub(crate) struct QueryProblem {
    pub(crate) heading: String,
    pub(crate) before: String,
    pub(crate) at: String,
    pub(crate) after: String,
}

/// What an expression came to.
#[derive(Debug)]
pub(crate) enum ExploreResult {
    Graph { plot: Html, legend: Html },
    Table { at: String, names: Vec<String>, rows: Vec<ResultRow>, more: usize },
    Empty(Empty),
}

/// A series and its value.
#[derive(Debug)]
pub(crate) struct ResultRow {
    pub(crate) cells: Vec<String>,
    pub(crate) value: String,
}
