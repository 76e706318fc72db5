//! The alerts that are known, each label set once, merged as Alertmanager merges them.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Alert, Labels, Timestamp};

/// An alert with what its merging needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) alert: Arc<Alert>,
    pub(crate) updated_at: Timestamp,
    /// Whether its end is only resolve_timeout, because its sender named none.
    timeout: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct AlertStore(BTreeMap<Labels, Stored>);

impl AlertStore {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn contains(&self, labels: &Labels) -> bool {
        self.0.contains_key(labels)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Stored> {
        self.0.values()
    }

    pub(crate) fn get(&self, labels: &Labels) -> Option<&Stored> {
        self.0.get(labels)
    }

    /// Takes an alert in; what it is now.
    pub(crate) fn put(&mut self, mut alert: Alert, resolve_timeout_ms: i64, at: Timestamp) -> Arc<Alert> {
        let timeout = alert.ends_at == Timestamp::MAX;
        if timeout {
            alert.ends_at = at + resolve_timeout_ms;
        }
        if let Some(old) = self.0.get(&alert.labels)
            && overlaps(&alert, &old.alert)
        {
            merge(&mut alert, old, at);
        }
        let alert = Arc::new(alert);
        let stored = Stored { alert: Arc::clone(&alert), updated_at: at, timeout };
        self.0.insert(alert.labels.clone(), stored);
        alert
    }

    pub(crate) fn forget_resolved(&mut self, at: Timestamp) {
        self.0.retain(|_, stored| !stored.alert.is_resolved(at));
    }
}

/// Whether the new alert begins or ends inside the old one; one that only repeats it replaces it.
fn overlaps(new: &Alert, old: &Alert) -> bool {
    let inside = |moment: Timestamp| old.starts_at < moment && moment < old.ends_at;
    inside(new.starts_at) || inside(new.ends_at)
}

/// The earliest start wins; of two ends the later one, unless the old one was only a timeout, or the new one is resolved
/// and the old is not.
fn merge(new: &mut Alert, old: &Stored, at: Timestamp) {
    new.starts_at = new.starts_at.min(old.alert.starts_at);
    let old_end_counts = if new.is_resolved(at) { old.alert.is_resolved(at) } else { !old.timeout };
    if old_end_counts {
        new.ends_at = new.ends_at.max(old.alert.ends_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT_MS: i64 = 300;

    /// Two alerts with the same labels, the second one at 1,000; where they begin and end together.
    fn check(old: (i64, i64), new: (i64, i64), expected: (i64, i64)) {
        let alert = |(starts_at, ends_at): (i64, i64)| Alert {
            labels: Labels::from_pairs([("alertname", "a")]),
            annotations: Labels::empty(),
            starts_at: Timestamp::from_ms(starts_at),
            ends_at: Timestamp::from_ms(ends_at),
            generator_url: String::new(),
        };
        let mut store = AlertStore::default();
        store.put(alert(old), TIMEOUT_MS, Timestamp::from_ms(900));
        let now = store.put(alert(new), TIMEOUT_MS, Timestamp::from_ms(1_000));
        assert_eq!((now.starts_at.as_ms(), now.ends_at.as_ms()), expected, "{old:?} {new:?}");
        assert_eq!(store.len(), 1);
    }

    #[test]
    fn alerts_with_the_same_labels_merge() {
        const NOBODY_SAID: i64 = i64::MAX;
        // Renewed: the same start, a later end.
        check((500, 1_200), (500, 1_300), (500, 1_300));
        // The earliest start counts.
        check((500, 1_200), (600, 1_300), (500, 1_300));
        // An explicit end that is later stays.
        check((500, 2_000), (600, 1_300), (500, 2_000));
        // A timeout's does not.
        check((500, NOBODY_SAID), (600, 1_100), (500, 1_100));
        check((500, NOBODY_SAID), (500, NOBODY_SAID), (500, 1_300));
        // Resolved by its sender, before the end that was announced.
        check((500, 2_000), (500, 1_000), (500, 1_000));
        // Both resolved: the later end.
        check((500, 990), (500, 980), (500, 990));
        // It fires anew after its end: another alert.
        check((500, 700), (950, 2_000), (950, 2_000));
    }
}
