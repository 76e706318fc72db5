//! Groups alerts by route and says, at a moment, what is to be told.

use std::collections::{BTreeMap, BTreeSet};

use model::{Alert, Labels, Timestamp};

use crate::notification::{LogRecord, Notification, Reason};
use crate::route::{Config, Route};

/// Notes are kept at most this long, in milliseconds.
const LOG_RETENTION_MS: i64 = 120 * 3_600_000;
/// The least time that a notification may be tried for, in milliseconds.
const RETRY_MS_MIN: i64 = 10_000;
/// Alerts that are held at once; more are dropped, for whoever sends as many has another problem.
const ALERTS_MAX: usize = 100_000;

/// An alert as pages and the API show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertView {
    /// The alert.
    pub alert: Alert,
    /// Who is told of it.
    pub receivers: Vec<String>,
}

/// Groups, and what was told of them.
#[derive(Debug)]
pub struct Dispatcher {
    config: Config,
    groups: BTreeMap<String, Group>,
    log: BTreeMap<String, LogRecord>,
}

#[derive(Debug)]
struct Group {
    route: Route,
    labels: Labels,
    alerts: BTreeMap<Labels, Alert>,
    due: Timestamp,
    flushed: bool,
}

impl Dispatcher {
    /// With the notes of earlier runs.
    pub fn new(config: Config, log: Vec<LogRecord>) -> Self {
        let log = log.into_iter().map(|record| (record.key.clone(), record)).collect();
        Self { config, groups: BTreeMap::new(), log }
    }

    /// Takes another configuration; alerts are routed anew, and what was told stays told.
    pub fn reconfigure(&mut self, config: Config, at: Timestamp) {
        self.config = config;
        let alerts: BTreeMap<Labels, Alert> =
            std::mem::take(&mut self.groups).into_values().flat_map(|group| group.alerts).collect();
        self.receive(alerts.into_values().collect(), at);
    }

    /// Takes alerts that rules raise, renew or end.
    pub fn receive(&mut self, alerts: Vec<Alert>, at: Timestamp) {
        for alert in alerts {
            let mut routes = Vec::new();
            self.config.route.find(&alert.labels, "", &mut routes);
            for (route_key, route) in routes {
                let labels = route.group_labels(&alert.labels);
                let key = format!("{route_key}:{}", labels.to_braces());
                let held = self.groups.values().map(|group| group.alerts.len()).sum::<usize>();
                let Some(group) = self.groups.get_mut(&key) else {
                    if alert.is_resolved(at) || ALERTS_MAX <= held {
                        continue; // nobody was told that it began
                    }
                    let late = alert.starts_at + route.group_wait_ms <= at;
                    let due = if late { at } else { at + route.group_wait_ms };
                    let alerts = BTreeMap::from([(alert.labels.clone(), alert.clone())]);
                    let group = Group {
                        route: Route { routes: Vec::new(), ..route.clone() },
                        labels,
                        alerts,
                        due,
                        flushed: false,
                    };
                    self.groups.insert(key, group);
                    continue;
                };
                if !group.flushed && alert.starts_at + group.route.group_wait_ms <= at {
                    group.due = group.due.min(at);
                }
                match group.alerts.get_mut(&alert.labels) {
                    Some(known) if known.ends_at < alert.starts_at => *known = alert.clone(),
                    Some(known) => {
                        known.starts_at = known.starts_at.min(alert.starts_at);
                        known.ends_at = alert.ends_at;
                        known.annotations = alert.annotations.clone();
                        known.generator_url.clone_from(&alert.generator_url);
                    }
                    None if ALERTS_MAX <= held => {}
                    None => drop(group.alerts.insert(alert.labels.clone(), alert.clone())),
                }
            }
        }
    }

    /// When [`Self::due`] will next have something to look at.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.groups.values().map(|group| group.due).min()
    }

    /// What is to be told at `at`, after comparison with what was told before.
    pub fn due(&mut self, at: Timestamp) -> Vec<Notification> {
        self.log.retain(|_, record| at <= record.expires_at);
        let mut notifications = Vec::new();
        let keys: Vec<String> =
            self.groups.iter().filter(|(_, group)| group.due <= at).map(|(key, _)| key.clone()).collect();
        for key in keys {
            let Some(group) = self.groups.get_mut(&key) else { continue };
            group.due = at + group.route.group_interval_ms;
            group.flushed = true;
            let before = notifications.len();
            let receiver = self.config.receivers.iter().find(|receiver| receiver.name == group.route.receiver);
            for (integration, way) in receiver.iter().flat_map(|receiver| receiver.integrations.iter().enumerate()) {
                let log_key = format!("{key}\n{}\n{integration}", group.route.receiver);
                let told = self.log.get(&log_key);
                if let Some(notification) = group.notification(&key, log_key, integration, way.send_resolved, told, at)
                {
                    notifications.push(notification);
                }
            }
            if notifications.len() == before {
                // Nobody wants to hear more of what has ended.
                group.alerts.retain(|_, alert| !alert.is_resolved(at));
            }
        }
        self.groups.retain(|_, group| !group.alerts.is_empty());
        notifications
    }

    /// A notification was told and its note is durable.
    pub fn succeeded(&mut self, notification: &Notification) {
        self.log.insert(notification.record.key.clone(), notification.record.clone());
        if let Some(group) = self.groups.get_mut(&notification.group_key) {
            let told = &notification.record.resolved;
            group
                .alerts
                .retain(|labels, alert| !(alert.is_resolved(notification.at) && told.contains(&labels.hash64())));
            if group.alerts.is_empty() {
                self.groups.remove(&notification.group_key);
            }
        }
    }

    /// The alerts that fire at `at`, each once.
    pub fn alerts(&self, at: Timestamp) -> Vec<AlertView> {
        let mut views: BTreeMap<&Labels, AlertView> = BTreeMap::new();
        for group in self.groups.values() {
            for (labels, alert) in group.alerts.iter().filter(|(_, alert)| !alert.is_resolved(at)) {
                let view =
                    views.entry(labels).or_insert_with(|| AlertView { alert: alert.clone(), receivers: Vec::new() });
                view.receivers.push(group.route.receiver.clone());
            }
        }
        views.into_values().collect()
    }
}

impl Group {
    fn notification(
        &self,
        group_key: &str,
        log_key: String,
        integration: usize,
        send_resolved: bool,
        told: Option<&LogRecord>,
        at: Timestamp,
    ) -> Option<Notification> {
        let (resolved, firing): (Vec<&Alert>, Vec<&Alert>) =
            self.alerts.values().partition(|alert| alert.is_resolved(at));
        let hashes = |alerts: &[&Alert]| alerts.iter().map(|alert| alert.labels.hash64()).collect::<BTreeSet<u64>>();
        let record = LogRecord {
            key: log_key,
            at,
            firing: hashes(&firing),
            resolved: hashes(&resolved),
            expires_at: at + LOG_RETENTION_MS.min(2 * self.route.repeat_interval_ms),
        };
        let reason = needs_telling(&record, told, send_resolved, self.route.repeat_interval_ms)?;
        let owned = |alerts: Vec<&Alert>| alerts.into_iter().cloned().collect();
        Some(Notification {
            receiver: self.route.receiver.clone(),
            integration,
            group_key: group_key.to_owned(),
            group_labels: self.labels.clone(),
            at,
            reason,
            firing: owned(firing),
            resolved: if send_resolved { owned(resolved) } else { Vec::new() },
            record,
            retry_until: at + self.route.group_interval_ms.max(RETRY_MS_MIN),
        })
    }
}

/// Alertmanager's `needsUpdate`.
fn needs_telling(
    now: &LogRecord,
    told: Option<&LogRecord>,
    send_resolved: bool,
    repeat_interval_ms: i64,
) -> Option<Reason> {
    let Some(told) = told else { return (!now.firing.is_empty()).then_some(Reason::First) };
    if !now.firing.is_subset(&told.firing) {
        return Some(Reason::NewFiring);
    }
    if now.firing.is_empty() {
        // What nobody was told of, or was told has ended, is no news; nor is the end for those who do not want it.
        return (send_resolved && !told.firing.is_empty()).then_some(Reason::Resolved);
    }
    if send_resolved && !now.resolved.is_subset(&told.resolved) {
        return Some(Reason::Resolved);
    }
    (told.at + repeat_interval_ms < now.at).then_some(Reason::Repeat)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::{GroupBy, Integration, Receiver};

    fn config(send_resolved: bool) -> Config {
        let route = Route {
            receiver: "mail".to_owned(),
            group_by: GroupBy::Labels(vec!["alertname".to_owned()]),
            group_wait_ms: 10_000,
            group_interval_ms: 60_000,
            repeat_interval_ms: 600_000,
            ..Route::default()
        };
        let receiver = Receiver { name: "mail".to_owned(), integrations: vec![Integration { send_resolved }] };
        Config { route, receivers: vec![receiver] }
    }

    fn alert(gpu: &str, starts_s: i64, ends_s: i64) -> Alert {
        Alert {
            labels: Labels::from_pairs([("alertname", "Hot"), ("gpu", gpu)]),
            annotations: Labels::empty(),
            starts_at: Timestamp::from_ms(starts_s * 1000),
            ends_at: Timestamp::from_ms(ends_s * 1000),
            generator_url: String::new(),
        }
    }

    /// Plays alerts, given as (second, alert), for some time; what was told when.
    fn play(dispatcher: &mut Dispatcher, alerts: &[(i64, Alert)], seconds: std::ops::Range<i64>) -> Vec<String> {
        let mut told = Vec::new();
        for second in seconds {
            let at = Timestamp::from_ms(second * 1000);
            let now: Vec<Alert> =
                alerts.iter().filter(|(when, _)| *when == second).map(|(_, alert)| alert.clone()).collect();
            dispatcher.receive(now, at);
            for notification in dispatcher.due(at) {
                let gpus: Vec<String> = notification
                    .alerts()
                    .map(|(alert, firing)| {
                        format!("{}{}", if firing { "" } else { "-" }, alert.labels.get("gpu").unwrap())
                    })
                    .collect();
                told.push(format!("{second} {:?} {}", notification.reason, gpus.join(",")));
                dispatcher.succeeded(&notification);
            }
        }
        told
    }

    #[test]
    fn groups_wait_gather_and_repeat() {
        let mut dispatcher = Dispatcher::new(config(true), Vec::new());
        let alerts = [(0, alert("0", 0, 9_999)), (5, alert("1", 5, 9_999)), (20, alert("2", 20, 9_999))];
        assert_eq!(play(&mut dispatcher, &alerts, 0..800), ["10 First 0,1", "70 NewFiring 0,1,2", "730 Repeat 0,1,2"]);
    }

    #[test]
    fn the_end_is_told_at_the_next_turn() {
        let course = [(0, alert("0", 0, 9_999)), (30, alert("0", 0, 30))];
        let mut dispatcher = Dispatcher::new(config(true), Vec::new());
        assert_eq!(play(&mut dispatcher, &course, 0..300), ["10 First 0", "70 Resolved -0"]);
        assert_eq!(dispatcher.next_due(), None);
        let mut dispatcher = Dispatcher::new(config(false), Vec::new());
        assert_eq!(play(&mut dispatcher, &course, 0..300), ["10 First 0"]);
        assert_eq!(dispatcher.next_due(), None);
    }

    #[test]
    fn what_was_told_stays_told_after_a_restart() {
        let mut dispatcher = Dispatcher::new(config(true), Vec::new());
        let course = [(0, alert("0", 0, 9_999))];
        play(&mut dispatcher, &course, 0..20);
        let notes: Vec<LogRecord> = dispatcher
            .log
            .values()
            .map(|record| LogRecord::from_bytes(&record.key, &record.to_bytes()).unwrap())
            .collect();
        assert_eq!(notes, dispatcher.log.values().cloned().collect::<Vec<_>>());
        let mut restarted = Dispatcher::new(config(true), notes);
        assert_eq!(play(&mut restarted, &[(25, alert("0", 0, 9_999))], 20..100), [""; 0]);
        assert_eq!(play(&mut restarted, &[(100, alert("0", 0, 100))], 100..200), ["145 Resolved -0"]);
    }

    #[test]
    fn an_alert_that_is_late_is_told_at_once() {
        let mut dispatcher = Dispatcher::new(config(true), Vec::new());
        assert_eq!(play(&mut dispatcher, &[(100, alert("0", 0, 9_999))], 100..120), ["100 First 0"]);
    }
}
