//! The classic text format, versions 0.0.4 and 1.0.0. Prometheus' `textparse.PromParser` decides what is one.

use model::MetricType;

use crate::entry::Entry;
use crate::number;
use crate::series::{self, Dialect};
use crate::text::{Line, Sample};

/// Reads the line at the start of `rest`.
pub(crate) fn line(rest: &[u8]) -> Result<Line<'_>, String> {
    let blanks = blanks(rest);
    let trimmed = &rest[blanks..];
    match trimmed.first() {
        None => Ok(Line::End),
        Some(b'\n') => Ok(Line::Blank(blanks + 1)),
        Some(b'#') => {
            let length = memchr::memchr(b'\n', trimmed).unwrap_or(trimmed.len());
            let text = std::str::from_utf8(&trimmed[..length]).map_err(|_cause| "invalid UTF-8".to_owned())?;
            let with_end = (blanks + length + 1).min(rest.len());
            Ok(Line::Entry(comment(text)?, with_end))
        }
        Some(_) => {
            let series = series::end(trimmed, Dialect::Classic)?;
            let sample = sample(&trimmed[series..])?;
            Ok(Line::Sample { blanks, series, sample })
        }
    }
}

fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// Value and timestamp, behind the series, up to the line's end.
pub(crate) fn sample(rest: &[u8]) -> Result<Sample<'_>, String> {
    let mut at = blanks(rest);
    let (value, length) = value(&rest[at..])?;
    at += length;
    at += blanks(&rest[at..]);
    let done = |timestamp_ms, length| Sample { value, timestamp_ms, exemplar: None, length, then_fails: None };
    match rest.get(at) {
        None => return Ok(done(None, at)),
        Some(b'\n') => return Ok(done(None, at + 1)),
        Some(_) => {}
    }
    let digits = rest[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let written = std::str::from_utf8(&rest[at..at + digits]).ok().and_then(|digits| digits.parse::<i64>().ok());
    let after = at + digits;
    let end = after + blanks(&rest[after..]);
    match (written, rest.get(end)) {
        (None, _) => Err(format!("{:?} is not a timestamp in milliseconds", word(&rest[at..]))),
        (Some(at_ms), None) => Ok(done(Some(at_ms), end)),
        (Some(at_ms), Some(b'\n')) => Ok(done(Some(at_ms), end + 1)),
        (Some(_), Some(_)) => Err("expected the end of the line".to_owned()),
    }
}

/// The value at the start, and how many bytes it has.
fn value(text: &[u8]) -> Result<(f64, usize), String> {
    if let Some((value, length)) = number::plain(text)
        && matches!(text.get(length), None | Some(b' ' | b'\t' | b'\n'))
    {
        return Ok((value, length));
    }
    let length = text.iter().take_while(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'{')).count();
    if length == 0 {
        return Err("expected a value".to_owned());
    }
    let value = number::parse(&text[..length]).ok_or_else(|| format!("{:?} is not a value", word(text)))?;
    Ok((value, length))
}

/// The start of `text` up to a blank, for a message.
fn word(text: &[u8]) -> String {
    let length = text.iter().take(40).take_while(|byte| !matches!(byte, b' ' | b'\t' | b'\n')).count();
    String::from_utf8_lossy(&text[..length]).into_owned()
}

fn comment(text: &str) -> Result<Entry<'_>, String> {
    // Without a blank on both sides the word is part of an ordinary comment.
    let bytes = text.as_bytes();
    let word = 1 + blanks(&bytes[1..]);
    let behind = word + 4;
    let keyword = bytes.get(word..behind).filter(|_| 1 < word && matches!(bytes.get(behind), Some(b' ' | b'\t')));
    let keyword = match keyword {
        Some(b"HELP") => "HELP",
        Some(b"TYPE") => "TYPE",
        _ => return Ok(Entry::Comment(text)),
    };
    let rest = &text[behind + blanks(&bytes[behind..])..];
    let (name, rest) = if let Some(quoted) = rest.strip_prefix('"') {
        let end = series::closing_quote(quoted.as_bytes(), false).ok_or("a quote is not closed")?;
        (&quoted[..end], &quoted[end + 1..])
    } else {
        rest.split_at(series::name_bytes(rest.as_bytes()))
    };
    if name.is_empty() {
        return Err(format!("expected a metric name after # {keyword}"));
    }
    // One character is the separator, and belongs to nothing.
    let mut chars = rest.chars();
    chars.next();
    let rest = chars.as_str();
    if keyword == "HELP" {
        return Ok(Entry::Help { name, text: series::unescape(rest, false) });
    }
    let kind = match rest {
        "counter" => MetricType::Counter,
        "gauge" => MetricType::Gauge,
        "histogram" => MetricType::Histogram,
        "summary" => MetricType::Summary,
        "untyped" => MetricType::Unknown,
        other => return Err(format!("invalid metric type {other:?}")),
    };
    Ok(Entry::Type { name, kind })
}
