//! The grammar before UTF-8 names: cut at commas outside quotes, each part `name op value`, the value quoted or not.

use model::{MatchOp, Matcher, is_legacy_metric_name};

use super::{MatcherError, matcher};

/// Longer operators first where one begins another.
const OPERATORS: [(&str, MatchOp); 4] =
    [("=~", MatchOp::Regexp), ("=", MatchOp::Equal), ("!=", MatchOp::NotEqual), ("!~", MatchOp::NotRegexp)];

pub(super) fn parse(input: &str) -> Result<Vec<Matcher>, MatcherError> {
    // Each brace is optional by itself in this grammar.
    let inner = input.strip_prefix('{').unwrap_or(input);
    let inner = inner.strip_suffix('}').unwrap_or(inner);
    split(inner).iter().map(|part| parse_one(part)).collect()
}

/// The parts between commas that stand outside quotes; nothing behind the last comma is no part.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        match c {
            ',' if !quoted => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            ',' => {}
            '"' if escaped => escaped = false,
            '"' => quoted = !quoted,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
        part.push(c);
    }
    if !part.trim().is_empty() {
        parts.push(part.trim().to_owned());
    }
    parts
}

fn parse_one(text: &str) -> Result<Matcher, MatcherError> {
    let bad = || MatcherError(format!("bad matcher format: {text}"));
    let trimmed = text.trim_matches(is_space);
    let name_end = trimmed.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).ok_or_else(bad)?;
    let (name, rest) = trimmed.split_at(name_end);
    // In the classic grammar a label name may hold colons, as a metric name may.
    if !is_legacy_metric_name(name) {
        return Err(bad());
    }
    let rest = rest.trim_start_matches(is_space);
    let found = OPERATORS.iter().find_map(|(text, op)| Some((*op, rest.strip_prefix(text)?)));
    let (op, raw) = found.ok_or_else(bad)?;
    matcher(op, name, unescape(raw.trim_start_matches(is_space))?)
}

/// The value behind optional quotes; a backslash that escapes nothing stands for itself.
fn unescape(raw: &str) -> Result<String, MatcherError> {
    let stray = || MatcherError(format!("matcher value contains unescaped double quote: {raw}"));
    let opened = raw.starts_with('"');
    let text = raw.strip_prefix('"').unwrap_or(raw);
    let mut value = String::with_capacity(text.len());
    let mut closed = false;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                None => value.push('\\'),
                Some('n') => value.push('\n'),
                Some(c @ ('"' | '\\')) => value.push(c),
                Some(c) => value.extend(['\\', c]),
            },
            '"' if opened && chars.as_str().is_empty() => closed = true,
            '"' => return Err(stray()),
            c => value.push(c),
        }
    }
    if opened && !closed {
        return Err(stray());
    }
    Ok(value)
}

/// RE2's `\s`.
const fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\u{c}' | '\r' | ' ')
}
