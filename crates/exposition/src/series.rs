//! A series as a text writes it: name and labels.

use std::borrow::Cow;

use model::{Labels, METRIC_NAME, MetricType};

/// What the two text formats disagree about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Blanks may stand anywhere, commas may be missing, a label's value may hold a line's end.
    Classic,
    /// Exactly one blank where one is needed, one comma between labels.
    OpenMetrics,
}

/// Where the series at the start of `text` ends; checks its form. `text` is not empty and goes on with the page.
pub(crate) fn end(text: &[u8], dialect: Dialect) -> Result<usize, &'static str> {
    let name = name_bytes(text);
    if name == 0 && text[0] != b'{' {
        return Err("expected a metric name");
    }
    let brace = name + blanks(&text[name..], dialect);
    if text.get(brace) != Some(&b'{') {
        return Ok(name);
    }
    let (length, named) = labels_end(&text[brace + 1..], dialect, 0 < name)?;
    let end = brace + 1 + length;
    if !named {
        return Err("a series needs a name");
    }
    if std::str::from_utf8(&text[..end]).is_err() {
        return Err("invalid UTF-8 in a series");
    }
    Ok(end)
}

/// Where the labels of an exemplar end, from behind their opening brace; the closing one is included.
pub(crate) fn exemplar_end(text: &[u8]) -> Result<usize, &'static str> {
    let (length, named) = labels_end(text, Dialect::OpenMetrics, false)?;
    if named {
        return Err("expected = after a label name");
    }
    if std::str::from_utf8(&text[..length]).is_err() {
        return Err("invalid UTF-8 in an exemplar");
    }
    Ok(length)
}

/// How many bytes the labels have with their closing brace, and whether the series has a name now.
fn labels_end(text: &[u8], dialect: Dialect, mut named: bool) -> Result<(usize, bool), &'static str> {
    let mut at = 0;
    loop {
        at += blanks(&text[at..], dialect);
        let quoted = match text.get(at) {
            Some(b'}') => return Ok((at + 1, named)),
            Some(b'"') => {
                at += closing_quote(&text[at + 1..], true).ok_or("a quote is not closed")? + 2;
                true
            }
            Some(byte) if byte.is_ascii_alphabetic() || *byte == b'_' => {
                at += label_name_bytes(&text[at..]);
                false
            }
            _ => return Err("expected a label name"),
        };
        at += blanks(&text[at..], dialect);
        match text.get(at) {
            Some(b'=') => at += 1,
            // A quoted text without a value is the name.
            Some(next @ (b',' | b'}')) if quoted => {
                if named {
                    return Err("a series has two names");
                }
                named = true;
                at += usize::from(*next == b',');
                continue;
            }
            _ => return Err("expected = after a label name"),
        }
        at += blanks(&text[at..], dialect);
        if text.get(at) != Some(&b'"') {
            return Err("expected a quoted label value");
        }
        let value = closing_quote(&text[at + 1..], dialect == Dialect::Classic).ok_or("a quote is not closed")?;
        at += value + 2;
        at += blanks(&text[at..], dialect);
        match text.get(at) {
            Some(b',') => at += 1,
            Some(b'}') => {}
            _ if dialect == Dialect::Classic => {}
            _ => return Err("expected , or } after a label"),
        }
    }
}

/// Blanks before the next token.
fn blanks(text: &[u8], dialect: Dialect) -> usize {
    match dialect {
        Dialect::Classic => text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count(),
        Dialect::OpenMetrics => 0,
    }
}

/// What a byte may be part of: 1 a label's name, 2 a metric's name.
const NAME_BYTES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let is_word = (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_';
        table[byte] = if is_word {
            3
        } else if byte as u8 == b':' {
            2
        } else {
            0
        };
        byte += 1;
    }
    table
};

/// How long the metric name at the start is: `[a-zA-Z_:][a-zA-Z0-9_:]*`
#[inline]
pub(crate) fn name_bytes(text: &[u8]) -> usize {
    if text.first().is_some_and(u8::is_ascii_digit) {
        return 0;
    }
    text.iter().position(|byte| NAME_BYTES[usize::from(*byte)] & 2 == 0).unwrap_or(text.len())
}

#[inline]
fn label_name_bytes(text: &[u8]) -> usize {
    text.iter().position(|byte| NAME_BYTES[usize::from(*byte)] & 1 == 0).unwrap_or(text.len())
}

/// How many bytes stand before the quote that closes a text; a backslash hides the byte behind it, but not a line's end.
#[inline]
pub(crate) fn closing_quote(text: &[u8], over_lines: bool) -> Option<usize> {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return Some(at),
            b'\\' if text.get(at + 1) == Some(&b'\n') => return None,
            b'\\' => at += 2,
            b'\n' if !over_lines => return None,
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
    let rest = rest.trim_start_matches([' ', '\t']).strip_prefix('{').unwrap_or("");
    read_pairs(rest, &mut pairs)?;
    for (label, value) in &mut pairs {
        let is_bound =
            matches!((kind, label.as_ref()), (MetricType::Histogram, "le") | (MetricType::Summary, "quantile"));
        if is_bound && let Ok(bound) = units::float::parse(value) {
            *value = open_metrics_float(bound).into();
        }
    }
    unique(pairs)
}

/// The labels of an exemplar, from behind their opening brace.
pub(crate) fn exemplar_labels(raw: &[u8]) -> Result<Labels, String> {
    let text = std::str::from_utf8(raw).map_err(|_cause| "invalid UTF-8".to_owned())?;
    let mut pairs = Vec::new();
    read_pairs(text, &mut pairs)?;
    unique(pairs)
}

fn unique(mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)>) -> Result<Labels, String> {
    pairs.sort_unstable();
    if let Some(pair) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(format!("label {:?} stands twice in a series", pair[0].0));
    }
    let full = pairs.iter().filter(|(_, value)| !value.is_empty());
    Ok(Labels::from_sorted(full.map(|(name, value)| (name.as_ref(), value.as_ref()))))
}

fn read_pairs<'a>(mut rest: &'a str, pairs: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>) -> Result<(), String> {
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() || rest.starts_with('}') {
            return Ok(());
        }
        let (label, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_text(quoted)?,
            None => {
                let (label, after) = rest.split_at(label_name_bytes(rest.as_bytes()));
                if label.is_empty() {
                    return Err("expected a label name".to_owned());
                }
                (Cow::from(label), after)
            }
        };
        let after = after.trim_start_matches([' ', '\t']);
        let Some(value) = after.strip_prefix('=') else {
            pairs.push((METRIC_NAME.into(), label));
            rest = after;
            continue;
        };
        let value = value.trim_start_matches([' ', '\t']).strip_prefix('"').ok_or("expected a quoted label value")?;
        let (value, after) = quoted_text(value)?;
        pairs.push((label, value));
        rest = after;
    }
}

/// A float that always shows that it is one: `1.0`, `0.25`, `1e+06`, `+Inf`.
pub(crate) fn open_metrics_float(value: f64) -> String {
    let mut text = units::float::shortest_g(value);
    if value.is_finite() && !text.contains(['e', '.']) {
        text.push_str(".0");
    }
    text
}

/// The text before the closing quote, escapes resolved, and what follows the quote.
fn quoted_text(text: &str) -> Result<(Cow<'_, str>, &str), String> {
    let end = closing_quote(text.as_bytes(), true).ok_or("a quote is not closed")?;
    let (inner, rest) = (&text[..end], &text[end + 1..]);
    Ok((unescape(inner, true), rest))
}

/// Resolves `\\`, `\n` and, if `quotes`, `\"`. Anything else keeps its backslash, as in Prometheus.
pub(crate) fn unescape(text: &str, quotes: bool) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('\\') => out.push('\\'),
            Some('"') if quotes => out.push('"'),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out.into()
}
