//! A pattern as a tree, every flag resolved into the nodes.

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Empty,
    Literal {
        c: char,
        fold: bool,
    },
    Class(Class),
    /// `.`
    Any {
        newline: bool,
    },
    TextStart,
    TextEnd,
    LineStart,
    LineEnd,
    /// `\b`, between ASCII word characters and others.
    WordBoundary,
    NotWordBoundary,
    Capture {
        name: Option<String>,
        inner: Box<Node>,
    },
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    Repeat {
        inner: Box<Node>,
        min: u32,
        max: Option<u32>,
        greedy: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Class {
    pub(crate) items: Vec<ClassItem>,
    pub(crate) negated: bool,
    pub(crate) fold: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClassItem {
    Range(char, char),
    /// `\w`, `[:alpha:]`
    Ascii {
        ranges: &'static [(char, char)],
        negated: bool,
    },
    /// `\p{Han}`, written as Rust takes it between the braces.
    Unicode {
        property: String,
        negated: bool,
    },
}
