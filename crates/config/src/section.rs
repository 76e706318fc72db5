//! Reads a mapping key by key, collecting every problem rather than stopping at the first.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use crate::problem::{Problem, Severity};
use crate::schema::{Kind, Schema};
use crate::yaml::{self, Node, Place, Value};
use crate::{hints, size};

/// Findings beyond this number are left out, in case a file is something else altogether; tests look at all of them.
const PROBLEMS_MAX: usize = if cfg!(test) { 10_000 } else { 100 };

/// Where findings about one file go.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    file: &'a Path,
    problems: RefCell<Vec<Problem>>,
}

impl<'a> Findings<'a> {
    pub(crate) const fn new(file: &'a Path) -> Self {
        Self { file, problems: RefCell::new(Vec::new()) }
    }

    pub(crate) fn add(&self, severity: Severity, place: Place, path: &str, message: impl Into<String>) {
        let mut problems = self.problems.borrow_mut();
        let (file, path, message) = (self.file.to_owned(), path.to_owned(), message.into());
        let problem = Problem { file, place, path, message, severity };
        // A value is looked at when it is held against the table and again when it is read.
        if problems.len() < PROBLEMS_MAX && !problems.contains(&problem) {
            problems.push(problem);
        }
    }

    /// Reads the text; what is no YAML is a finding.
    pub(crate) fn parse(&self, text: &str) -> Option<Node> {
        yaml::parse(text)
            .or_else(|error| {
                let hint = hints::syntax(text, error.place).map(|hint| format!(": {hint}")).unwrap_or_default();
                self.add(Severity::Error, error.place, "", format!("{}{hint}", error.message));
                error.tree.map(|tree| *tree).ok_or(())
            })
            .ok()
    }

    /// The findings, from the beginning of the file to its end.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.place);
        problems
    }
}

/// A value with its path, ready to be read as what it should be.
#[derive(Clone)]
pub(crate) struct Field<'a> {
    findings: &'a Findings<'a>,
    node: &'a Node,
    path: String,
    /// What the table says about it, where there is a table.
    kind: Option<Kind>,
}

impl<'a> Field<'a> {
    /// The document itself.
    pub(crate) const fn root(findings: &'a Findings<'a>, node: &'a Node) -> Self {
        Self { findings, node, path: String::new(), kind: None }
    }

    /// The same value, to be read by the table of `kind`.
    pub(crate) fn of_kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    pub(crate) const fn node(&self) -> &'a Node {
        self.node
    }

    /// A finding about a key of this mapping, at the key itself.
    pub(crate) fn add_at(&self, severity: Severity, key: &yaml::Key, message: impl Into<String>) {
        self.findings.add(severity, key.place, &self.join(&key.text), message);
    }

    /// A value of this mapping.
    pub(crate) fn entry(&self, key: &str, node: &'a Node, kind: Option<Kind>) -> Self {
        Self { findings: self.findings, node, path: self.join(key), kind }
    }

    pub(crate) fn error(&self, message: impl Into<String>) {
        self.findings.add(Severity::Error, self.node.place, &self.path, message);
    }

    pub(crate) fn warning(&self, message: impl Into<String>) {
        self.findings.add(Severity::Warning, self.node.place, &self.path, message);
    }

    pub(crate) const fn is_null(&self) -> bool {
        matches!(self.node.value, Value::Null)
    }

    fn expected(&self, what: &str) {
        let hint = hints::shape(what, &self.node.value).map(|hint| format!("; {hint}")).unwrap_or_default();
        self.error(format!("expected {what}, found {}{hint}", self.node.value.kind()));
    }

    /// The text of a single value; nothing reads as the empty text.
    pub(crate) fn text(&self) -> Option<&'a str> {
        match &self.node.value {
            Value::Scalar(text) => Some(text),
            Value::Null => Some(""),
            _ => {
                self.expected("a single value");
                None
            }
        }
    }

    /// A value that `read` understands; its error is a finding.
    pub(crate) fn parsed<T, E: ToString>(&self, read: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        read(self.text()?).map_err(|error| self.error(error.to_string())).ok()
    }

    /// A duration in milliseconds.
    pub(crate) fn duration_ms(&self) -> Option<i64> {
        self.parsed(|text| units::duration::parse_ms(text).map_err(|error| format!("{error}{}", hints::duration(text))))
    }

    /// What Go's YAML calls a truth: `true`, `yes`, `on` and their opposites, in three spellings.
    pub(crate) fn boolean(&self) -> Option<bool> {
        self.parsed(|text| match text {
            "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y" => Ok(true),
            "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" | "N" => Ok(false),
            other => Err(format!("{other:?} is neither true nor false")),
        })
    }

    /// A whole number, not negative.
    pub(crate) fn count(&self) -> Option<usize> {
        self.parsed(|text| text.parse().map_err(|_cause| format!("{text:?} is not a whole number from 0 on")))
    }

    /// A whole number.
    pub(crate) fn integer(&self) -> Option<i64> {
        self.parsed(|text| text.parse().map_err(|_cause| format!("{text:?} is not a whole number")))
    }

    /// A number.
    pub(crate) fn float(&self) -> Option<f64> {
        self.parsed(|text| text.parse().map_err(|_cause| format!("{text:?} is not a number")))
    }

    /// A size in bytes, as `16MB`.
    pub(crate) fn size_bytes(&self) -> Option<usize> {
        self.parsed(size::parse_bytes)
    }

    /// The items of a list; nothing is an empty list.
    pub(crate) fn items(&self) -> Vec<Field<'a>> {
        match &self.node.value {
            Value::Sequence(items) => items
                .iter()
                .enumerate()
                .map(|(index, node)| Field {
                    findings: self.findings,
                    node,
                    path: format!("{}[{index}]", self.path),
                    kind: self.kind.and_then(Kind::item),
                })
                .collect(),
            Value::Null => Vec::new(),
            _ => {
                self.expected("a list");
                Vec::new()
            }
        }
    }

    /// A list of texts.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.items().iter().filter_map(|item| item.text().map(str::to_owned)).collect()
    }

    /// Name and text of each entry of a mapping, in the order of the file.
    pub(crate) fn pairs(&self) -> Vec<(&'a str, Field<'a>)> {
        match &self.node.value {
            Value::Mapping(entries) => entries
                .iter()
                .map(|(key, node)| (key.text.as_str(), self.entry(&key.text, node, self.kind.and_then(Kind::value))))
                .collect(),
            Value::Null => Vec::new(),
            _ => {
                self.expected("a mapping");
                Vec::new()
            }
        }
    }

    /// A mapping of texts to texts.
    pub(crate) fn text_pairs(&self) -> Vec<(String, String)> {
        let pairs = self.pairs();
        pairs.iter().filter_map(|(name, value)| Some(((*name).to_owned(), value.text()?.to_owned()))).collect()
    }

    /// A mapping to be read key by key; nothing is an empty mapping.
    pub(crate) fn section(&self) -> Option<Section<'a>> {
        match &self.node.value {
            Value::Mapping(_) | Value::Null => Some(Section {
                field: self.clone(),
                known: Vec::new(),
                schema: if let Some(Kind::Section(schema)) = self.kind { Some(schema) } else { None },
            }),
            _ => {
                self.expected("a mapping");
                None
            }
        }
    }

    fn join(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

/// A mapping being read. With a table, it was held against it before, and only the table's keys may be asked for.
/// Without, every key that is asked for is known, and [`Section::finish`] finds fault with the others.
pub(crate) struct Section<'a> {
    field: Field<'a>,
    known: Vec<&'static str>,
    schema: Option<&'static Schema>,
}

impl<'a> Section<'a> {
    /// The value of `key`, if it is there and is not nothing.
    pub(crate) fn get(&mut self, key: &'static str) -> Option<Field<'a>> {
        self.present(key).filter(|field| !field.is_null())
    }

    /// The value of `key`, if it is there, even if it is nothing.
    pub(crate) fn present(&mut self, key: &'static str) -> Option<Field<'a>> {
        self.known.push(key);
        let row = self.schema.and_then(|schema| {
            #[cfg(test)]
            crate::reads::note(schema.name, key);
            let row = schema.key(key);
            debug_assert!(row.is_some(), "the table {} has no key {key}", schema.name);
            row
        });
        let Value::Mapping(entries) = &self.field.node.value else { return None };
        let (_, node) = entries.iter().find(|(name, _)| name.text == key)?;
        Some(self.field.entry(key, node, row.map(|row| row.kind)))
    }

    /// Whether `key` is there and is neither nothing nor the empty text.
    pub(crate) fn has(&mut self, key: &'static str) -> bool {
        self.get(key).is_some_and(|field| !matches!(&field.node.value, Value::Scalar(text) if text.is_empty()))
    }

    /// The value of `key` as a section.
    pub(crate) fn subsection(&mut self, key: &'static str) -> Option<Section<'a>> {
        self.get(key)?.section()
    }

    /// The items of the list behind `key`.
    pub(crate) fn items(&mut self, key: &'static str) -> Vec<Field<'a>> {
        self.get(key).map(|field| field.items()).unwrap_or_default()
    }

    /// The texts of the list behind `key`.
    pub(crate) fn texts(&mut self, key: &'static str) -> Vec<String> {
        self.get(key).map(|field| field.texts()).unwrap_or_default()
    }

    /// The value of `key` as a path, relative ones from `folder` on; the empty text is none.
    pub(crate) fn path(&mut self, key: &'static str, folder: &Path) -> Option<PathBuf> {
        self.text(key).filter(|path| !path.is_empty()).map(|path| folder.join(path))
    }

    /// The value of `key` as text.
    pub(crate) fn text(&mut self, key: &'static str) -> Option<String> {
        self.get(key)?.text().map(str::to_owned)
    }

    /// The value of `key` as a duration in milliseconds.
    pub(crate) fn duration_ms(&mut self, key: &'static str) -> Option<i64> {
        self.get(key)?.duration_ms()
    }

    /// The value of `key` as a duration in milliseconds that must not be zero.
    pub(crate) fn positive_ms(&mut self, key: &'static str) -> Option<i64> {
        let field = self.get(key)?;
        let ms = field.duration_ms()?;
        if ms == 0 {
            field.error("must be greater than 0");
        }
        (0 < ms).then_some(ms)
    }

    /// The value of `key` as a truth.
    pub(crate) fn boolean(&mut self, key: &'static str) -> Option<bool> {
        self.get(key)?.boolean()
    }

    /// Keys that are understood and have no effect here.
    pub(crate) fn inactive(&mut self, keys: &[(&'static str, &str)]) {
        for (key, why) in keys {
            if let Some(field) = self.get(key) {
                field.warning(format!("has no effect here: {why}"));
            }
        }
    }

    /// Keys that would change what is collected or sent, and cannot be obeyed yet: better refused than ignored.
    pub(crate) fn not_supported(&mut self, keys: &[&'static str]) {
        for key in keys {
            if let Some(field) = self.get(key) {
                field.error("is not supported yet");
            }
        }
    }

    pub(crate) fn error(&self, message: impl Into<String>) {
        self.field.error(message);
    }

    /// An error at the value of `key`, or of the section if it is not there.
    pub(crate) fn error_at(&mut self, key: &'static str, message: impl Into<String>) {
        match self.present(key) {
            Some(field) => field.error(message),
            None => self.field.error(message),
        }
    }

    /// Finds fault with the keys that nobody asked for.
    pub(crate) fn finish(self) {
        let Value::Mapping(entries) = &self.field.node.value else { return };
        if self.schema.is_some() {
            return;
        }
        for (key, _) in entries {
            if self.known.contains(&key.text.as_str()) {
                continue;
            }
            let hint = hints::nearest(&key.text, &self.known).map(|known| format!("; did you mean {known:?}?"));
            let message = format!("unknown key{}", hint.unwrap_or_default());
            self.field.findings.add(Severity::Error, key.place, &self.field.join(&key.text), message);
        }
    }
}
