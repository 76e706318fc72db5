//! A YAML text as a tree whose every node knows where it stands. Scalars keep the text that was written: `1.10` is not
//! yet a number, `yes` not yet a truth.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};
use thiserror::Error;

/// A configuration file is refused beyond this size in bytes.
pub(crate) const FILE_BYTES_MAX: usize = 4 << 20;

/// Lists and mappings inside one another; beyond, a thread's stack is at risk. Prometheus' keys need 9, a routing tree
/// two a level.
const DEPTH_MAX: usize = 32;

/// A place in a file, both counted from 1; 0 where nobody knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

/// Why a text is no YAML.
#[derive(Debug, Error)]
#[error("{message}")]
pub(crate) struct SyntaxError {
    pub(crate) place: Place,
    pub(crate) message: String,
    /// The tree nevertheless, where the fault is in a single value.
    pub(crate) tree: Option<Box<Node>>,
}

/// A node of the tree.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Scalar(String),
    Sequence(Vec<Node>),
    Mapping(Vec<(Key, Node)>),
}

#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) place: Place,
    /// The key, or how it would be printed if it is no text.
    pub(crate) text: String,
    /// Whether it is a text.
    pub(crate) is_text: bool,
}

impl Value {
    /// What it is, for errors.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Scalar(_) => "a single value",
            Self::Sequence(_) => "a list",
            Self::Mapping(_) => "a mapping",
        }
    }
}

/// Reads one document. An empty text is [`Value::Null`].
pub(crate) fn parse(text: &str) -> Result<Node, SyntaxError> {
    if FILE_BYTES_MAX < text.len() {
        let message = format!("the file has {} bytes, more than the {FILE_BYTES_MAX} that are read", text.len());
        return Err(SyntaxError { place: Place::default(), message, tree: None });
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Node { place: Place { line: 1, column: 1 }, value: Value::Null });
    }
    read(text, false).map_err(|error| SyntaxError {
        // What else is wrong is worth knowing too.
        tree: if error.message.contains("!!binary") { read(text, true).ok().map(Box::new) } else { None },
        ..error
    })
}

/// Reads a text that holds something; with `raw_binary`, `!!binary` values are what was written.
fn read(text: &str, raw_binary: bool) -> Result<Node, SyntaxError> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: DEPTH_MAX, flow_nesting_limit: DEPTH_MAX },
        ignore_binary_tag_for_string: raw_binary,
    };
    let raw: Spanned<Raw> = serde_saphyr::from_str_with_options(text, options).map_err(|error| SyntaxError {
        place: error.location().map(place_of).unwrap_or_default(),
        message: first_line(&error.without_snippet().render()),
        tree: None,
    })?;
    Ok(raw_to_node(raw, text))
}

/// The library's message without the place, which we print ourselves, in one line.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or("not valid YAML");
    if line.contains("!!binary scalar is not valid UTF-8") {
        return "a !!binary value that is not UTF-8 is no valid label or text".to_owned();
    }
    let line = line.strip_prefix("error: ").unwrap_or(line);
    if let Some(key) = line.strip_prefix("duplicate mapping key: ").and_then(|rest| rest.split(',').next()) {
        return format!("the key {key} stands here a second time: put everything under one");
    }
    line.split(" at line ").next().unwrap_or(line).to_owned()
}

fn place_of(location: Location) -> Place {
    Place { line: location.line(), column: location.column() }
}

/// The tree as serde hands it over: scalars that are not strings have lost their text, which their span gives back.
enum Raw {
    Null,
    Text(String),
    /// A boolean or a number, and how it prints if its span is unknown.
    Typed(String),
    Sequence(Vec<Spanned<Raw>>),
    Mapping(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }
    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }
    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }
    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut found = Vec::new();
        while let Some(item) = items.next_element()? {
            found.push(item);
        }
        Ok(Raw::Sequence(found))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut found = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            found.push(entry);
        }
        Ok(Raw::Mapping(found))
    }
}

fn raw_to_node(raw: Spanned<Raw>, text: &str) -> Node {
    let place = place_of(raw.referenced);
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Text(value) => Value::Scalar(value),
        Raw::Typed(printed) => Value::Scalar(slice(raw.defined, text).unwrap_or(printed)),
        Raw::Sequence(items) => Value::Sequence(items.into_iter().map(|item| raw_to_node(item, text)).collect()),
        Raw::Mapping(entries) => Value::Mapping(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let key = raw_to_node(key, text);
                    let (name, is_text) = match key.value {
                        Value::Scalar(name) => (name, true),
                        other => (other.kind().to_owned(), false),
                    };
                    (Key { place: key.place, text: name, is_text }, raw_to_node(value, text))
                })
                .collect(),
        ),
    };
    Node { place, value }
}

fn slice(location: Location, text: &str) -> Option<String> {
    let span = location.span();
    let from = usize::try_from(span.byte_offset()?).ok()?;
    let length = usize::try_from(span.byte_len()?).ok()?;
    text.get(from..from + length).map(|part| part.trim().to_owned()).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(node: &Node) -> String {
        match &node.value {
            Value::Null => "~".to_owned(),
            Value::Scalar(text) => format!("{text:?}"),
            Value::Sequence(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
            Value::Mapping(entries) => {
                let entries: Vec<_> =
                    entries.iter().map(|(key, value)| format!("{}: {}", key.text, shown(value))).collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }

    fn check(text: &str, expected: &str) {
        let found = match parse(text) {
            Ok(node) => shown(&node),
            Err(error) => format!("{}:{}: {}", error.place.line, error.place.column, error.message),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn scalars_keep_their_text() {
        check(
            "a: 1.10\nb: yes\nc: 0x10\nd: '7'\ne: 1e3\nf: ~\ng:\nh: true",
            r#"{a: "1.10", b: "yes", c: "0x10", d: "7", e: "1e3", f: ~, g: ~, h: "true"}"#,
        );
        check("9100: 温 度\n", r#"{9100: "温 度"}"#);
        check("温度: 1.50 # °C\nb: 2.50", r#"{温度: "1.50", b: "2.50"}"#);
    }

    #[test]
    fn anchors_and_merges_are_expanded() {
        check(
            "a: &x {k: 1.0}\nb: *x\nc:\n  <<: *x\n  l: 2",
            r#"{a: {k: "1.0"}, b: {k: "1.0"}, c: {l: "2", k: "1.0"}}"#,
        );
    }

    #[test]
    fn nothing_is_null() {
        check("", "~");
        check("\u{feff}# only a comment\n", "~");
    }

    #[test]
    fn bytes_are_texts_if_they_are_utf8() {
        check("a: !!binary aGk=", r#"{a: "hi"}"#);
        check("a: !!binary \"/w==\"", "1:13: a !!binary value that is not UTF-8 is no valid label or text");
        check("!!binary \"/w==\": a", "1:10: a !!binary value that is not UTF-8 is no valid label or text");
    }

    #[test]
    fn what_would_exhaust_the_machine_is_refused() {
        let deep = format!("a: {}{}", "[".repeat(200), "]".repeat(200));
        let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
        for (name, of) in "bcdefghij".chars().zip("abcdefghi".chars()) {
            let aliases = vec![format!("*{of}"); 9].join(", ");
            bomb.push_str(&format!("{name}: &{name} [{aliases}]\n"));
        }
        let blocks: String = (0..200).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
        for text in [deep, bomb, blocks] {
            assert!(parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn nodes_know_their_place() {
        let node = parse("a:\n  - b: 1\n    c: two\n").unwrap();
        let Value::Mapping(entries) = node.value else { panic!() };
        let Value::Sequence(items) = &entries[0].1.value else { panic!() };
        let Value::Mapping(inner) = &items[0].value else { panic!() };
        assert_eq!(inner[1].0.place, Place { line: 3, column: 5 });
        assert_eq!(inner[1].1.place, Place { line: 3, column: 8 });
    }

    #[test]
    fn errors_name_a_place() {
        for text in ["a: [1, 2", "a: 1\na: 2", "a:\n\t- b", "a: *nowhere"] {
            let error = parse(text).unwrap_err();
            assert!(0 < error.place.line, "{text}: {error:?}");
        }
    }
}
