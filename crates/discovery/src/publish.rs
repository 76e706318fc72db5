//! The one way in which a discovery tells what it knows.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use crate::{Found, TargetGroup};

/// The writing end of a discovery.
#[derive(Debug)]
pub(crate) struct Publisher {
    sender: watch::Sender<Found>,
    /// Whether anything was told yet: the first answer is news even if it is empty.
    told: AtomicBool,
}

impl Publisher {
    pub(crate) const fn new(sender: watch::Sender<Found>) -> Self {
        Self { sender, told: AtomicBool::new(false) }
    }

    /// All went well: these groups replace those of before.
    pub(crate) fn success(&self, groups: Vec<TargetGroup>) {
        self.partly(groups, None, Vec::new());
    }

    /// Nothing was learned: the groups of before stay.
    pub(crate) fn failure(&self, error: String) {
        self.tell(|found| note_error(found, error));
    }

    /// What is known now, although some of it could not be asked again.
    pub(crate) fn partly(&self, groups: Vec<TargetGroup>, error: Option<String>, notes: Vec<String>) {
        self.tell(|found| {
            found.groups = groups;
            found.notes = notes;
            match error {
                Some(error) => note_error(found, error),
                None => found.error = None,
            }
        });
    }

    /// Wakes the readers only if there is something new to read.
    fn tell(&self, change: impl FnOnce(&mut Found)) {
        let first = !self.told.swap(true, Ordering::Relaxed);
        self.sender.send_if_modified(|found| {
            let before = found.clone();
            change(found);
            first || before != *found
        });
    }
}

/// Counts each failure; logs it only when it is not the one of before, so that a server that is away is one line.
fn note_error(found: &mut Found, error: String) {
    if found.error.as_ref() != Some(&error) {
        tracing::warn!(%error, "discovery failed");
    }
    found.error = Some(error);
    found.failures += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_what_was_known() {
        let (sender, receiver) = watch::channel(Found::default());
        let publisher = Publisher::new(sender);
        let group = TargetGroup { source: "a".to_owned(), ..TargetGroup::default() };
        publisher.success(vec![group.clone()]);
        publisher.failure("away".to_owned());
        publisher.failure("away".to_owned());
        let expected = Found { groups: vec![group], error: Some("away".to_owned()), failures: 2, notes: Vec::new() };
        assert_eq!(*receiver.borrow(), expected);
        publisher.success(Vec::new());
        assert_eq!(*receiver.borrow(), Found { failures: 2, ..Found::default() });
    }
    #[test]
    fn readers_are_woken_by_the_first_answer_and_by_changes() {
        let (sender, mut receiver) = watch::channel(Found::default());
        let publisher = Publisher::new(sender);
        let mut woken = |publish: &dyn Fn(&Publisher)| {
            publish(&publisher);
            let woken = receiver.has_changed().unwrap();
            receiver.mark_unchanged();
            woken
        };
        let group = TargetGroup { source: "a".to_owned(), ..TargetGroup::default() };
        assert!(woken(&|publisher| publisher.success(Vec::new())));
        assert!(!woken(&|publisher| publisher.success(Vec::new())));
        assert!(woken(&|publisher| publisher.success(vec![group.clone()])));
        assert!(!woken(&|publisher| publisher.success(vec![group.clone()])));
        assert!(woken(&|publisher| publisher.failure("away".to_owned())));
    }
}
