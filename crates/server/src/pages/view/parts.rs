//! The parts that pages share: icons, badges, panels, and the words of a panel that has nothing to show.

use std::fmt;

use askama::filters::HtmlSafe;
use units::unit::Formatted;

/// Markup that is written as it is. Only renderers make it, and they escape what they are given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Html(pub(crate) String);

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Html {}

/// A symbol of `icons.html`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    Logo,
    Home,
    Gpu,
    Model,
    Host,
    Explore,
    Bell,
    Board,
    Pulse,
    Search,
    Clock,
    Refresh,
    Play,
    Ok,
    Warn,
    Crit,
    Info,
    Off,
}

impl fmt::Display for Icon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Logo => "logo",
            Self::Home => "home",
            Self::Gpu => "gpu",
            Self::Model => "model",
            Self::Host => "host",
            Self::Explore => "explore",
            Self::Bell => "bell",
            Self::Board => "board",
            Self::Pulse => "pulse",
            Self::Search => "search",
            Self::Clock => "clock",
            Self::Refresh => "refresh",
            Self::Play => "play",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Crit => "crit",
            Self::Info => "info",
            Self::Off => "off",
        };
        write!(f, "<svg class=\"i\" aria-hidden=\"true\"><use href=\"#i-{name}\"/></svg>")
    }
}

impl HtmlSafe for Icon {}

/// How things stand. Colour only repeats what an icon and a word say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mood {
    /// Nothing to say.
    #[default]
    Neutral,
    Ok,
    Off,
    Info,
    Warn,
    Crit,
}

impl Mood {
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Neutral => "",
            Self::Ok => "ok",
            Self::Off => "off",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Crit => "crit",
        }
    }

    pub(crate) const fn icon(self) -> Icon {
        match self {
            Self::Neutral | Self::Info => Icon::Info,
            Self::Ok => Icon::Ok,
            Self::Off => Icon::Off,
            Self::Warn => Icon::Warn,
            Self::Crit => Icon::Crit,
        }
    }
}

/// A state: an icon and a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Badge {
    pub(crate) mood: Mood,
    pub(crate) icon: Icon,
    pub(crate) word: String,
}

impl Badge {
    pub(crate) fn new(mood: Mood, word: impl Into<String>) -> Self {
        Self { mood, icon: mood.icon(), word: word.into() }
    }

    pub(crate) fn with_icon(self, icon: Icon) -> Self {
        Self { icon, ..self }
    }
}

impl fmt::Display for Badge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = askama::filters::escape(&self.word, askama::filters::Html).map_err(|_never| fmt::Error)?;
        write!(f, "<span class=\"bdg {}\">{}{word}</span>", self.mood.class(), self.icon)
    }
}

impl HtmlSafe for Badge {}

/// A place to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) href: String,
    pub(crate) word: String,
}

/// What stands where there is nothing to show: what, why, and the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Empty {
    pub(crate) state: Mood,
    pub(crate) icon: Icon,
    pub(crate) heading: String,
    pub(crate) lines: Vec<String>,
    /// Something to copy; may be empty.
    pub(crate) code: String,
    pub(crate) link: Option<Link>,
    /// Shorter ways on, as tags.
    pub(crate) tags: Vec<Link>,
}

impl Empty {
    pub(crate) fn new(state: Mood, heading: impl Into<String>) -> Self {
        Self {
            state,
            icon: state.icon(),
            heading: heading.into(),
            lines: Vec::new(),
            code: String::new(),
            link: None,
            tags: Vec::new(),
        }
    }

    pub(crate) fn icon(self, icon: Icon) -> Self {
        Self { icon, ..self }
    }

    pub(crate) fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    pub(crate) fn code(self, code: impl Into<String>) -> Self {
        Self { code: code.into(), ..self }
    }

    pub(crate) fn link(self, href: impl Into<String>, word: impl Into<String>) -> Self {
        Self { link: Some(Link { href: href.into(), word: word.into() }), ..self }
    }
}

/// A card with a chart, or with the reason for having none.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    /// Unique on the page: what live updates replace.
    pub(crate) id: String,
    pub(crate) title: String,
    /// Where its query can be seen.
    pub(crate) href: Option<String>,
    /// Beside the title, small; may be empty.
    pub(crate) unit: String,
    /// Classes of the grid.
    pub(crate) span: &'static str,
    /// At the right end of the header.
    pub(crate) end: Option<Badge>,
    pub(crate) body: PanelBody,
}

/// What a panel shows.
#[derive(Clone, Debug)]
pub(crate) enum PanelBody {
    Chart { plot: Html, legend: Html },
    Empty(Empty),
}

/// A number with its name and a word of context.
#[derive(Clone, Debug)]
pub(crate) struct Stat {
    pub(crate) name: &'static str,
    pub(crate) value: Formatted,
    pub(crate) context: String,
    /// Colours the value; empty unless it is over a limit.
    pub(crate) class: &'static str,
}

/// An id that HTML and URLs take: everything else becomes a dash.
pub(crate) fn anchor(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect()
}

/// As a sentence begins; a name that begins it, such as `node_exporter`, stays as it is written.
pub(crate) fn sentence(text: &str) -> String {
    let first = text.split([' ', ':']).next().unwrap_or_default();
    if first.contains(['_', '-', '.', '/']) {
        return text.to_owned();
    }
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// `1 target`, `2 targets`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
