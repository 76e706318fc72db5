//! Warnings and infos that an evaluation leaves beside its answer.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use promql_syntax::Span;
use units::float::{general, shortest_g};

/// Notes of each kind that an answer carries; the others are counted.
pub const NOTES_MAX: usize = 10;

/// Something that is said about an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// What, without the place.
    pub text: String,
    /// The part of the query that it is about.
    pub span: Span,
    forced: Option<Forced>,
}

impl Note {
    /// The note with its place in `query`, as Prometheus' API prints it: `PromQL warning: … (1:5)`.
    pub fn at(&self, query: &str) -> String {
        let Some(position) = self.span.position(query) else { return self.text.clone() };
        match &self.forced {
            Some(forced) => format!("{}, {forced} ({position})", self.text),
            None => format!("{} ({position})", self.text),
        }
    }
}

/// Without the place.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Up to [`NOTES_MAX`] notes with their places in `query`, and how many more there are. `kind` is `warning` or `info`.
pub fn rendered(notes: &[Note], query: &str, kind: &str) -> Vec<String> {
    let mut texts: Vec<String> = notes.iter().take(NOTES_MAX).map(|note| note.at(query)).collect();
    let more = notes.len().saturating_sub(NOTES_MAX);
    if 0 < more {
        texts.push(format!("{more} more {kind} annotations omitted"));
    }
    texts
}

/// By how much the buckets of classic histograms fell although they must not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Forced {
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    pub(crate) lowest_bucket: f64,
    pub(crate) highest_bucket: f64,
    pub(crate) difference_max: f64,
    pub(crate) count: usize,
}

impl Forced {
    fn merge(&mut self, other: &Self) {
        self.first_ms = self.first_ms.min(other.first_ms);
        self.last_ms = self.last_ms.max(other.last_ms);
        self.lowest_bucket = self.lowest_bucket.min(other.lowest_bucket);
        self.highest_bucket = self.highest_bucket.max(other.highest_bucket);
        self.difference_max = self.difference_max.max(other.difference_max);
        self.count += other.count;
    }
}

impl fmt::Display for Forced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = crate::functions::rfc3339;
        let (lowest, highest) = (shortest_g(self.lowest_bucket), shortest_g(self.highest_bucket));
        write!(f, "from buckets {lowest} to {highest}, with a max diff of {}", general(self.difference_max, 2))?;
        write!(f, ", over {} samples from {} to {}", self.count, time(self.first_ms), time(self.last_ms))
    }
}

/// The notes so far; each text once.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    warnings: RefCell<BTreeMap<String, Note>>,
    infos: RefCell<BTreeMap<String, Note>>,
}

impl Notes {
    pub(crate) fn warn(&self, span: Span, text: impl AsRef<str>) {
        let text = format!("PromQL warning: {}", text.as_ref());
        self.warnings.borrow_mut().insert(text.clone(), Note { text, span, forced: None });
    }

    pub(crate) fn info(&self, span: Span, text: impl AsRef<str>) {
        let text = format!("PromQL info: {}", text.as_ref());
        self.infos.borrow_mut().insert(text.clone(), Note { text, span, forced: None });
    }

    /// An info about buckets that fell; those of one text become one.
    pub(crate) fn forced(&self, span: Span, text: impl AsRef<str>, forced: Forced) {
        let text = format!("PromQL info: {}", text.as_ref());
        let mut infos = self.infos.borrow_mut();
        let note = infos.entry(text.clone()).or_insert_with(|| Note { text, span, forced: None });
        match &mut note.forced {
            Some(known) => known.merge(&forced),
            unknown => *unknown = Some(forced),
        }
    }

    /// Warnings and infos.
    pub(crate) fn take(&self) -> (Vec<Note>, Vec<Note>) {
        let (warnings, infos) = (self.warnings.take(), self.infos.take());
        (warnings.into_values().collect(), infos.into_values().collect())
    }
}
