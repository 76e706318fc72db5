//! Which keys a file may have, as tables: the one place that knows a key's name, what stands behind it, and whether it
//! does anything here. Files are held against the tables, readers may read only what is in them, and
//! `docs/configuration.md` is written from them.

use crate::section::Section;

/// What stands behind a key.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// A text.
    Text,
    /// A text that is never shown.
    Secret,
    /// A path; relative ones count from the folder of the file that they stand in.
    Path,
    /// A URL.
    Url,
    /// A truth.
    Boolean,
    /// A whole number from 0 on.
    Count,
    /// A whole number.
    Integer,
    /// A number.
    Float,
    /// A duration such as `1h30m`.
    Duration,
    /// A size such as `16MB`.
    Size,
    /// Label names with their values.
    Labels,
    /// Anything, which nobody looks at.
    Any,
    /// A list.
    List(&'static Self),
    /// Names of the author's choice, each with a value.
    Map(&'static Self),
    /// A section.
    Section(&'static Schema),
    /// A list of sections, and what Prometheus says of one that is nothing at all.
    Sections(&'static Schema, &'static str),
}

/// What a key does here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// What it does in the replaced program.
    Active,
    /// It is understood and has no effect, with the reason; its author is warned.
    Inactive(&'static str),
    /// It would change what happens and cannot be obeyed, with what to do instead; the file is refused.
    Refused(&'static str),
    /// The replaced program does not know it, but people write it; what it is taken as. Its author is warned.
    Foreign(&'static str),
}

/// A key.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) state: State,
}

/// A key that does what it does in the replaced program.
pub(crate) const fn key(name: &'static str, kind: Kind) -> Key {
    Key { name, kind, state: State::Active }
}

impl Key {
    pub(crate) const fn inactive(self, why: &'static str) -> Self {
        Self { state: State::Inactive(why), ..self }
    }

    pub(crate) const fn refused(self, instead: &'static str) -> Self {
        Self { state: State::Refused(instead), ..self }
    }

    pub(crate) const fn foreign(self, taken_as: &'static str) -> Self {
        Self { state: State::Foreign(taken_as), ..self }
    }
}

/// Finds fault with a section whose keys are fine each by itself.
pub(crate) type Check = fn(&mut Section<'_>);

/// Keys that stand together in every section that has them.
pub(crate) struct Group {
    pub(crate) keys: &'static [Key],
    pub(crate) check: Option<Check>,
}

/// A section: the groups of its keys.
pub(crate) struct Schema {
    /// How the documentation calls it, unique.
    pub(crate) name: &'static str,
    pub(crate) groups: &'static [&'static Group],
}

impl Schema {
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static Key> + use<'_> {
        self.groups.iter().flat_map(|group| group.keys)
    }

    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.name == name)
    }
}

impl Kind {
    /// The section that a value of this kind is or holds.
    pub(crate) fn schema(self) -> Option<&'static Schema> {
        match self {
            Self::Section(schema) | Self::Sections(schema, _) => Some(schema),
            Self::List(inner) | Self::Map(inner) => inner.schema(),
            _ => None,
        }
    }

    /// The kind of a list's items.
    pub(crate) const fn item(self) -> Option<Self> {
        match self {
            Self::List(inner) => Some(*inner),
            Self::Sections(schema, _) => Some(Self::Section(schema)),
            _ => None,
        }
    }

    /// The kind of the values behind names of the author's choice.
    pub(crate) const fn value(self) -> Option<Self> {
        if let Self::Map(inner) = self { Some(*inner) } else { None }
    }
}
