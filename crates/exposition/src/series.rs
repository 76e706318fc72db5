//! A series as a line writes it: name and labels.

use std::borrow::Cow;

use model::{Labels, METRIC_NAME, MetricType};

use crate::parser::trim_start;

/// Where the series at the start of `line` ends; checks its form.
pub(crate) fn end(line: &[u8]) -> Result<usize, String> {
    let mut rest = line;
    let name = name_bytes(rest);
    let mut named = 0 < name;
    if rest[0] != b'{' && name == 0 {
        return Err("expected a metric name".to_owned());
    }
    rest = &rest[name..];
    let after_name = trim_start(rest);
    if after_name.first() != Some(&b'{') {
        return Ok(line.len() - rest.len());
    }
    rest = &after_name[1..];
    loop {
        rest = trim_start(rest);
        match rest.first() {
            None => return Err("the labels do not end".to_owned()),
            Some(b'}') => break,
            Some(b'"') => {
                let length = closing_quote(&rest[1..]).ok_or("a quote is not closed")?;
                rest = trim_start(&rest[length + 2..]);
                if rest.first() != Some(&b'=') {
                    // A quoted text without a value is the name.
                    if named {
                        return Err("a series has two names".to_owned());
                    }
                    named = true;
                    rest = separator(rest)?;
                    continue;
                }
            }
            Some(_) => {
                let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
                if length == 0 || rest[0].is_ascii_digit() {
                    return Err("expected a label name".to_owned());
                }
                rest = trim_start(&rest[length..]);
                if rest.first() != Some(&b'=') {
                    return Err("expected = after a label name".to_owned());
                }
            }
        }
        rest = trim_start(&rest[1..]);
        if rest.first() != Some(&b'"') {
            return Err("expected a quoted label value".to_owned());
        }
        let length = closing_quote(&rest[1..]).ok_or("a quote is not closed")?;
        if std::str::from_utf8(&rest[1..=length]).is_err() {
            return Err("invalid UTF-8 in a label value".to_owned());
        }
        rest = separator(&rest[length + 2..])?;
    }
    if !named {
        return Err("a series needs a name".to_owned());
    }
    Ok(line.len() - rest.len() + 1)
}

/// Past a comma, or to a closing brace.
fn separator(rest: &[u8]) -> Result<&[u8], String> {
    let rest = trim_start(rest);
    match rest.first() {
        Some(b',') => Ok(&rest[1..]),
        Some(b'}') => Ok(rest),
        _ => Err("expected , or } after a label".to_owned()),
    }
}

fn name_bytes(text: &[u8]) -> usize {
    if text.first().is_some_and(u8::is_ascii_digit) {
        return 0;
    }
    text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':')).count()
}

/// How many bytes stand before the quote that closes a text.
pub(crate) fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

/// The labels of a series that [`crate::Parser`] handed out, under the type that was in force ([`crate::Parser::kind`]).
///
/// A histogram's `le` and a summary's `quantile` are written as Prometheus 3 stores them: `1` becomes `1.0`, and `1.0`
/// stays `1.0` (`normalizeFloatsInLabelValues` in its textparse).
///
/// # Errors
/// The bytes are not a series, or say a label twice.
pub fn labels_of(raw: &[u8], kind: MetricType) -> Result<Labels, String> {
    let text = std::str::from_utf8(raw).map_err(|_cause| "invalid UTF-8".to_owned())?;
    let (name, rest) = text.split_at(name_bytes(raw));
    let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    if !name.is_empty() {
        pairs.push((METRIC_NAME.into(), name.into()));
    }
    let mut rest = rest.trim_start_matches([' ', '\t']).strip_prefix('{').unwrap_or("");
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() || rest.starts_with('}') {
            break;
        }
        let (label, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_text(quoted)?,
            None => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                (Cow::from(&rest[..end]), &rest[end..])
            }
        };
        let after = after.trim_start_matches([' ', '\t']);
        let Some(value) = after.strip_prefix('=') else {
            pairs.push((METRIC_NAME.into(), label));
            rest = after;
            continue;
        };
        let value = value.trim_start_matches([' ', '\t']).strip_prefix('"').ok_or("expected a quoted label value")?;
        let (mut value, after) = quoted_text(value)?;
        let is_bound =
            matches!((kind, label.as_ref()), (MetricType::Histogram, "le") | (MetricType::Summary, "quantile"));
        if is_bound && let Ok(bound) = units::float::parse(&value) {
            value = open_metrics_float(bound).into();
        }
        pairs.push((label, value));
        rest = after;
    }
    let mut names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_ref()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("label {:?} stands twice in a series", pair[0]));
    }
    Ok(Labels::from_pairs(pairs))
}

/// A float that always shows that it is one: `1.0`, `0.25`, `1e+06`, `+Inf`.
fn open_metrics_float(value: f64) -> String {
    let mut text = units::float::shortest_g(value);
    if value.is_finite() && !text.contains(['e', '.']) {
        text.push_str(".0");
    }
    text
}

/// The text before the closing quote, escapes resolved, and what follows the quote.
fn quoted_text(text: &str) -> Result<(Cow<'_, str>, &str), String> {
    let end = closing_quote(text.as_bytes()).ok_or("a quote is not closed")?;
    let (inner, rest) = (&text[..end], &text[end + 1..]);
    if !inner.contains('\\') {
        return Ok((inner.into(), rest));
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some(escaped @ ('"' | '\\'))) => out.push(escaped),
            // Anything else keeps its backslash, as in Prometheus.
            ('\\', Some(other)) => out.extend(['\\', other]),
            _ => out.push(c),
        }
    }
    Ok((out.into(), rest))
}
