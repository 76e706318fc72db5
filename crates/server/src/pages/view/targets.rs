//! The targets page and the pages about one target: what is scraped, and why something is not.

use askama::Template;

use super::parts::{Badge, Empty, Icon};
use super::shell::Shell;
use super::status::StatusTab;

/// `/targets`
#[derive(Debug, Template)]
#[template(path = "targets.html")]
pub(crate) struct TargetsPage {
    pub(crate) shell: Shell,
    pub(crate) tabs: Vec<StatusTab>,
    /// The words that are looked for.
    pub(crate) query: String,
    /// The chosen state as it stands in the page's address.
    pub(crate) state: &'static str,
    /// The chosen job.
    pub(crate) pool: String,
    pub(crate) filters: Vec<Filter>,
    pub(crate) pools: Vec<Pool>,
    pub(crate) dropped: Vec<DroppedPool>,
    /// Addresses that somebody does not want to be found.
    pub(crate) dismissed: Vec<String>,
    pub(crate) pager: Option<Pager>,
    pub(crate) empty: Option<Empty>,
}

/// A choice of states.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) href: String,
    pub(crate) word: &'static str,
    pub(crate) count: usize,
    pub(crate) current: bool,
}

/// The way to the other pages of a long list.
#[derive(Debug)]
pub(crate) struct Pager {
    /// `51 to 100 of 120`
    pub(crate) words: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

/// The targets of one scrape configuration.
#[derive(Debug)]
pub(crate) struct Pool {
    /// Unique on the page: what stays folded when the page renews itself.
    pub(crate) id: String,
    pub(crate) name: String,
    /// `1 of 2 up, 1 down`
    pub(crate) summary: String,
    /// What is wrong with all of it.
    pub(crate) problems: Vec<Empty>,
    pub(crate) targets: Vec<Target>,
    /// What of it was dropped, if anything was.
    pub(crate) dropped_href: Option<String>,
}

/// One target.
#[derive(Debug)]
pub(crate) struct Target {
    /// Unique on the page.
    pub(crate) id: String,
    pub(crate) badge: Badge,
    pub(crate) url: String,
    pub(crate) last_scrape: String,
    pub(crate) duration: String,
    pub(crate) samples: String,
    pub(crate) problem: Option<Empty>,
    pub(crate) notes: Vec<Note>,
    pub(crate) found: Option<Found>,
    /// `name=value`
    pub(crate) labels: Vec<String>,
    /// The same before relabelling; empty if nothing else was known.
    pub(crate) discovered: Vec<String>,
    pub(crate) facts: Vec<String>,
    pub(crate) raw_href: String,
    /// Nothing for a built-in collector, which has no rules.
    pub(crate) steps_href: Option<String>,
}

/// A sentence about a target.
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) icon: Icon,
    pub(crate) text: String,
}

/// A target that nobody configured.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) key: String,
    /// The address under which it is kept, if it is.
    pub(crate) pinned: Option<String>,
}

/// What a job found and does not scrape.
#[derive(Debug)]
pub(crate) struct DroppedPool {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) summary: String,
    pub(crate) targets: Vec<Dropped>,
}

/// Something that is not scraped.
#[derive(Debug)]
pub(crate) struct Dropped {
    /// Unique on the page.
    pub(crate) id: String,
    pub(crate) address: String,
    /// Nothing if the job's rules dropped it: the steps say which.
    pub(crate) reason: Option<String>,
    pub(crate) discovered: Vec<String>,
    pub(crate) steps: StepsView,
}

/// What rules make of a label set.
#[derive(Debug)]
pub(crate) struct StepsView {
    pub(crate) steps: Vec<StepView>,
}

/// What one rule makes of it.
#[derive(Debug)]
pub(crate) struct StepView {
    pub(crate) number: usize,
    /// The rule in one line.
    pub(crate) rule: String,
    /// The joined values of its source labels.
    pub(crate) input: String,
    pub(crate) dropped: bool,
    /// `+name=value`, `−name=value`
    pub(crate) changes: Vec<String>,
}

/// `/targets/relabel`
#[derive(Debug, Template)]
#[template(path = "relabel.html")]
pub(crate) struct StepsPage {
    pub(crate) shell: Shell,
    pub(crate) discovered: Vec<String>,
    pub(crate) steps: StepsView,
    pub(crate) labels: Vec<String>,
}

/// `/targets/raw`
#[derive(Debug, Template)]
#[template(path = "raw.html")]
pub(crate) struct RawView {
    pub(crate) shell: Shell,
    pub(crate) text: String,
    pub(crate) plain_href: String,
    pub(crate) empty: Option<Empty>,
}
