//! What a receiver is told: a group's alerts at one moment, and why now.

use std::sync::Arc;

use model::{Alert, Labels, Timestamp};

use crate::fingerprint::{Fnv, fingerprint};

/// Names a notification between [`crate::Dispatcher::due`] and [`crate::Dispatcher::outcome`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NotificationId(pub(crate) u64);

/// Something to send now, through one integration of one receiver.
#[derive(Clone, Debug)]
pub struct Notification {
    /// To say later what became of it.
    pub id: NotificationId,
    /// The group, as the log and webhooks name it.
    pub group_key: String,
    /// Who is notified.
    pub receiver: String,
    /// Which of the receiver's integrations, counted from 0.
    pub integration: usize,
    /// Firing if any alert is.
    pub status: AlertStatus,
    /// The alerts in Alertmanager's order: by job, by instance, then by labels. Resolved ones only where the integration
    /// sends them.
    pub alerts: Vec<NotifiedAlert>,
    /// What made the group.
    pub group_labels: Labels,
    /// Labels that all alerts share.
    pub common_labels: Labels,
    /// Annotations that all alerts share.
    pub common_annotations: Labels,
    /// Why now.
    pub reason: Reason,
    /// How many alerts were left out of `alerts`.
    pub truncated: usize,
    /// How many notifications of this group this integration has had, this one included.
    pub sequence: u64,
    /// When the group was looked at.
    pub at: Timestamp,
    /// When trying makes no sense any more, because the group is looked at again.
    pub deadline: Timestamp,
}

/// An alert as it stood when its group was looked at.
#[derive(Clone, Debug)]
pub struct NotifiedAlert {
    /// The alert; its `ends_at` has happened only if it is resolved.
    pub alert: Arc<Alert>,
    /// Whether it fires.
    pub status: AlertStatus,
    /// Its identity as a number.
    pub fingerprint: u64,
}

/// Whether an alert fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertStatus {
    /// It fires.
    Firing,
    /// It no longer does.
    Resolved,
}

impl AlertStatus {
    /// `firing` or `resolved`
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// Why a group is notified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The receiver has not heard of the group.
    FirstNotification,
    /// Alerts fire that the last notification did not name.
    NewAlerts,
    /// Nothing fires any more.
    AllResolved,
    /// Some alerts are resolved that the last notification did not call so.
    SomeResolved,
    /// Nothing has changed for `repeat_interval`.
    RepeatInterval,
}

impl Reason {
    /// The words that webhooks carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstNotification => "first notification",
            Self::NewAlerts => "new alerts added",
            Self::AllResolved => "all alerts resolved",
            Self::SomeResolved => "some alerts resolved",
            Self::RepeatInterval => "repeat interval elapsed",
        }
    }
}

impl Notification {
    /// The alerts that fire.
    pub fn firing(&self) -> impl Iterator<Item = &NotifiedAlert> {
        self.alerts.iter().filter(|alert| alert.status == AlertStatus::Firing)
    }

    /// The alerts that no longer do.
    pub fn resolved(&self) -> impl Iterator<Item = &NotifiedAlert> {
        self.alerts.iter().filter(|alert| alert.status == AlertStatus::Resolved)
    }

    /// A number for what is said: the same after a crash between sending and logging, another for a later notification.
    ///
    /// It counts the notifications of the group and the moments at which its alerts began and ended, because a mail
    /// server may drop a mail whose identity it has seen, and an alert that comes back after the log has forgotten it
    /// must arrive.
    pub fn content_id(&self) -> u64 {
        let mut hash = Fnv::default();
        for text in [&self.group_key, &self.receiver] {
            hash.write(text.as_bytes());
            hash.write(&[0xff]);
        }
        hash.write(&(self.integration as u64).to_be_bytes());
        hash.write(&self.sequence.to_be_bytes());
        for NotifiedAlert { alert, status, fingerprint } in &self.alerts {
            hash.write(&fingerprint.to_be_bytes());
            hash.write(&alert.starts_at.as_ms().to_be_bytes());
            match status {
                AlertStatus::Firing => hash.write(&[0]),
                AlertStatus::Resolved => hash.write(&alert.ends_at.as_ms().to_be_bytes()),
            }
        }
        hash.0
    }
}

impl NotifiedAlert {
    pub(crate) fn new(alert: Arc<Alert>, at: Timestamp) -> Self {
        let status = if alert.is_resolved(at) { AlertStatus::Resolved } else { AlertStatus::Firing };
        let fingerprint = fingerprint(&alert.labels);
        Self { alert, status, fingerprint }
    }
}

/// The pairs that all sets have.
pub(crate) fn common<'a>(mut sets: impl Iterator<Item = &'a Labels>) -> Labels {
    let Some(first) = sets.next() else { return Labels::empty() };
    sets.fold(first.clone(), |common, set| common.filtered(|name| common.get(name) == set.get(name)))
}
