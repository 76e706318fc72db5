//! Which keys were read, for the test that holds the readers against the tables.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

thread_local! {
    static PAUSED: Cell<bool> = const { Cell::new(false) };
    static READ: RefCell<BTreeSet<(&'static str, &'static str)>> = const { RefCell::new(BTreeSet::new()) };
}

/// Reads that only check do not count.
pub(crate) fn pause(paused: bool) {
    PAUSED.set(paused);
}

pub(crate) fn note(schema: &'static str, key: &'static str) {
    if !PAUSED.get() {
        READ.with_borrow_mut(|read| read.insert((schema, key)));
    }
}

/// Section and key of everything that this thread has read.
pub(crate) fn all() -> BTreeSet<(&'static str, &'static str)> {
    READ.with_borrow(Clone::clone)
}
