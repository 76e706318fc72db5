//! Alerts in, notifications out, with every timer as data.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{Alert, Labels, Timestamp};

use crate::alert_group::{AlertGroup, split};
use crate::alert_store::AlertStore;
use crate::config::{Config, Integration};
use crate::fingerprint::fingerprint;
use crate::notification::{AlertStatus, Notification, NotificationId, NotifiedAlert, common};
use crate::notification_log::{LogRecord, NotificationLog, Present, RETENTION_MS, log_key};
use crate::routes::Routes;
use crate::view::{AlertView, GroupView};

/// Alerts that are kept at the same time; further ones are refused, loudly.
pub const ALERTS_MAX: usize = 100_000;
/// Notifications that may be under way at the same time; further groups wait.
pub const IN_FLIGHT_MAX: usize = 1_000;
/// How often resolved alerts and expired log entries are forgotten, in milliseconds; Alertmanager's `--alerts.gc-interval`.
const GC_INTERVAL_MS: i64 = 30 * 60_000;
/// A receiver has at least this long, in milliseconds, however short group_interval is.
const DEADLINE_MS_MIN: i64 = 10_000;

/// Alertmanager's state, moved only by its caller: it has no clock, and what it returns is all that it does.
#[derive(Clone, Debug)]
pub struct Dispatcher {
    routes: Routes,
    integrations: BTreeMap<String, Vec<Integration>>,
    resolve_timeout_ms: i64,
    alerts: AlertStore,
    groups: BTreeMap<GroupId, AlertGroup>,
    log: NotificationLog,
    in_flight: BTreeMap<NotificationId, InFlight>,
    next_id: u64,
    next_gc_at: Option<Timestamp>,
}

/// A route's index, and the group's labels.
type GroupId = (usize, Labels);

#[derive(Clone, Debug)]
struct InFlight {
    group: GroupId,
    log_key: String,
    sequence: u64,
    firing: BTreeSet<u64>,
    resolved: BTreeSet<u64>,
    repeat_interval_ms: i64,
}

/// What there is to do at a moment.
#[derive(Clone, Debug, Default)]
pub struct Due {
    /// To be sent; each wants its [`Dispatcher::outcome`].
    pub notifications: Vec<Notification>,
    /// To be made durable: what the log learns without anything being sent.
    pub records: Vec<LogRecord>,
    /// Keys of records that need not be kept any longer.
    pub forgotten: Vec<String>,
}

/// What became of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Sent,
    /// It does not; the group's next look tries again.
    Failed,
}

/// What became of the alerts that came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// How many were taken.
    pub accepted: usize,
    /// How many were new and did not fit into [`ALERTS_MAX`].
    pub refused: usize,
}

impl Dispatcher {
    /// A dispatcher that knows of no alerts yet, only of what was told before a restart.
    pub fn new(config: &Config, told: impl IntoIterator<Item = LogRecord>) -> Self {
        let mut log = NotificationLog::default();
        told.into_iter().for_each(|record| log.put(record));
        Self {
            routes: Routes::new(&config.route),
            integrations: integrations(config),
            resolve_timeout_ms: config.resolve_timeout_ms,
            alerts: AlertStore::default(),
            groups: BTreeMap::new(),
            log,
            in_flight: BTreeMap::new(),
            next_id: 0,
            next_gc_at: None,
        }
    }

    /// Routes by another configuration. Alerts and log stay; groups are made anew from the alerts, and the log keeps them
    /// from being notified again. Notifications that are under way still count when they arrive.
    pub fn reload(&mut self, config: &Config, at: Timestamp) {
        self.routes = Routes::new(&config.route);
        self.integrations = integrations(config);
        self.resolve_timeout_ms = config.resolve_timeout_ms;
        self.groups.clear();
        let alerts: Vec<Arc<Alert>> = self.alerts.iter().map(|stored| Arc::clone(&stored.alert)).collect();
        alerts.iter().for_each(|alert| self.route(alert, at));
    }

    /// Takes alerts in. An `ends_at` of [`Timestamp::MAX`] says that the sender named no end: the alert then ends
    /// `resolve_timeout` after `at`, unless it is renewed.
    pub fn receive(&mut self, alerts: Vec<Alert>, at: Timestamp) -> Received {
        self.next_gc_at.get_or_insert(at + GC_INTERVAL_MS);
        let mut received = Received::default();
        for alert in alerts {
            if ALERTS_MAX <= self.alerts.len() && !self.alerts.contains(&alert.labels) {
                received.refused += 1;
                continue;
            }
            received.accepted += 1;
            let alert = self.alerts.put(alert, self.resolve_timeout_ms, at);
            self.route(&alert, at);
        }
        received
    }

    fn route(&mut self, alert: &Arc<Alert>, at: Timestamp) {
        for route in self.routes.matching(&alert.labels) {
            let labels = route.group_labels(&alert.labels);
            let id = (route.index, labels.clone());
            let group = self.groups.entry(id).or_insert_with(|| AlertGroup::new(Arc::clone(route), labels, at));
            if group.is_over(at) {
                *group = AlertGroup::new(Arc::clone(route), group.labels.clone(), at);
            }
            group.insert(Arc::clone(alert), at);
        }
    }

    /// When [`Dispatcher::due`] has something to do next, `None` until alerts come in or an outcome is known.
    pub fn next_due(&self) -> Option<Timestamp> {
        let groups = self.groups.values().filter(|_| self.has_room()).filter_map(AlertGroup::due_at);
        groups.chain(self.next_gc_at).min()
    }

    /// Looks at the groups whose time has come.
    pub fn due(&mut self, at: Timestamp) -> Due {
        let mut due = Due::default();
        let mut ready: Vec<(Timestamp, GroupId)> = self
            .groups
            .iter()
            .filter_map(|(id, group)| Some((group.due_at()?, id.clone())))
            .filter(|(due_at, _)| *due_at <= at)
            .collect();
        ready.sort();
        for (_, id) in ready {
            if !self.has_room() {
                break;
            }
            self.flush(&id, at, &mut due);
        }
        if self.next_gc_at.is_some_and(|gc_at| gc_at <= at) {
            self.next_gc_at = Some(at + GC_INTERVAL_MS);
            due.forgotten = self.forget(at);
        }
        due
    }

    /// Takes what became of a notification; returns what must be durable before it counts as sent.
    pub fn outcome(&mut self, id: NotificationId, outcome: Outcome, at: Timestamp) -> Option<LogRecord> {
        let Some(flight) = self.in_flight.remove(&id) else { return None };
        if let Some(group) = self.groups.get_mut(&flight.group) {
            group.settle(id, outcome == Outcome::Failed, at);
        }
        match outcome {
            Outcome::Sent => {
                let record = said(flight, at);
                self.log.put(record.clone());
                Some(record)
            }
            Outcome::Failed => None,
        }
    }

    /// The alerts that fire at `at`, by labels.
    pub fn alerts(&self, at: Timestamp) -> Vec<AlertView> {
        let firing = self.alerts.iter().filter(|stored| !stored.alert.is_resolved(at));
        firing.map(|stored| self.view(&stored.alert, stored.updated_at)).collect()
    }

    /// The groups with alerts that fire at `at`, in the order of the routes.
    pub fn groups(&self, at: Timestamp) -> Vec<GroupView> {
        let views = self.groups.values().map(|group| {
            let firing = group.alerts().filter(|alert| !alert.is_resolved(at));
            let updated_at = |alert: &Alert| self.alerts.get(&alert.labels).map_or(at, |stored| stored.updated_at);
            GroupView {
                key: group.key.clone(),
                labels: group.labels.clone(),
                receiver: group.route.receiver.clone(),
                alerts: firing.map(|alert| self.view(alert, updated_at(alert))).collect(),
                next_flush_at: group.due_at(),
            }
        });
        views.filter(|view| !view.alerts.is_empty()).collect()
    }

    fn view(&self, alert: &Arc<Alert>, updated_at: Timestamp) -> AlertView {
        let mut receivers: Vec<String> = Vec::new();
        for route in self.routes.matching(&alert.labels) {
            if !receivers.contains(&route.receiver) {
                receivers.push(route.receiver.clone());
            }
        }
        AlertView { alert: Arc::clone(alert), fingerprint: fingerprint(&alert.labels), receivers, updated_at }
    }

    fn has_room(&self) -> bool {
        self.in_flight.len() < IN_FLIGHT_MAX
    }

    fn flush(&mut self, id: &GroupId, at: Timestamp, due: &mut Due) {
        let Some(group) = self.groups.get_mut(id) else { return };
        if group.is_over(at) {
            self.groups.remove(id);
            return;
        }
        let alerts = group.flush(at);
        let (firing, resolved) = split(&alerts, at);
        let mut pending = BTreeSet::new();
        let integrations = self.integrations.get(&group.route.receiver).map(Vec::as_slice).unwrap_or_default();
        for (integration, about) in integrations.iter().enumerate() {
            let log_key = log_key(&group.key, &group.route.receiver, integration);
            let repeat_interval_ms = group.route.repeat_interval_ms;
            let send_resolved = about.send_resolved;
            let present =
                Present { firing: &firing, resolved: &resolved, send_resolved, repeat_interval_ms, at };
            let Some(reason) = self.log.reason(&log_key, &present) else { continue };
            let sequence = self.log.sequence(&log_key) + 1;
            let (firing, resolved) = (firing.clone(), resolved.clone());
            let flight =
                InFlight { group: id.clone(), log_key, sequence, firing, resolved, repeat_interval_ms };
            if flight.firing.is_empty() && !send_resolved {
                // The receiver does not want to know, but the log must.
                let record = said(flight, at);
                self.log.put(record.clone());
                due.records.push(record);
                continue;
            }
            let notified = alerts.iter().map(|alert| NotifiedAlert::new(Arc::clone(alert), at));
            let notified: Vec<NotifiedAlert> =
                notified.filter(|alert| send_resolved || alert.status == AlertStatus::Firing).collect();
            let id = NotificationId(self.next_id);
            self.next_id += 1;
            due.notifications.push(Notification {
                id,
                group_key: group.key.clone(),
                receiver: group.route.receiver.clone(),
                integration,
                status: if flight.firing.is_empty() { AlertStatus::Resolved } else { AlertStatus::Firing },
                group_labels: group.labels.clone(),
                common_labels: common(notified.iter().map(|notified| &notified.alert.labels)),
                common_annotations: common(notified.iter().map(|notified| &notified.alert.annotations)),
                alerts: notified,
                reason,
                truncated: 0,
                sequence,
                at,
                deadline: at + group.route.group_interval_ms.max(DEADLINE_MS_MIN),
            });
            pending.insert(id);
            self.in_flight.insert(id, flight);
        }
        group.take_off(pending, &alerts, at);
    }

    fn forget(&mut self, at: Timestamp) -> Vec<String> {
        self.alerts.forget_resolved(at);
        let alive: BTreeSet<&str> = self.groups.values().map(|group| group.key.as_str()).collect();
        self.log.forget_expired(at, &alive)
    }
}

fn said(flight: InFlight, at: Timestamp) -> LogRecord {
    let InFlight { log_key: key, sequence, firing, resolved, repeat_interval_ms, .. } = flight;
    let expires_at = at + RETENTION_MS.min(repeat_interval_ms.saturating_mul(2));
    LogRecord { key, at, expires_at, sequence, firing, resolved }
}

fn integrations(config: &Config) -> BTreeMap<String, Vec<Integration>> {
    config.receivers.iter().map(|receiver| (receiver.name.clone(), receiver.integrations.clone())).collect()
}
