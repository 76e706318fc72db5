//! Character classes: `[a-z]`, `\d`, `[:alpha:]`, `\p{Han}`.

use crate::ast::{Class, ClassItem};
use crate::error::RegexpError;

use super::escape;

type Ranges = &'static [(char, char)];

const DIGIT: Ranges = &[('0', '9')];
const SPACE_PERL: Ranges = &[('\t', '\n'), ('\u{c}', '\r'), (' ', ' ')];
const WORD: Ranges = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];

/// POSIX' classes; all of them are ASCII.
const POSIX: [(&str, Ranges); 14] = [
    ("alnum", &[('0', '9'), ('A', 'Z'), ('a', 'z')]),
    ("alpha", &[('A', 'Z'), ('a', 'z')]),
    ("ascii", &[('\0', '\u{7f}')]),
    ("blank", &[('\t', '\t'), (' ', ' ')]),
    ("cntrl", &[('\0', '\u{1f}'), ('\u{7f}', '\u{7f}')]),
    ("digit", DIGIT),
    ("graph", &[('!', '~')]),
    ("lower", &[('a', 'z')]),
    ("print", &[(' ', '~')]),
    ("punct", &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
    ("space", &[('\t', '\r'), (' ', ' ')]),
    ("upper", &[('A', 'Z')]),
    ("word", WORD),
    ("xdigit", &[('0', '9'), ('A', 'F'), ('a', 'f')]),
];

pub(super) fn single(item: ClassItem, fold: bool) -> Class {
    Class { items: vec![item], negated: false, fold }
}

/// The class that matches no character.
pub(super) const fn nothing() -> Class {
    Class { items: Vec::new(), negated: false, fold: false }
}

/// A class in brackets at the start of `text`, and what follows it.
pub(super) fn bracketed(text: &str, fold: bool) -> Result<(Class, &str), RegexpError> {
    let mut rest = &text[1..];
    let negated = rest.starts_with('^');
    if negated {
        rest = &rest[1..];
    }
    let mut items = Vec::new();
    let mut first = true;
    // A bracket in front is an ordinary character.
    while first || !rest.starts_with(']') {
        first = false;
        if let Some((item, behind)) = posix(rest)? {
            items.push(item);
            rest = behind;
            continue;
        }
        if let Some((item, behind)) = escaped(rest)? {
            items.push(item);
            rest = behind;
            continue;
        }
        let range = rest;
        let (low, behind) = class_character(rest, text)?;
        rest = behind;
        let mut high = low;
        if rest.starts_with('-') && rest.len() > 1 && !rest[1..].starts_with(']') {
            (high, rest) = class_character(&rest[1..], text)?;
            if high < low {
                let range = &range[..range.len() - rest.len()];
                return Err(RegexpError::new("invalid character class range", range));
            }
        }
        items.extend(characters(low, high));
    }
    Ok((Class { items, negated, fold }, &rest[1..]))
}

/// `\d`, `\W`, `\p{Han}` at the start of `text`, and what follows.
pub(super) fn escaped(text: &str) -> Result<Option<(ClassItem, &str)>, RegexpError> {
    let [b'\\', letter, ..] = text.as_bytes() else { return Ok(None) };
    let ranges = match letter.to_ascii_lowercase() {
        b'd' => DIGIT,
        b's' => SPACE_PERL,
        b'w' => WORD,
        b'p' => return unicode(text).map(Some),
        _ => return Ok(None),
    };
    Ok(Some((ClassItem::Ascii { ranges, negated: letter.is_ascii_uppercase() }, &text[2..])))
}

/// `[:alpha:]` at the start of `text`.
fn posix(text: &str) -> Result<Option<(ClassItem, &str)>, RegexpError> {
    let Some(end) = text.strip_prefix("[:").and_then(|behind| behind.find(":]")) else { return Ok(None) };
    let name = &text[2..2 + end];
    let (bare, negated) = name.strip_prefix('^').map_or((name, false), |bare| (bare, true));
    match POSIX.iter().find(|(known, _)| *known == bare) {
        Some((_, ranges)) => Ok(Some((ClassItem::Ascii { ranges, negated }, &text[end + 4..]))),
        None => Err(RegexpError::new("invalid character class range", &text[..end + 4])),
    }
}

/// `\p{Han}`, `\pL`, `\P{^Greek}` at the start of `text`.
fn unicode(text: &str) -> Result<(ClassItem, &str), RegexpError> {
    const REASON: &str = "invalid character class range";
    let behind = &text[2..];
    let (name, length) = match behind.chars().next() {
        None => return Err(RegexpError::new("invalid escape sequence", text)),
        Some('{') => match behind.find('}') {
            None => return Err(RegexpError::new(REASON, text)),
            Some(end) => (&behind[1..end], end + 1),
        },
        Some(c) => (&behind[..c.len_utf8()], c.len_utf8()),
    };
    let (sequence, rest) = text.split_at(2 + length);
    let (name, complement) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
    let negated = text.starts_with(r"\P") != complement;
    match property(name) {
        Some(property) => Ok((ClassItem::Unicode { property, negated }, rest)),
        None => Err(RegexpError::new(REASON, sequence)),
    }
}

/// Go knows the general categories by their short names and the scripts by their long ones; Rust knows far more.
fn property(name: &str) -> Option<String> {
    let plain = name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphabetic());
    if !plain || !name.starts_with(|first: char| first.is_ascii_uppercase()) {
        return None;
    }
    let property = match name {
        "Any" => "Any".to_owned(),
        _ if name.len() <= 2 => format!("gc={name}"),
        _ => format!("sc={name}"),
    };
    regex_syntax::parse(&format!(r"\p{{{property}}}")).is_ok().then_some(property)
}

fn class_character<'a>(text: &'a str, class: &str) -> Result<(u32, &'a str), RegexpError> {
    match text.chars().next() {
        None => Err(RegexpError::new("missing closing ]", class)),
        Some('\\') => escape::character(text),
        Some(c) => Ok((u32::from(c), &text[c.len_utf8()..])),
    }
}

/// The range without the halves of surrogate pairs, which are in no text.
fn characters(low: u32, high: u32) -> Option<ClassItem> {
    let low = char::from_u32(low).unwrap_or('\u{e000}');
    let high = char::from_u32(high).unwrap_or('\u{d7ff}');
    (low <= high).then_some(ClassItem::Range(low, high))
}
