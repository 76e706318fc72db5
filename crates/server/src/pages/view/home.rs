//! The home page: is this box well, why not, and where to look.

use askama::Template;
use units::unit::Formatted;

use super::parts::{Badge, Empty, Html, Icon, Mood, Panel, PanelBody, Stat};
use super::shell::Shell;

/// `/`
#[derive(Debug, Template)]
#[template(path = "home.html")]
pub(crate) struct HomePage {
    pub(crate) shell: Shell,
    pub(crate) alerts: AlertList,
    pub(crate) targets: TargetList,
    pub(crate) gpus: Gpus,
    pub(crate) gpu_facts: String,
    pub(crate) models: Vec<ModelRow>,
    pub(crate) model_empty: Option<Empty>,
    pub(crate) host_facts: String,
    pub(crate) host_panels: Vec<Panel>,
    pub(crate) host_rows: Vec<HostRow>,
}

/// Alerts that fire or may soon.
#[derive(Debug, Default)]
pub(crate) struct AlertList {
    /// `All 35 rules`
    pub(crate) rules: String,
    pub(crate) rows: Vec<AlertRow>,
    pub(crate) more: usize,
    pub(crate) empty: Option<Empty>,
}

/// One alert.
#[derive(Debug)]
pub(crate) struct AlertRow {
    pub(crate) badge: Badge,
    pub(crate) name: String,
    pub(crate) anchor: String,
    /// The labels that tell it from its siblings.
    pub(crate) subject: String,
    pub(crate) summary: String,
    pub(crate) since: String,
}

/// Targets that do not answer.
#[derive(Debug, Default)]
pub(crate) struct TargetList {
    /// `6 of 6 up`
    pub(crate) total: String,
    pub(crate) rows: Vec<TargetProblem>,
    pub(crate) empty: Option<Empty>,
}

/// One target that does not answer.
#[derive(Debug)]
pub(crate) struct TargetProblem {
    pub(crate) badge: Badge,
    pub(crate) job: String,
    /// Where the job's targets are shown.
    pub(crate) href: String,
    pub(crate) instance: String,
    pub(crate) reason: String,
}

/// The GPU row.
#[derive(Debug)]
pub(crate) enum Gpus {
    Cards(Vec<GpuCard>),
    None(Empty),
}

/// One GPU.
#[derive(Debug)]
pub(crate) struct GpuCard {
    pub(crate) index: String,
    pub(crate) model: String,
    pub(crate) span: &'static str,
    pub(crate) state: Mood,
    pub(crate) badge: Badge,
    pub(crate) utilisation: Formatted,
    pub(crate) spark: Html,
    pub(crate) memory_used: String,
    pub(crate) memory_total: String,
    pub(crate) memory_bar: Html,
    pub(crate) facts: Vec<Fact>,
}

/// A small named value.
#[derive(Debug)]
pub(crate) struct Fact {
    pub(crate) name: &'static str,
    pub(crate) value: Formatted,
    /// After the unit: ` / 450 W`; may be empty.
    pub(crate) of: String,
    /// Colours the value; empty unless it is over a limit.
    pub(crate) class: &'static str,
}

impl Fact {
    /// The unit and what the value is out of, with the space that `%` does without.
    pub(crate) fn suffix(&self) -> String {
        let unit = &self.value.suffix;
        let space = if unit.is_empty() || unit.starts_with('%') { "" } else { " " };
        format!("{space}{unit}{}", self.of)
    }
}

/// A model and its server.
#[derive(Debug)]
pub(crate) struct ModelRow {
    pub(crate) name: String,
    pub(crate) server: String,
    pub(crate) stats: Vec<Stat>,
    pub(crate) panels: Vec<Panel>,
}

/// How full something of the host is.
#[derive(Debug)]
pub(crate) struct HostRow {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) bar: Html,
    pub(crate) context: String,
}
