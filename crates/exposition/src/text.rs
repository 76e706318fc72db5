//! A page of text, line by line.

use std::borrow::Cow;

use model::MetricType;

use crate::entry::{Entry, FoundExemplar};
use crate::error::{ParseError, line_of};
use crate::series::{self, Dialect};
use crate::{classic, openmetrics};

/// Walks a page.
#[derive(Clone, Debug)]
pub(crate) struct Text<'a> {
    pub(crate) body: &'a [u8],
    dialect: Dialect,
    /// Where the next line begins.
    at: usize,
    /// Where the last entry's line begins.
    entry_at: usize,
    pub(crate) kind: MetricType,
    /// The line that gave the type.
    type_line: &'a [u8],
    exemplar: Option<RawExemplar<'a>>,
    /// Why there is nothing behind the last entry.
    end: Option<End>,
}

/// Why a page is at its end.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// It says so, or has no more lines.
    Whole,
    /// The error was handed out.
    Failed,
    /// A sample was read whose line goes on with what cannot be; Prometheus' parser takes it and then fails.
    AfterSample(&'static str),
}

/// What stands behind a series.
#[derive(Clone, Debug)]
pub(crate) struct Sample<'a> {
    pub(crate) value: f64,
    pub(crate) timestamp_ms: Option<i64>,
    pub(crate) exemplar: Option<RawExemplar<'a>>,
    /// Bytes up to the next line.
    pub(crate) length: usize,
    /// Set where the line does not end as it should, but after the sample.
    pub(crate) then_fails: Option<&'static str>,
}

/// An exemplar whose labels nobody has read yet.
#[derive(Clone, Debug)]
pub(crate) struct RawExemplar<'a> {
    /// The labels from behind the opening brace, the closing one included.
    pub(crate) labels: &'a [u8],
    pub(crate) value: f64,
    pub(crate) at_ms: Option<i64>,
}

/// A line that was read.
pub(crate) enum Line<'a> {
    /// It says something; how many bytes it has with its end.
    Entry(Entry<'a>, usize),
    /// A series of so many bytes, and what stands behind it. Bytes before the series are blanks.
    Sample { blanks: usize, series: usize, sample: Sample<'a> },
    /// Nothing; how many bytes it has with its end.
    Blank(usize),
    /// The page ends here.
    End,
}

impl<'a> Text<'a> {
    pub(crate) const fn new(body: &'a [u8], dialect: Dialect) -> Self {
        Self { body, dialect, at: 0, entry_at: 0, kind: MetricType::Unknown, type_line: &[], exemplar: None, end: None }
    }

    /// The line of the last entry, counted from 1.
    pub(crate) fn line(&self) -> usize {
        line_of(self.body, self.entry_at)
    }

    /// The metric family that the last type is of; empty before the first.
    pub(crate) fn family(&self) -> &'a str {
        match self.read_line(self.type_line) {
            Ok(Line::Entry(Entry::Type { name, .. }, _)) => name,
            _ => "",
        }
    }

    /// The whole last line with its end, if it has one.
    pub(crate) fn last_line(&self) -> Option<&'a [u8]> {
        let line = &self.body[self.entry_at..self.at];
        line.ends_with(b"\n").then_some(line)
    }

    /// Reads past a line if it is this one.
    pub(crate) fn skip_known(&mut self, line: &[u8], kind: Option<MetricType>) -> bool {
        if self.end.is_some() || !self.body[self.at..].starts_with(line) {
            return false;
        }
        self.entry_at = self.at;
        self.at += line.len();
        self.exemplar = None;
        if let Some(kind) = kind {
            self.kind = kind;
            self.type_line = &self.body[self.entry_at..self.at];
        }
        true
    }

    /// Reads a sample if its series is this one.
    pub(crate) fn next_known(&mut self, raw: &[u8]) -> Option<(f64, Option<i64>)> {
        if self.end.is_some() {
            return None;
        }
        let rest = self.body[self.at..].strip_prefix(raw)?;
        // What follows must be the value and not more of the series.
        if !matches!(rest.first(), Some(b' ' | b'\t')) {
            return None;
        }
        let sample = self.sample(rest).ok().filter(|sample| sample.then_fails.is_none())?;
        self.entry_at = self.at;
        self.at += raw.len() + sample.length;
        self.exemplar = sample.exemplar;
        Some((sample.value, sample.timestamp_ms))
    }

    /// Takes the last sample's exemplar, if it has one. One whose labels cannot be is left out, as a store would.
    pub(crate) fn take_exemplar(&mut self) -> Option<FoundExemplar> {
        let raw = self.exemplar.take()?;
        let labels = series::exemplar_labels(raw.labels).ok()?;
        Some(FoundExemplar { labels, value: raw.value, at_ms: raw.at_ms })
    }

    fn sample(&self, rest: &'a [u8]) -> Result<Sample<'a>, String> {
        match self.dialect {
            Dialect::Classic => classic::sample(rest),
            Dialect::OpenMetrics => openmetrics::sample(rest),
        }
    }

    fn read_line(&self, rest: &'a [u8]) -> Result<Line<'a>, String> {
        match self.dialect {
            Dialect::Classic => classic::line(rest),
            Dialect::OpenMetrics => openmetrics::line(rest),
        }
    }

    fn read(&mut self) -> Result<Option<Entry<'a>>, String> {
        if let Some(End::AfterSample(reason)) = self.end {
            return Err(reason.to_owned());
        }
        loop {
            if self.end.is_some() {
                return Ok(None);
            }
            let rest = &self.body[self.at..];
            self.entry_at = self.at;
            match self.read_line(rest)? {
                Line::Blank(length) => self.at += length,
                Line::End => self.end = Some(End::Whole),
                Line::Entry(entry, length) => {
                    self.at += length;
                    if let Entry::Type { kind, .. } = entry {
                        self.kind = kind;
                        self.type_line = &rest[..length];
                    }
                    return Ok(Some(entry));
                }
                Line::Sample { blanks, series, sample } => {
                    let raw = Cow::Borrowed(&rest[blanks..blanks + series]);
                    self.at += blanks + series + sample.length;
                    self.exemplar = sample.exemplar;
                    self.end = sample.then_fails.map(End::AfterSample);
                    return Ok(Some(Entry::Series { raw, value: sample.value, timestamp_ms: sample.timestamp_ms }));
                }
            }
        }
    }
}

/// Ends with the first error.
impl<'a> Iterator for Text<'a> {
    type Item = Result<Entry<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if matches!(self.end, Some(End::Whole | End::Failed)) {
            return None;
        }
        self.exemplar = None;
        let read = self.read();
        if read.is_err() {
            self.end = Some(End::Failed);
        }
        read.map_err(|reason| ParseError::at_line(self.body, self.entry_at, reason)).transpose()
    }
}
