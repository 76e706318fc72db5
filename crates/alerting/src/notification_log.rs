//! What receivers were told last: the memory that keeps a notification from being sent twice, across restarts.

use std::collections::{BTreeMap, BTreeSet};

use model::Timestamp;

use crate::Reason;

/// How long the log remembers at most, in milliseconds: Alertmanager's `--data.retention`, 120 h.
pub const RETENTION_MS: i64 = 120 * 3_600_000;

/// What a receiver was told last of a group, by one integration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// Group, receiver and integration, by lines.
    pub key: String,
    /// When it had been told.
    pub at: Timestamp,
    /// When the record may be forgotten.
    pub expires_at: Timestamp,
    /// How many notifications of the group there have been.
    pub sequence: u64,
    /// The fingerprints of the alerts that fired.
    pub firing: BTreeSet<u64>,
    /// The fingerprints of those that no longer did.
    pub resolved: BTreeSet<u64>,
}

/// The name of a record: the group's key, the receiver and the integration, by lines; receivers have no line breaks in
/// their names, and group keys quote theirs.
pub(crate) fn log_key(group_key: &str, receiver: &str, integration: usize) -> String {
    format!("{group_key}\n{receiver}\n{integration}")
}

/// The group's key in the name of a record.
fn group_key(log_key: &str) -> &str {
    log_key.split('\n').next().unwrap_or_default()
}

/// The log in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct NotificationLog(BTreeMap<String, LogRecord>);

/// What a group looks like now.
#[derive(Debug)]
pub(crate) struct Present<'a> {
    pub(crate) firing: &'a BTreeSet<u64>,
    pub(crate) resolved: &'a BTreeSet<u64>,
    pub(crate) send_resolved: bool,
    pub(crate) repeat_interval_ms: i64,
    pub(crate) at: Timestamp,
}

impl NotificationLog {
    pub(crate) fn put(&mut self, record: LogRecord) {
        self.0.insert(record.key.clone(), record);
    }

    /// How many notifications there have been.
    pub(crate) fn sequence(&self, key: &str) -> u64 {
        self.0.get(key).map_or(0, |record| record.sequence)
    }

    /// Why the receiver must be told, `None` if it knows. Alertmanager's `needsUpdate`.
    pub(crate) fn reason(&self, key: &str, present: &Present<'_>) -> Option<Reason> {
        let Some(told) = self.0.get(key) else {
            return (!present.firing.is_empty()).then_some(Reason::FirstNotification);
        };
        if !present.firing.is_subset(&told.firing) {
            return Some(Reason::NewAlerts);
        }
        if present.firing.is_empty() {
            // Also where send_resolved is off: if the log did not learn of the end, the alert's next beginning would be
            // no news. What fired and ended since the last notification, the receiver does not know.
            return (!told.firing.is_empty()).then_some(Reason::AllResolved);
        }
        if present.send_resolved && !present.resolved.is_subset(&told.resolved) {
            return Some(Reason::SomeResolved);
        }
        (told.at < present.at - present.repeat_interval_ms).then_some(Reason::RepeatInterval)
    }

    /// Forgets expired records, but for those of groups that live: they need the sequence, however long a receiver has
    /// been away. The keys of what is forgotten.
    pub(crate) fn forget_expired(&mut self, at: Timestamp, alive: &BTreeSet<&str>) -> Vec<String> {
        let over = |key: &str, record: &LogRecord| record.expires_at <= at && !alive.contains(group_key(key));
        self.0.extract_if(.., |key, record| over(key, record)).map(|(key, _)| key).collect()
    }
}

/// The version of the layout below.
const VERSION: u8 = 2;

/// The layout on disk, for a store of keys and values. The key is [`LogRecord::key`] as it is. The value, its integers
/// big-endian and of 8 bytes:
///
/// ```text
/// version (1 byte), at (ms), expires_at (ms), sequence, count of firing, fingerprints of firing…, of resolved…
/// ```
impl LogRecord {
    /// The value, without the key.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend(self.at.as_ms().to_be_bytes());
        out.extend(self.expires_at.as_ms().to_be_bytes());
        out.extend(self.sequence.to_be_bytes());
        out.extend((self.firing.len() as u64).to_be_bytes());
        for fingerprint in self.firing.iter().chain(&self.resolved) {
            out.extend(fingerprint.to_be_bytes());
        }
        out
    }

    /// The record of a key and its value; `None` if the bytes are something else.
    pub fn from_bytes(key: &str, value: &[u8]) -> Option<Self> {
        let (numbers, rest) = value.strip_prefix(&[VERSION])?.as_chunks::<8>();
        let ([at, expires_at, sequence, count, fingerprints @ ..], []) = (numbers, rest) else { return None };
        let count = usize::try_from(u64::from_be_bytes(*count)).ok()?;
        let (firing, resolved) = fingerprints.split_at_checked(count)?;
        let moment = |bytes: &[u8; 8]| Timestamp::from_ms(i64::from_be_bytes(*bytes));
        let set = |list: &[[u8; 8]]| list.iter().map(|bytes| u64::from_be_bytes(*bytes)).collect();
        Some(Self {
            key: key.to_owned(),
            at: moment(at),
            expires_at: moment(expires_at),
            sequence: u64::from_be_bytes(*sequence),
            firing: set(firing),
            resolved: set(resolved),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(firing: &[u64], resolved: &[u64]) -> LogRecord {
        LogRecord {
            key: log_key("{}:{}", "ops", 0),
            at: Timestamp::from_ms(1_000),
            expires_at: Timestamp::from_ms(9_000),
            sequence: 3,
            firing: firing.iter().copied().collect(),
            resolved: resolved.iter().copied().collect(),
        }
    }

    #[test]
    fn who_needs_to_be_told() {
        let check =
            |told: Option<LogRecord>, firing: &[u64], resolved: &[u64], send_resolved, after_ms: i64, expected| {
                let mut log = NotificationLog::default();
                told.iter().for_each(|record| log.put(record.clone()));
                let now = record(firing, resolved);
                let (firing, resolved) = (&now.firing, &now.resolved);
                let at = Timestamp::from_ms(1_000 + after_ms);
                let present = Present { firing, resolved, send_resolved, repeat_interval_ms: 1_000, at };
                assert_eq!(log.reason(&now.key, &present), expected, "{told:?} {present:?}");
            };
        check(None, &[1], &[], true, 500, Some(Reason::FirstNotification));
        check(None, &[], &[1], true, 500, None);
        check(Some(record(&[1], &[])), &[1, 2], &[], true, 500, Some(Reason::NewAlerts));
        check(Some(record(&[1], &[])), &[], &[1], true, 500, Some(Reason::AllResolved));
        check(Some(record(&[1], &[])), &[], &[1], false, 500, Some(Reason::AllResolved));
        check(Some(record(&[], &[1])), &[], &[2], true, 500, None);
        check(Some(record(&[1, 2], &[])), &[1], &[2], true, 500, Some(Reason::SomeResolved));
        check(Some(record(&[1, 2], &[])), &[1], &[2], false, 500, None);
        check(Some(record(&[1], &[])), &[1], &[], true, 1_000, None);
        check(Some(record(&[1], &[])), &[1], &[], true, 1_001, Some(Reason::RepeatInterval));
    }

    #[test]
    fn the_layout_stays() {
        let record = record(&[4], &[5]);
        let value = record.to_bytes();
        let expected = [[0, 0, 0, 0, 0, 0, 3, 0xe8], [0, 0, 0, 0, 0, 0, 0x23, 0x28]].concat();
        assert_eq!(value[..17], [&[2], &expected[..]].concat());
        assert_eq!(value[17..], [3u64, 1, 4, 5].map(u64::to_be_bytes).concat());
        assert_eq!(LogRecord::from_bytes(&record.key, &value), Some(record.clone()));
        assert_eq!(LogRecord::from_bytes(&record.key, &value[1..]), None);
        assert_eq!(LogRecord::from_bytes(&record.key, &value[..value.len() - 1]), None);
        // A count beyond what is there.
        assert_eq!(LogRecord::from_bytes(&record.key, &value[..33]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_record_or_none(bytes: Vec<u8>) {
            if let Some(record) = LogRecord::from_bytes("k", &[&[VERSION], &bytes[..]].concat()) {
                prop_assert_eq!(LogRecord::from_bytes("k", &record.to_bytes()), Some(record));
            }
        }
    }

    #[test]
    fn expired_records_of_groups_that_live_stay() {
        let mut log = NotificationLog::default();
        let mut other = record(&[], &[]);
        other.key = log_key("{}:{a=\"b\"}", "ops", 0);
        log.put(other.clone());
        log.put(record(&[], &[]));
        let alive = BTreeSet::from(["{}:{}"]);
        assert_eq!(log.forget_expired(Timestamp::from_ms(8_999), &alive), [""; 0]);
        assert_eq!(log.forget_expired(Timestamp::from_ms(9_000), &alive), [other.key]);
        assert_eq!(log.sequence(&record(&[], &[]).key), 3);
    }
}
