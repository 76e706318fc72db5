//! The classic text format, version 0.0.4, line by line. Prometheus' `textparse.PromParser` decides what is one.

use model::MetricType;

use crate::error::ParseError;
use crate::series;

/// A line that says something.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry<'a> {
    /// A sample.
    Series {
        /// The series as it was written: name and braces, for [`crate::labels_of`].
        raw: &'a [u8],
        /// The value.
        value: f64,
        /// The sample's own moment in milliseconds, if it has one.
        timestamp_ms: Option<i64>,
    },
    /// `# TYPE`
    Type {
        /// The metric.
        name: &'a str,
        /// Its type.
        kind: MetricType,
    },
    /// `# HELP`
    Help {
        /// The metric.
        name: &'a str,
        /// The text, escapes still in it.
        text: &'a str,
    },
    /// Any other line that begins with `#`.
    Comment(&'a str),
}

/// Walks a page.
#[derive(Clone, Debug)]
pub struct Parser<'a> {
    body: &'a [u8],
    at: usize,
    line: usize,
    kind: MetricType,
    failed: bool,
}

impl<'a> Parser<'a> {
    /// A parser at the start of `body`.
    pub const fn new(body: &'a [u8]) -> Self {
        Self { body, at: 0, line: 0, kind: MetricType::Unknown, failed: false }
    }

    /// The line of the last entry, counted from 1.
    pub const fn line(&self) -> usize {
        self.line
    }

    /// The type that the last `# TYPE` line gave.
    pub const fn kind(&self) -> MetricType {
        self.kind
    }

    /// If the next line repeats `raw` as its series, takes it without looking at the labels: the fast way for a page that
    /// was read before.
    pub fn next_known(&mut self, raw: &[u8]) -> Option<(f64, Option<i64>)> {
        if self.failed || !self.body[self.at..].starts_with(raw) {
            return None;
        }
        let line = self.peek_line();
        let rest = &line[raw.len()..];
        // What follows must be the value and not more of the series.
        if !matches!(rest.first(), Some(b' ' | b'\t')) {
            return None;
        }
        let (value, timestamp_ms) = sample(rest).ok()?;
        self.advance(line.len());
        Some((value, timestamp_ms))
    }

    fn peek_line(&self) -> &'a [u8] {
        let rest = &self.body[self.at..];
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        &rest[..end]
    }

    fn advance(&mut self, line_bytes: usize) {
        self.at = (self.at + line_bytes + 1).min(self.body.len());
        self.line += 1;
    }

    fn entry(&self, line: &'a [u8]) -> Result<Option<Entry<'a>>, ParseError> {
        let fault = |reason: &str| ParseError::new(self.line, reason, line);
        let trimmed = trim_start(line);
        match trimmed.first() {
            None => Ok(None),
            Some(b'#') => {
                let text = std::str::from_utf8(trimmed).map_err(|_cause| fault("invalid UTF-8"))?;
                comment(text).map(Some).map_err(|reason| fault(&reason))
            }
            Some(_) => {
                let end = series::end(trimmed).map_err(|reason| fault(&reason))?;
                let (raw, rest) = trimmed.split_at(end);
                let (value, timestamp_ms) = sample(rest).map_err(|reason| fault(&reason))?;
                Ok(Some(Entry::Series { raw, value, timestamp_ms }))
            }
        }
    }
}

/// Ends with the first error.
impl<'a> Iterator for Parser<'a> {
    type Item = Result<Entry<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed && self.at < self.body.len() {
            let line = self.peek_line();
            self.advance(line.len());
            match self.entry(line) {
                Ok(None) => {}
                Ok(Some(entry)) => {
                    if let Entry::Type { kind, .. } = entry {
                        self.kind = kind;
                    }
                    return Some(Ok(entry));
                }
                Err(error) => {
                    self.failed = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

pub(crate) fn trim_start(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    &text[blanks..]
}

/// Value and timestamp, after the series.
fn sample(rest: &[u8]) -> Result<(f64, Option<i64>), String> {
    let rest = trim_start(rest);
    let end = rest.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(rest.len());
    let (value, rest) = rest.split_at(end);
    let text = std::str::from_utf8(value).map_err(|_cause| "invalid UTF-8".to_owned())?;
    if text.is_empty() {
        return Err("expected a value".to_owned());
    }
    let value = number(text).ok_or_else(|| format!("{text:?} is not a value"))?;
    let rest = trim_start(rest);
    if rest.is_empty() {
        return Ok((value, None));
    }
    let end = rest.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(rest.len());
    let (time, after) = rest.split_at(end);
    let time = std::str::from_utf8(time).map_err(|_cause| "invalid UTF-8".to_owned())?;
    let well_formed = time.strip_prefix('-').unwrap_or(time).bytes().all(|byte| byte.is_ascii_digit());
    let timestamp_ms = time
        .parse()
        .ok()
        .filter(|_| well_formed)
        .ok_or_else(|| format!("{time:?} is not a timestamp in milliseconds"))?;
    if trim_start(after).is_empty() {
        Ok((value, Some(timestamp_ms)))
    } else {
        Err("expected the end of the line".to_owned())
    }
}

/// A value: whole numbers are most of a page and are read without the general parser. Prometheus takes Go's floats but
/// hexadecimal ones (`parseFloat` in its textparse).
fn number(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    if bytes.len() <= 15 && bytes.iter().all(u8::is_ascii_digit) {
        let whole = bytes.iter().fold(0u64, |sum, byte| sum * 10 + u64::from(byte - b'0'));
        return Some(whole as f64);
    }
    if bytes.iter().any(|byte| matches!(byte, b'x' | b'X' | b'p' | b'P' | b'_')) {
        return None;
    }
    units::float::parse(text).ok()
}

fn comment(text: &str) -> Result<Entry<'_>, String> {
    let words = text[1..].trim_start_matches([' ', '\t']);
    // Without a blank after it the # is part of a word: an ordinary comment.
    let (keyword, rest) = words.split_once([' ', '\t']).unwrap_or((words, ""));
    if words.len() == text.len() - 1 || !matches!(keyword, "HELP" | "TYPE") {
        return Ok(Entry::Comment(text));
    }
    let rest = rest.trim_start_matches([' ', '\t']);
    let (name, rest) = if let Some(quoted) = rest.strip_prefix('"') {
        let end = series::closing_quote(quoted.as_bytes()).ok_or("a quote is not closed")?;
        (&quoted[..end], &quoted[end + 1..])
    } else {
        let end = rest.find([' ', '\t']).unwrap_or(rest.len());
        rest.split_at(end)
    };
    if name.is_empty() {
        return Err(format!("expected a metric name after # {keyword}"));
    }
    let rest = rest.strip_prefix([' ', '\t']).unwrap_or(rest);
    if keyword == "HELP" {
        return Ok(Entry::Help { name, text: rest });
    }
    let kind = match rest.trim_matches([' ', '\t']) {
        "counter" => MetricType::Counter,
        "gauge" => MetricType::Gauge,
        "histogram" => MetricType::Histogram,
        "summary" => MetricType::Summary,
        "untyped" => MetricType::Unknown,
        other => return Err(format!("invalid metric type {other:?}")),
    };
    Ok(Entry::Type { name, kind })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{labels_of, write_text};

    fn shown(body: &[u8]) -> String {
        let entries = Parser::new(body).map(|entry| match entry {
            Ok(Entry::Series { raw, value, timestamp_ms }) => {
                let at = timestamp_ms.map(|at| format!("@{at}")).unwrap_or_default();
                format!(
                    "{} {value}{at}",
                    labels_of(raw, MetricType::Unknown).map_or_else(|error| error, |labels| labels.to_braces())
                )
            }
            Ok(Entry::Type { name, kind }) => format!("{name} is {}", kind.as_str()),
            Ok(Entry::Help { name, text }) => format!("{name}: {text}"),
            Ok(Entry::Comment(text)) => text.to_owned(),
            Err(error) => format!("! {error}"),
        });
        entries.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn lines_are_read_as_prometheus_reads_them() {
        for (body, expected) in [
            ("a 1\n", r#"{__name__="a"} 1"#),
            ("a{} 1.5 123\n\n  b\t2", "{__name__=\"a\"} 1.5@123\n{__name__=\"b\"} 2"),
            (r#"vllm:x{a="1,}=",b="q\"\\\n",} 3"#, r#"{__name__="vllm:x", a="1,}=", b="q\"\\\n"} 3"#),
            (r#"{"a.b", c="d"} +Inf"#, r#"{__name__="a.b", c="d"} inf"#),
            (r#"h_bucket{le="1.0"} 3"#, r#"{__name__="h_bucket", le="1.0"} 3"#),
            ("# TYPE a counter\n# HELP a b c\n#x\n# EOF", "a is counter\na: b c\n#x\n# EOF"),
            ("a 0x1p2", "! line 1: \"0x1p2\" is not a value: \"a 0x1p2\""),
            ("a 1\nb x", "{__name__=\"a\"} 1\n! line 2: \"x\" is not a value: \"b x\""),
            ("a", "! line 1: expected a value: \"a\""),
            ("{x=\"1\"} 1", "! line 1: a series needs a name: \"{x=\\\"1\\\"} 1\""),
            ("# TYPE a gauge\r", "! line 1: invalid metric type \"gauge\\r\": \"# TYPE a gauge\\r\""),
            ("1bad 1", "! line 1: expected a metric name: \"1bad 1\""),
            ("a{b=\"c} 1", "! line 1: a quote is not closed: \"a{b=\\\"c} 1\""),
        ] {
            assert_eq!(shown(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn a_known_series_is_taken_without_its_labels() {
        let mut parser = Parser::new(b"a{b=\"c\"} 1\na{b=\"c\"}d 2\n");
        assert_eq!(parser.next_known(b"a{b=\"c\"}"), Some((1.0, None)));
        assert_eq!(parser.next_known(b"a{b=\"c\"}"), None);
        assert_eq!(parser.line(), 1);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            for entry in Parser::new(&body) {
                if let Ok(Entry::Series { raw, .. }) = entry {
                    let _labels = labels_of(raw, MetricType::Histogram);
                }
            }
        }

        #[test]
        fn what_is_written_is_read_back(value in any::<f64>(), label in "\\PC*") {
            let mut family = model::Family::new("m", "help \\ \n", MetricType::Gauge);
            family.push([("l", label.as_str())], value);
            let text = write_text(&[family.clone()]);
            let found: Vec<_> = Parser::new(text.as_bytes()).filter_map(|entry| match entry.unwrap() {
                Entry::Series { raw, value, .. } => Some((labels_of(raw, MetricType::Gauge).unwrap(), value)),
                _ => None,
            }).collect();
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(&found[0].0, &family.samples[0].0);
            prop_assert!(found[0].1 == value || (found[0].1.is_nan() && value.is_nan()));
        }
    }
}
