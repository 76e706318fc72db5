//! Reads a mapping key by key, collecting every problem rather than stopping at the first.

use std::cell::RefCell;
use std::path::Path;

use crate::problem::{Problem, Severity};
use crate::yaml::{self, Node, Place, Value};

/// Findings beyond this number are left out, in case a file is something else altogether.
const PROBLEMS_MAX: usize = 100;

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
        if problems.len() < PROBLEMS_MAX {
            let (file, path, message) = (self.file.to_owned(), path.to_owned(), message.into());
            problems.push(Problem { file, place, path, message, severity });
        }
    }

    /// Reads the text; what is no YAML is a finding.
    pub(crate) fn parse(&self, text: &str) -> Option<Node> {
        yaml::parse(text).map_err(|error| self.add(Severity::Error, error.place, "", error.message)).ok()
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }
}

/// A value with its path, ready to be read as what it should be.
#[derive(Clone)]
pub(crate) struct Field<'a> {
    findings: &'a Findings<'a>,
    node: &'a Node,
    path: String,
}

impl<'a> Field<'a> {
    /// The document itself.
    pub(crate) const fn root(findings: &'a Findings<'a>, node: &'a Node) -> Self {
        Self { findings, node, path: String::new() }
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
        self.error(format!("expected {what}, found {}", self.node.value.kind()));
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
        self.parsed(units::duration::parse_ms)
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

    /// A size in bytes, as `16MB` (powers of 1024, as Prometheus counts), or a bare number.
    pub(crate) fn size_bytes(&self) -> Option<usize> {
        self.parsed(|text| parse_size_bytes(text).ok_or_else(|| format!("{text:?} is not a size such as 16MB")))
    }

    /// The items of a list; nothing is an empty list.
    pub(crate) fn items(&self) -> Vec<Field<'a>> {
        match &self.node.value {
            Value::Sequence(items) => items
                .iter()
                .enumerate()
                .map(|(index, node)| Field { findings: self.findings, node, path: format!("{}[{index}]", self.path) })
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
                .map(|(key, node)| {
                    (key.text.as_str(), Field { findings: self.findings, node, path: self.join(&key.text) })
                })
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
            Value::Mapping(_) | Value::Null => Some(Section { field: self.clone(), known: Vec::new() }),
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

/// A mapping being read. Every key that is asked for is known; [`Section::finish`] finds fault with the others.
pub(crate) struct Section<'a> {
    field: Field<'a>,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// The value of `key`, if it is there and is not nothing.
    pub(crate) fn get(&mut self, key: &'static str) -> Option<Field<'a>> {
        self.present(key).filter(|field| !field.is_null())
    }

    /// The value of `key`, if it is there, even if it is nothing.
    pub(crate) fn present(&mut self, key: &'static str) -> Option<Field<'a>> {
        self.known.push(key);
        let Value::Mapping(entries) = &self.field.node.value else { return None };
        let (_, node) = entries.iter().find(|(name, _)| name.text == key)?;
        Some(Field { findings: self.field.findings, node, path: self.field.join(key) })
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

    /// Finds fault with the keys that nobody asked for.
    pub(crate) fn finish(self) {
        let Value::Mapping(entries) = &self.field.node.value else { return };
        for (key, _) in entries {
            if self.known.contains(&key.text.as_str()) {
                continue;
            }
            let hint = nearest(&key.text, &self.known).map(|known| format!("; did you mean {known:?}?"));
            let message = format!("unknown key{}", hint.unwrap_or_default());
            self.field.findings.add(Severity::Error, key.place, &self.field.join(&key.text), message);
        }
    }
}

/// Prometheus' `units.Base2Bytes`: `B`, `KB`, `KiB`, … all in powers of 1024.
fn parse_size_bytes(text: &str) -> Option<usize> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let shift = match unit {
        "" | "B" => 0,
        "KB" | "KiB" | "K" => 10,
        "MB" | "MiB" | "M" => 20,
        "GB" | "GiB" | "G" => 30,
        "TB" | "TiB" | "T" => 40,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(1 << shift)
}

/// The known key that a typing error away from `key`, if there is one near enough.
fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    let near = key.len() / 4 + 1;
    let scored = known.iter().map(|candidate| (distance(key, candidate), *candidate));
    scored.filter(|(distance, _)| *distance <= near).min().map(|(_, candidate)| candidate)
}

/// Levenshtein's distance in bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_named() {
        let known = ["scrape_interval", "scrape_timeout", "job_name"];
        for (key, expected) in [
            ("scrape_intervall", Some("scrape_interval")),
            ("jobname", Some("job_name")),
            ("scrape_timout", Some("scrape_timeout")),
            ("colour", None),
        ] {
            assert_eq!(nearest(key, &known), expected);
        }
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        for (text, expected) in
            [("16MB", Some(16 << 20)), ("1KiB", Some(1024)), ("7", Some(7)), ("x", None), ("1XB", None)]
        {
            assert_eq!(parse_size_bytes(text), expected, "{text}");
        }
    }
}
