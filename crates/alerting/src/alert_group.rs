//! The alerts of one route that are notified together, and when that happens next.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{Alert, Labels, Timestamp};

use crate::fingerprint::fingerprint;
use crate::notification::NotificationId;
use crate::routes::ResolvedRoute;

/// How long a group without alerts keeps its timers, in milliseconds; Alertmanager's `--dispatch.maintenance-interval`.
pub(crate) const EMPTY_KEPT_MS: i64 = 30_000;

#[derive(Clone, Debug)]
pub(crate) struct AlertGroup {
    pub(crate) route: Arc<ResolvedRoute>,
    pub(crate) labels: Labels,
    pub(crate) key: String,
    alerts: BTreeMap<Labels, Arc<Alert>>,
    pub(crate) next_flush_at: Timestamp,
    flushed: bool,
    /// The last flush, while a receiver is still being told.
    flight: Option<Flight>,
    empty_since: Option<Timestamp>,
}

#[derive(Clone, Debug)]
struct Flight {
    pending: BTreeSet<NotificationId>,
    resolved: Vec<Arc<Alert>>,
    failed: bool,
}

impl AlertGroup {
    pub(crate) fn new(route: Arc<ResolvedRoute>, labels: Labels, at: Timestamp) -> Self {
        Self {
            key: route.group_key(&labels),
            next_flush_at: at + route.group_wait_ms,
            route,
            labels,
            alerts: BTreeMap::new(),
            flushed: false,
            flight: None,
            empty_since: None,
        }
    }

    pub(crate) fn insert(&mut self, alert: Arc<Alert>, at: Timestamp) {
        // An alert that has waited elsewhere, such as before a restart, does not wait again.
        if !self.flushed && alert.starts_at + self.route.group_wait_ms < at {
            self.next_flush_at = self.next_flush_at.min(at);
        }
        self.empty_since = None;
        self.alerts.insert(alert.labels.clone(), alert);
    }

    pub(crate) fn alerts(&self) -> impl Iterator<Item = &Arc<Alert>> {
        self.alerts.values()
    }

    /// When it wants to be looked at, `None` while a receiver is still being told.
    pub(crate) fn due_at(&self) -> Option<Timestamp> {
        match (&self.flight, self.empty_since) {
            (Some(_), _) => None,
            (None, Some(since)) => Some(self.next_flush_at.min(since + EMPTY_KEPT_MS)),
            (None, None) => Some(self.next_flush_at),
        }
    }

    /// Whether it has been empty for long enough to be forgotten.
    pub(crate) fn is_over(&self, at: Timestamp) -> bool {
        self.flight.is_none() && self.empty_since.is_some_and(|since| since + EMPTY_KEPT_MS <= at)
    }

    /// Arms the timer and returns the alerts, sorted.
    pub(crate) fn flush(&mut self, at: Timestamp) -> Vec<Arc<Alert>> {
        self.next_flush_at = at + self.route.group_interval_ms;
        self.flushed = true;
        let mut alerts: Vec<Arc<Alert>> = self.alerts.values().map(Arc::clone).collect();
        alerts.sort_by(|a, b| by_job_and_instance(&a.labels, &b.labels));
        alerts
    }

    /// Receivers are being told; none of them, and the flush is over.
    pub(crate) fn take_off(&mut self, pending: BTreeSet<NotificationId>, alerts: &[Arc<Alert>], at: Timestamp) {
        let resolved = alerts.iter().filter(|alert| alert.is_resolved(at)).map(Arc::clone).collect();
        let flight = Flight { pending, resolved, failed: false };
        self.flight = Some(flight);
        self.land_if_done(at);
    }

    /// A receiver has been told, or not.
    pub(crate) fn settle(&mut self, id: NotificationId, failed: bool, at: Timestamp) {
        if let Some(flight) = &mut self.flight {
            flight.pending.remove(&id);
            flight.failed |= failed;
            self.land_if_done(at);
        }
    }

    /// Once everybody knows, resolved alerts go; but not one that has been renewed meanwhile.
    fn land_if_done(&mut self, at: Timestamp) {
        let Some(flight) = self.flight.take_if(|flight| flight.pending.is_empty()) else { return };
        if !flight.failed {
            for told in flight.resolved {
                if self.alerts.get(&told.labels).is_some_and(|now| Arc::ptr_eq(now, &told)) {
                    self.alerts.remove(&told.labels);
                }
            }
        }
        if self.alerts.is_empty() {
            self.empty_since.get_or_insert(at);
        }
    }
}

/// The fingerprints of those that fire, and of those that no longer do.
pub(crate) fn split(alerts: &[Arc<Alert>], at: Timestamp) -> (BTreeSet<u64>, BTreeSet<u64>) {
    let (resolved, firing): (Vec<&Arc<Alert>>, _) = alerts.iter().partition(|alert| alert.is_resolved(at));
    let numbers = |alerts: Vec<&Arc<Alert>>| alerts.iter().map(|alert| fingerprint(&alert.labels)).collect();
    (numbers(firing), numbers(resolved))
}

/// Alertmanager's order: by job, by instance (an alert without one comes last), fewer labels first, then label by label.
fn by_job_and_instance(a: &Labels, b: &Labels) -> Ordering {
    for name in ["job", "instance"] {
        let order = match (a.get(name), b.get(name)) {
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (a, b) => a.cmp(&b),
        };
        if order.is_ne() {
            return order;
        }
    }
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}
