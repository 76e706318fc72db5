//! OpenMetrics 1.0 as text (github.com/prometheus/OpenMetrics). Prometheus' `textparse.OpenMetricsParser` decides what is
//! one; it is more lenient than the standard.

use model::MetricType;

use crate::entry::Entry;
use crate::number;
use crate::series::{self, Dialect};
use crate::text::{Line, RawExemplar, Sample};

/// Where the page must say that it is whole, so that one that broke off is noticed.
const NO_EOF: &str = "data does not end with # EOF";

/// Reads the line at the start of `rest`.
pub(crate) fn line(rest: &[u8]) -> Result<Line<'_>, String> {
    match rest.first() {
        None => Err(NO_EOF.to_owned()),
        Some(b'#') => comment(rest),
        Some(byte) if byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':' | b'{') => {
            let series = series::end(rest, Dialect::OpenMetrics)?;
            let sample = sample(&rest[series..])?;
            Ok(Line::Sample { blanks: 0, series, sample })
        }
        Some(b'\n') => Err("a blank line".to_owned()),
        Some(_) => Err("expected a metric name or #".to_owned()),
    }
}

/// Value, timestamp and exemplar, behind the series, up to the line's end.
pub(crate) fn sample(rest: &[u8]) -> Result<Sample<'_>, String> {
    let (value, mut at) = float(rest, "a value")?;
    let mut sample = Sample { value, timestamp_ms: None, exemplar: None, length: 0, then_fails: None };
    if is_word(&rest[at..]) && !rest[at..].starts_with(b" # {") {
        let (seconds, length) = float(&rest[at..], "a timestamp in seconds")?;
        sample.timestamp_ms = Some(moment(seconds)?);
        at += length;
        if !matches!(rest.get(at), Some(b'\n')) && !rest[at..].starts_with(b" # {") {
            return Err("expected an exemplar or the end of the line after the timestamp".to_owned());
        }
    }
    if let Some(exemplar) = rest[at..].strip_prefix(b" # {") {
        let (found, length) = self::exemplar(exemplar)?;
        sample.exemplar = Some(found);
        at += 4 + length;
    }
    sample.length = at + 1;
    match rest.get(at) {
        Some(b'\n') => {}
        None => return Err(NO_EOF.to_owned()),
        Some(_) => sample.then_fails = Some("expected a timestamp, an exemplar or the end of the line"),
    }
    Ok(sample)
}

/// The exemplar from behind its opening brace up to the line's end.
fn exemplar(text: &[u8]) -> Result<(RawExemplar<'_>, usize), String> {
    let labels = series::exemplar_end(text)?;
    let (value, length) = float(&text[labels..], "an exemplar's value")?;
    let mut at = labels + length;
    let mut at_ms = None;
    if is_word(&text[at..]) {
        let (seconds, length) = float(&text[at..], "an exemplar's timestamp in seconds")?;
        at_ms = Some(moment(seconds)?);
        at += length;
    }
    match text.get(at) {
        Some(b'\n') => Ok((RawExemplar { labels: &text[..labels], value, at_ms }, at)),
        None => Err(NO_EOF.to_owned()),
        Some(_) => Err("expected the end of the line after the exemplar".to_owned()),
    }
}

/// Whether a blank and a word follow.
fn is_word(text: &[u8]) -> bool {
    text.first() == Some(&b' ') && !matches!(text.get(1), None | Some(b' ' | b'\n'))
}

/// A blank and a number; how many bytes they have.
fn float(text: &[u8], what: &str) -> Result<(f64, usize), String> {
    if !is_word(text) {
        return Err(format!("expected a blank and {what}"));
    }
    let word = &text[1..];
    if let Some((value, length)) = number::plain(word)
        && matches!(word.get(length), None | Some(b' ' | b'\n'))
    {
        return Ok((value, length + 1));
    }
    let length = word.iter().take_while(|byte| !matches!(byte, b' ' | b'\n')).count();
    let value = number::parse(&word[..length]);
    let value = value.ok_or_else(|| format!("{:?} is not {what}", String::from_utf8_lossy(&word[..length.min(40)])))?;
    Ok((value, length + 1))
}

fn moment(seconds: f64) -> Result<i64, String> {
    if seconds.is_finite() { Ok(number::seconds_to_ms(seconds)) } else { Err(format!("invalid timestamp {seconds}")) }
}

fn comment(rest: &[u8]) -> Result<Line<'_>, String> {
    let words = rest.strip_prefix(b"# ").ok_or("expected a blank after #")?;
    if let Some(after) = words.strip_prefix(b"EOF") {
        return if matches!(after, b"" | b"\n") {
            Ok(Line::End)
        } else {
            Err("unexpected data after # EOF".to_owned())
        };
    }
    let (keyword, words) = words.split_at_checked(5).ok_or("expected HELP, TYPE, UNIT or EOF after #")?;
    if !matches!(keyword, b"HELP " | b"TYPE " | b"UNIT ") {
        return Err("expected HELP, TYPE, UNIT or EOF after #".to_owned());
    }
    let (name, after) = if let Some(quoted) = words.strip_prefix(b"\"") {
        let end = series::closing_quote(quoted, true).ok_or("a quote is not closed")?;
        (&quoted[..end], &quoted[end + 1..])
    } else {
        words.split_at(series::name_bytes(words))
    };
    if name.is_empty() {
        return Err("expected a metric name".to_owned());
    }
    let name = std::str::from_utf8(name).map_err(|_cause| "invalid UTF-8 in a metric name".to_owned())?;
    let end = memchr::memchr(b'\n', after).filter(|_| after.first() == Some(&b' '));
    let text = &after[1..end.ok_or("expected a text and the end of the line")?];
    let text = std::str::from_utf8(text).map_err(|_cause| "invalid UTF-8".to_owned())?;
    let length = rest.len() - after.len() + text.len() + 2;
    let entry = match keyword {
        b"HELP " => Entry::Help { name, text: series::unescape(text, true) },
        b"TYPE " => Entry::Type { name, kind: kind(text)? },
        _ => {
            check_unit(name, text)?;
            Entry::Unit { name, unit: text }
        }
    };
    Ok(Line::Entry(entry, length))
}

fn kind(text: &str) -> Result<MetricType, String> {
    Ok(match text {
        "counter" => MetricType::Counter,
        "gauge" => MetricType::Gauge,
        "histogram" => MetricType::Histogram,
        "gaugehistogram" => MetricType::GaugeHistogram,
        "summary" => MetricType::Summary,
        "info" => MetricType::Info,
        "stateset" => MetricType::StateSet,
        "unknown" => MetricType::Unknown,
        other => return Err(format!("invalid metric type {other:?}")),
    })
}

/// A unit must be the last word of its metric's name.
pub(crate) fn check_unit(name: &str, unit: &str) -> Result<(), String> {
    let fits = name.strip_suffix(unit).is_some_and(|front| front.ends_with('_'));
    if unit.is_empty() || fits { Ok(()) } else { Err(format!("unit {unit:?} not a suffix of metric {name:?}")) }
}
