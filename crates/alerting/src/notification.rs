//! What is to be told, and the note that it was.

use std::collections::BTreeSet;

use model::{Alert, Labels, Timestamp};

/// Something to tell one receiver in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Whom.
    pub receiver: String,
    /// In which of its ways, counted from 0.
    pub integration: usize,
    /// What identifies the group, as Alertmanager writes it: `{}:{alertname="Hot"}`.
    pub group_key: String,
    /// The labels that the group's alerts were grouped by.
    pub group_labels: Labels,
    /// The moment of the decision.
    pub at: Timestamp,
    /// Why now.
    pub reason: Reason,
    /// Alerts that fire, in the order of their labels.
    pub firing: Vec<Alert>,
    /// Alerts that have ended; empty if the receiver does not want to hear of them.
    pub resolved: Vec<Alert>,
    /// The note to make durable once it was told.
    pub record: LogRecord,
    /// Until when it may be tried again; then the group's next turn comes.
    pub retry_until: Timestamp,
}

/// Why a notification is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The group was never told of.
    First,
    /// An alert began to fire.
    NewFiring,
    /// An alert has ended.
    Resolved,
    /// Nothing changed for the repeat interval.
    Repeat,
}

impl Notification {
    /// `firing` if anything fires, else `resolved`.
    pub const fn status(&self) -> &'static str {
        if self.firing.is_empty() { "resolved" } else { "firing" }
    }

    /// All alerts, those that fire first.
    pub fn alerts(&self) -> impl Iterator<Item = (&Alert, bool)> {
        let firing = self.firing.iter().map(|alert| (alert, true));
        firing.chain(self.resolved.iter().map(|alert| (alert, false)))
    }

    /// Labels that all alerts share.
    pub fn common_labels(&self) -> Labels {
        common(self.alerts().map(|(alert, _)| &alert.labels))
    }

    /// Annotations that all alerts share.
    pub fn common_annotations(&self) -> Labels {
        common(self.alerts().map(|(alert, _)| &alert.annotations))
    }
}

fn common<'a>(mut sets: impl Iterator<Item = &'a Labels>) -> Labels {
    let Some(first) = sets.next() else { return Labels::empty() };
    let mut kept: Vec<(&str, &str)> = first.iter().collect();
    for set in sets {
        kept.retain(|(name, value)| set.get(name) == Some(value));
    }
    Labels::from_pairs(kept)
}

/// A note in the notification log: what a receiver was told last of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// Group, receiver and way.
    pub key: String,
    /// When it was told.
    pub at: Timestamp,
    /// Hashes of the alerts that it was told fire, and of those that it was told have ended.
    pub firing: BTreeSet<u64>,
    /// See `firing`.
    pub resolved: BTreeSet<u64>,
    /// When the note is of no more use.
    pub expires_at: Timestamp,
}

impl LogRecord {
    /// The note without its key, as bytes: version u8, then numbers of 8 bytes, little endian: at, expires, count of firing,
    /// their hashes, hashes of resolved.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![1];
        out.extend(self.at.as_ms().to_le_bytes());
        out.extend(self.expires_at.as_ms().to_le_bytes());
        out.extend((self.firing.len() as u64).to_le_bytes());
        for hash in self.firing.iter().chain(&self.resolved) {
            out.extend(hash.to_le_bytes());
        }
        out
    }

    /// The note from its key and [`Self::to_bytes`]; `None` if the bytes are something else.
    pub fn from_bytes(key: &str, bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&[1])?;
        let (numbers, odd) = rest.as_chunks::<8>();
        if !odd.is_empty() {
            return None;
        }
        let [at, expires, count, hashes @ ..] = numbers else { return None };
        let count = usize::try_from(u64::from_le_bytes(*count)).ok()?;
        let (firing, resolved) = hashes.split_at_checked(count)?;
        let set = |hashes: &[[u8; 8]]| hashes.iter().map(|hash| u64::from_le_bytes(*hash)).collect();
        Some(Self {
            key: key.to_owned(),
            at: Timestamp::from_ms(i64::from_le_bytes(*at)),
            firing: set(firing),
            resolved: set(resolved),
            expires_at: Timestamp::from_ms(i64::from_le_bytes(*expires)),
        })
    }
}
