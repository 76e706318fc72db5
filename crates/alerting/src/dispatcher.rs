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
        let flight = self.in_flight.remove(&id)?;
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
            let present = Present { firing: &firing, resolved: &resolved, send_resolved, repeat_interval_ms, at };
            let Some(reason) = self.log.reason(&log_key, &present) else { continue };
            let sequence = self.log.sequence(&log_key) + 1;
            let (firing, resolved) = (firing.clone(), resolved.clone());
            let flight = InFlight { group: id.clone(), log_key, sequence, firing, resolved, repeat_interval_ms };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GroupBy, Receiver, Route};

    const END: i64 = 99_999;

    fn config(send_resolved: &[bool]) -> Config {
        let route = Route {
            receiver: "mail".to_owned(),
            group_by: GroupBy::Labels(vec!["alertname".to_owned()]),
            group_wait_ms: 10_000,
            group_interval_ms: 60_000,
            repeat_interval_ms: 600_000,
            ..Route::default()
        };
        let integrations = send_resolved.iter().map(|send_resolved| Integration { send_resolved: *send_resolved });
        let receiver = Receiver { name: "mail".to_owned(), integrations: integrations.collect() };
        Config { route, receivers: vec![receiver], ..Config::default() }
    }

    fn alert(gpu: &str, starts_s: i64, ends_s: i64) -> Alert {
        Alert {
            labels: Labels::from_pairs([("alertname", "Hot"), ("gpu", gpu)]),
            annotations: Labels::empty(),
            starts_at: Timestamp::from_ms(starts_s * 1_000),
            ends_at: Timestamp::from_ms(ends_s * 1_000),
            generator_url: String::new(),
        }
    }

    fn told(notification: &Notification) -> String {
        let alerts = notification.alerts.iter().map(|alert| {
            let sign = if alert.status == AlertStatus::Firing { "" } else { "-" };
            format!("{sign}{}", alert.alert.labels.get("gpu").expect("a gpu"))
        });
        let alerts: Vec<String> = alerts.collect();
        let integration = if notification.integration == 0 { "" } else { " by the second" };
        format!("{:?} {}{integration}", notification.reason, alerts.join(","))
    }

    /// Plays alerts, given as (second, alert), second by second; what was told when. `outcome` says what becomes of it.
    fn play(
        dispatcher: &mut Dispatcher,
        alerts: &[(i64, Alert)],
        seconds: std::ops::Range<i64>,
        outcome: impl Fn(i64, &Notification) -> Outcome,
    ) -> Vec<String> {
        let mut course = Vec::new();
        for second in seconds {
            let at = Timestamp::from_ms(second * 1_000);
            let now = alerts.iter().filter(|(when, _)| *when == second).map(|(_, alert)| alert.clone());
            dispatcher.receive(now.collect(), at);
            let wanted = dispatcher.next_due().is_some_and(|due| due <= at);
            let due = dispatcher.due(at);
            assert!(wanted || due.notifications.is_empty() && due.records.is_empty(), "{second}: not announced");
            for notification in due.notifications {
                let outcome = outcome(second, &notification);
                let failed = if outcome == Outcome::Failed { " in vain" } else { "" };
                course.push(format!("{second} {}{failed}", told(&notification)));
                let record = dispatcher.outcome(notification.id, outcome, at);
                assert_eq!(record.is_some(), outcome == Outcome::Sent);
            }
        }
        course
    }

    fn sent(_: i64, _: &Notification) -> Outcome {
        Outcome::Sent
    }

    fn check(send_resolved: &[bool], alerts: &[(i64, Alert)], seconds: i64, expected: &[&str]) {
        let mut dispatcher = Dispatcher::new(&config(send_resolved), []);
        assert_eq!(play(&mut dispatcher, alerts, 0..seconds, sent), expected);
    }

    #[test]
    fn groups_wait_gather_and_repeat() {
        let alerts = [(0, alert("0", 0, END)), (5, alert("1", 5, END)), (20, alert("2", 20, END))];
        // Repeats come on the ticks of group_interval: told at 70, not yet older than 600 s at 670.
        let expected = ["10 FirstNotification 0,1", "70 NewAlerts 0,1,2", "730 RepeatInterval 0,1,2"];
        check(&[true], &alerts, 800, &expected);
    }

    #[test]
    fn the_end_is_told_at_the_next_tick() {
        let alerts =
            [(0, alert("0", 0, END)), (0, alert("1", 0, END)), (30, alert("0", 0, 30)), (80, alert("1", 0, 80))];
        let some = "70 SomeResolved -0,1";
        check(&[true], &alerts, 300, &["10 FirstNotification 0,1", some, "130 AllResolved -1"]);
        // An end by itself is no news where send_resolved is off, and resolved alerts are not shown.
        check(&[false], &alerts, 300, &["10 FirstNotification 0,1"]);
    }

    #[test]
    fn an_alert_that_comes_back_is_told_again() {
        let alerts = [(0, alert("0", 0, END)), (30, alert("0", 0, 30)), (100, alert("0", 100, END))];
        // At 70 the group became empty; it is gone at 100, so that group_wait counts anew.
        check(&[false], &alerts, 200, &["10 FirstNotification 0", "110 NewAlerts 0"]);
        check(&[true], &alerts, 200, &["10 FirstNotification 0", "70 AllResolved -0", "110 NewAlerts 0"]);
    }

    #[test]
    fn what_begins_and_ends_between_two_ticks_is_not_told() {
        let alerts = [(0, alert("0", 0, END)), (20, alert("1", 20, END)), (40, alert("1", 20, 40))];
        check(&[true], &alerts[..1], 100, &["10 FirstNotification 0"]);
        // The end of an alert that the receiver never heard of is told beside one that fires, as Alertmanager does.
        check(&[true], &alerts, 140, &["10 FirstNotification 0", "70 SomeResolved 0,-1"]);
        let alone = [(20, alert("1", 20, END)), (25, alert("1", 20, 25))];
        check(&[true], &alone, 300, &[]);
    }

    #[test]
    fn an_alert_that_has_waited_elsewhere_does_not_wait() {
        check(&[true], &[(100, alert("0", 0, END))], 120, &["100 FirstNotification 0"]);
        check(&[true], &[(100, alert("0", 95, END))], 120, &["110 FirstNotification 0"]);
    }

    #[test]
    fn failures_are_tried_again_at_the_next_tick_without_those_who_know() {
        let mut dispatcher = Dispatcher::new(&config(&[true, true]), []);
        let alerts = [(0, alert("0", 0, END)), (20, alert("0", 0, 20))];
        let first_fails = |second: i64, notification: &Notification| {
            if notification.integration == 0 && second < 100 { Outcome::Failed } else { Outcome::Sent }
        };
        let expected = [
            "10 FirstNotification 0 in vain",
            "10 FirstNotification 0 by the second",
            "70 AllResolved -0 by the second",
        ];
        assert_eq!(play(&mut dispatcher, &alerts, 0..300, first_fails), expected);

        let mut dispatcher = Dispatcher::new(&config(&[true]), []);
        let in_vain = |second: i64, _: &Notification| if second == 70 { Outcome::Failed } else { Outcome::Sent };
        let expected = ["10 FirstNotification 0", "70 AllResolved -0 in vain", "130 AllResolved -0"];
        assert_eq!(play(&mut dispatcher, &alerts, 0..300, in_vain), expected);
    }

    #[test]
    fn a_group_waits_for_its_receiver() {
        let mut dispatcher = Dispatcher::new(&config(&[true]), []);
        dispatcher.receive(vec![alert("0", 0, END)], Timestamp::from_ms(0));
        let mut first = dispatcher.due(Timestamp::from_ms(10_000)).notifications;
        let first = first.pop().expect("a notification");
        assert_eq!(first.deadline, Timestamp::from_ms(70_000));
        dispatcher.receive(vec![alert("1", 15, END)], Timestamp::from_ms(15_000));
        assert!(dispatcher.due(Timestamp::from_ms(75_000)).notifications.is_empty(), "two mails at once");
        let at = Timestamp::from_ms(76_000);
        let record = dispatcher.outcome(first.id, Outcome::Sent, at).expect("a record");
        assert_eq!((record.sequence, record.at), (1, at));
        assert_eq!(dispatcher.outcome(first.id, Outcome::Sent, at), None, "an outcome counts once");
        assert_eq!(dispatcher.next_due(), Some(Timestamp::from_ms(70_000)));
        let second = dispatcher.due(at).notifications.pop().expect("a notification");
        assert_eq!(told(&second), "NewAlerts 0,1");
        assert_eq!(second.sequence, 2);
        assert_ne!(second.content_id(), first.content_id());
    }

    #[test]
    fn an_alert_that_comes_back_while_its_end_is_told_is_not_lost() {
        let mut dispatcher = Dispatcher::new(&config(&[true]), []);
        let second = |second: i64| Timestamp::from_ms(second * 1_000);
        assert_eq!(play(&mut dispatcher, &[(0, alert("0", 0, END)), (30, alert("0", 0, 30))], 0..70, sent).len(), 1);
        let end = dispatcher.due(second(70)).notifications.pop().expect("a notification");
        assert_eq!(told(&end), "AllResolved -0");
        dispatcher.receive(vec![alert("0", 72, END)], second(72));
        dispatcher.outcome(end.id, Outcome::Sent, second(75));
        assert_eq!(play(&mut dispatcher, &[], 75..200, sent), ["130 NewAlerts 0"]);
    }

    #[test]
    fn what_was_told_stays_told_after_a_restart() {
        let mut dispatcher = Dispatcher::new(&config(&[true]), []);
        dispatcher.receive(vec![alert("0", 0, END)], Timestamp::from_ms(0));
        let id = dispatcher.due(Timestamp::from_ms(10_000)).notifications[0].id;
        let record = dispatcher.outcome(id, Outcome::Sent, Timestamp::from_ms(10_000)).expect("a record");
        let record = LogRecord::from_bytes(&record.key, &record.to_bytes()).expect("bytes");
        assert_eq!(record.expires_at, Timestamp::from_ms(1_210_000));

        let mut restarted = Dispatcher::new(&config(&[true]), [record.clone()]);
        assert_eq!(play(&mut restarted, &[(30, alert("0", 0, END))], 20..100, sent), [""; 0]);
        // It ended while nobody was there to see: its end is the first that is heard of it.
        let mut restarted = Dispatcher::new(&config(&[true]), [record]);
        assert_eq!(play(&mut restarted, &[(30, alert("0", 0, 25))], 20..100, sent), ["30 AllResolved -0"]);
    }

    #[test]
    fn a_reload_tells_nothing_twice() {
        let mut dispatcher = Dispatcher::new(&config(&[true]), []);
        assert_eq!(play(&mut dispatcher, &[(0, alert("0", 0, END))], 0..20, sent), ["10 FirstNotification 0"]);
        dispatcher.reload(&config(&[true]), Timestamp::from_ms(20_000));
        assert_eq!(play(&mut dispatcher, &[], 20..100, sent), [""; 0]);
        let mut other = config(&[true]);
        "other".clone_into(&mut other.route.receiver);
        "other".clone_into(&mut other.receivers[0].name);
        dispatcher.reload(&other, Timestamp::from_ms(100_000));
        assert_eq!(play(&mut dispatcher, &[], 100..200, sent), ["100 FirstNotification 0"]);
    }

    #[test]
    fn an_alert_that_nobody_renews_ends() {
        let mut unsaid = alert("0", 0, 0);
        unsaid.ends_at = Timestamp::MAX;
        let mut dispatcher = Dispatcher::new(&config(&[true]), []);
        let expected = ["10 FirstNotification 0", "310 AllResolved -0"];
        assert_eq!(play(&mut dispatcher, &[(0, unsaid)], 0..400, sent), expected);
    }

    #[test]
    fn views_show_what_fires() {
        let mut dispatcher = Dispatcher::new(&config(&[true]), []);
        let at = Timestamp::from_ms(5_000);
        dispatcher.receive(vec![alert("0", 0, END), alert("1", 0, 4)], at);
        let alerts = dispatcher.alerts(at);
        assert_eq!(alerts.len(), 1);
        assert_eq!((alerts[0].receivers.as_slice(), alerts[0].updated_at), (&["mail".to_owned()][..], at));
        let groups = dispatcher.groups(at);
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].key, "{}:{alertname=\"Hot\"}");
        assert_eq!(groups[0].next_flush_at, Some(Timestamp::from_ms(15_000)));
        assert_eq!(groups[0].alerts.len(), 1);
    }

    #[test]
    fn too_many_are_refused_but_known_ones_are_renewed() {
        let mut dispatcher = Dispatcher::new(&config(&[]), []);
        let at = Timestamp::from_ms(0);
        let many = (0..=ALERTS_MAX).map(|number| alert(&number.to_string(), 0, END)).collect();
        let received = dispatcher.receive(many, at);
        assert_eq!(received, Received { accepted: ALERTS_MAX, refused: 1 });
        assert_eq!(dispatcher.receive(vec![alert("7", 0, END)], at), Received { accepted: 1, refused: 0 });
    }

    #[test]
    fn many_groups_take_turns() {
        let mut config = config(&[true]);
        config.route.group_by = GroupBy::All;
        let mut dispatcher = Dispatcher::new(&config, []);
        let count = IN_FLIGHT_MAX + 5;
        dispatcher.receive((0..count).map(|n| alert(&n.to_string(), 0, END)).collect(), Timestamp::from_ms(0));
        let at = Timestamp::from_ms(10_000);
        let first = dispatcher.due(at).notifications;
        assert_eq!(first.len(), IN_FLIGHT_MAX);
        assert!(dispatcher.next_due().is_none_or(|due| at < due), "nothing to do until an outcome is known");
        for notification in first {
            dispatcher.outcome(notification.id, Outcome::Sent, at);
        }
        assert_eq!(dispatcher.next_due(), Some(at));
        assert_eq!(dispatcher.due(at).notifications.len(), 5);
    }
}
