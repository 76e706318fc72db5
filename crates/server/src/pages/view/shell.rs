//! What stands around every page: the top bar, the heading, the choice of a time range.

use crate::pages::assets;

use super::parts::{Badge, Icon};

/// The entries of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Home,
    Explore,
    Alerts,
    Rules,
    Targets,
}

impl Section {
    /// Its address.
    pub(crate) const fn href(self) -> &'static str {
        match self {
            Self::Home => "/",
            Self::Explore => "/query",
            Self::Alerts => "/alerts",
            Self::Rules => "/rules",
            Self::Targets => "/targets",
        }
    }
}

/// The frame of a page.
#[derive(Clone, Debug)]
pub(crate) struct Shell {
    pub(crate) section: Section,
    /// In the browser's tab.
    pub(crate) title: String,
    pub(crate) heading: String,
    pub(crate) badge: Option<Badge>,
    /// Under the heading.
    pub(crate) facts: Vec<String>,
    /// Alerts that fire.
    pub(crate) firing: usize,
    /// How often the page renews itself, in seconds.
    pub(crate) refresh_s: Option<u32>,
    /// The page has parts to unfold: without the script it does not renew itself, because that would fold them.
    pub(crate) unfolds: bool,
    /// This page's own address.
    pub(crate) href: String,
    pub(crate) picker: Option<Picker>,
}

/// The choice of a time range.
#[derive(Clone, Debug)]
pub(crate) struct Picker {
    pub(crate) current: String,
    pub(crate) presets: Vec<Preset>,
}

/// A time range to choose.
#[derive(Clone, Debug)]
pub(crate) struct Preset {
    pub(crate) href: String,
    pub(crate) word: String,
    pub(crate) short: String,
    pub(crate) current: bool,
}

/// An entry of the navigation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NavEntry {
    pub(crate) href: &'static str,
    pub(crate) icon: Icon,
    pub(crate) word: &'static str,
    pub(crate) current: bool,
    /// Shown unless zero.
    pub(crate) count: usize,
}

impl Shell {
    /// A page without anything special.
    pub(crate) fn new(section: Section, heading: impl Into<String>, href: impl Into<String>) -> Self {
        let heading = heading.into();
        Self {
            section,
            title: heading.clone(),
            heading,
            badge: None,
            facts: Vec::new(),
            firing: 0,
            refresh_s: None,
            unfolds: false,
            href: href.into(),
            picker: None,
        }
    }

    pub(crate) fn nav(&self) -> [NavEntry; 5] {
        let entry = |section: Section, icon, word| NavEntry {
            href: section.href(),
            icon,
            word,
            current: section == self.section,
            count: if section == Section::Alerts { self.firing } else { 0 },
        };
        [
            entry(Section::Home, Icon::Home, "Home"),
            entry(Section::Explore, Icon::Explore, "Explore"),
            entry(Section::Alerts, Icon::Bell, "Alerts"),
            entry(Section::Rules, Icon::Board, "Rules"),
            entry(Section::Targets, Icon::Pulse, "Targets"),
        ]
    }

    /// The address of a static file, with its version.
    pub(crate) fn asset(&self, name: &str) -> String {
        assets::href(name)
    }
}
