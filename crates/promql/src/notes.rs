//! Warnings and infos that an evaluation leaves beside its answer.

use std::cell::RefCell;
use std::collections::BTreeSet;

/// Notes of each kind that an answer carries; the others are counted.
const NOTES_MAX: usize = 10;

/// The notes so far; each text once.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    warnings: RefCell<BTreeSet<String>>,
    infos: RefCell<BTreeSet<String>>,
}

impl Notes {
    pub(crate) fn warn(&self, text: impl AsRef<str>) {
        self.warnings.borrow_mut().insert(format!("PromQL warning: {}", text.as_ref()));
    }

    pub(crate) fn info(&self, text: impl AsRef<str>) {
        self.infos.borrow_mut().insert(format!("PromQL info: {}", text.as_ref()));
    }

    /// Warnings and infos.
    pub(crate) fn take(&self) -> (Vec<String>, Vec<String>) {
        (bounded(self.warnings.take(), "warning"), bounded(self.infos.take(), "info"))
    }
}

fn bounded(notes: BTreeSet<String>, kind: &str) -> Vec<String> {
    let more = notes.len().saturating_sub(NOTES_MAX);
    let mut kept: Vec<String> = notes.into_iter().take(NOTES_MAX).collect();
    if 0 < more {
        kept.push(format!("{more} more {kind} annotations omitted"));
    }
    kept
}
