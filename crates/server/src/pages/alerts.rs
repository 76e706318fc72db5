//! `/alerts`: what fires, what may soon, and since when.

use axum::extract::State as Extract;
use axum::response::Response;
use model::{ALERT_NAME, Labels, Timestamp};
use units::unit::{Formatted, Unit};

use super::targets::tags;
use super::view::alerts::{Alert, AlertGroup, AlertsPage, Note};
use super::view::parts::{Badge, Empty, Icon, Mood, Stat, anchor, counted};
use super::view::shell::{Section, Shell};
use super::view::time;
use super::{REFRESH_S, show, watched};
use crate::State;

/// Annotations that say in a sentence what is wrong, the best first.
const SENTENCES: [&str; 3] = ["summary", "description", "message"];
/// Labels that name what an alert is about, the most telling first.
const SUBJECTS: [&str; 8] = ["gpu", "model_name", "mountpoint", "device", "name", "path", "instance", "job"];

/// Whether an alert fires already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ActiveState {
    Firing,
    Pending,
}

/// An alert whose condition is true.
#[derive(Clone, Debug)]
pub(crate) struct Active {
    pub(crate) state: ActiveState,
    pub(crate) name: String,
    pub(crate) labels: Labels,
    pub(crate) annotations: Labels,
    pub(crate) value: f64,
    pub(crate) active_at: Timestamp,
    /// How long the condition must be true before the alert fires, in milliseconds.
    pub(crate) hold_ms: i64,
}

impl Active {
    /// How bad it is, by the label `severity`; unknown words are as bad as critical.
    pub(crate) fn mood(&self) -> Mood {
        match self.labels.get("severity").map(str::to_ascii_lowercase).as_deref() {
            Some("warning" | "warn" | "minor") => Mood::Warn,
            Some("info" | "none") => Mood::Info,
            _ => Mood::Crit,
        }
    }

    /// The label that tells it from its siblings best, as `gpu=2`; empty if none does.
    pub(crate) fn subject(&self) -> String {
        let found = SUBJECTS.iter().find_map(|name| Some((name, self.labels.get(name)?)));
        found.map(|(name, value)| format!("{name}={value}")).unwrap_or_default()
    }

    /// What is wrong, in the rule's own words.
    pub(crate) fn sentence(&self) -> String {
        let said = SENTENCES.iter().find_map(|name| self.annotations.get(name));
        said.map_or_else(|| format!("value {}", value(self.value)), str::to_owned)
    }
}

/// Every alert whose condition is true: what fires first, the worst of it before the rest, the newest last.
pub(crate) fn active(state: &State) -> Vec<Active> {
    let rules = watched::groups(state).into_iter().flat_map(|group| group.rules);
    let mut active: Vec<Active> = rules.filter_map(|rule| rule.alerting).flat_map(|alerting| alerting.active).collect();
    active.sort_by(|a, b| {
        let rank = |alert: &Active| (alert.state, std::cmp::Reverse(alert.mood()), alert.active_at);
        rank(a).cmp(&rank(b)).then_with(|| a.labels.cmp(&b.labels))
    });
    active
}

/// How many alerting rules there are.
pub(crate) fn rule_count(state: &State) -> usize {
    watched::groups(state).iter().flat_map(|group| &group.rules).filter(|rule| rule.alerting.is_some()).count()
}

/// `GET /alerts`
pub(crate) async fn page(Extract(state): Extract<State>) -> Response {
    let (now, rules, active) = (state.now(), rule_count(&state), active(&state));
    let firing = active.iter().filter(|alert| alert.state == ActiveState::Firing).count();
    let badge = match firing {
        0 => Badge::new(Mood::Ok, "Nothing fires"),
        firing => Badge::new(Mood::Crit, format!("{firing} firing")),
    };
    let shell = Shell {
        badge: Some(badge),
        facts: vec![format!("{} watched", counted(rules, "alerting rule", "alerting rules"))],
        firing,
        refresh_s: Some(REFRESH_S),
        ..Shell::new(Section::Alerts, "Alerts", "/alerts")
    };
    show(&AlertsPage {
        shell,
        stats: stats(&active, rules),
        empty: active.is_empty().then(|| nothing(rules)),
        groups: groups(&active, now),
    })
}

fn stats(active: &[Active], rules: usize) -> Vec<Stat> {
    let count = |state| active.iter().filter(|alert| alert.state == state).count();
    let stat = |name, count: usize, context: &str, class| Stat {
        name,
        value: Formatted { text: count.to_string(), suffix: String::new() },
        context: context.to_owned(),
        class,
    };
    let (firing, pending) = (count(ActiveState::Firing), count(ActiveState::Pending));
    vec![
        stat("Firing", firing, "handed to the routing", if firing == 0 { "" } else { "crit" }),
        stat("Pending", pending, "true, but not yet for long enough", ""),
        stat("Rules", rules, "", ""),
    ]
}

/// The alerts of each rule, what fires first.
fn groups(active: &[Active], now: Timestamp) -> Vec<AlertGroup> {
    let mut names: Vec<&str> = Vec::new();
    for alert in active {
        if !names.contains(&alert.name.as_str()) {
            names.push(&alert.name);
        }
    }
    let group = |name: &str| {
        let alerts: Vec<_> = active.iter().filter(|alert| alert.name == name).collect();
        let firing = alerts.iter().filter(|alert| alert.state == ActiveState::Firing).count();
        let summary = match (firing, alerts.len() - firing) {
            (firing, 0) => format!("{firing} firing"),
            (0, pending) => format!("{pending} pending"),
            (firing, pending) => format!("{firing} firing, {pending} pending"),
        };
        AlertGroup {
            name: name.to_owned(),
            href: format!("/rules#{}", rule_anchor(name)),
            summary,
            alerts: alerts.iter().enumerate().map(|(index, alert)| present(index, alert, now)).collect(),
        }
    };
    names.into_iter().map(group).collect()
}

fn present(index: usize, alert: &Active, now: Timestamp) -> Alert {
    let (badge, note) = match alert.state {
        ActiveState::Firing => {
            let word = alert.labels.get("severity").map_or_else(|| "Firing".to_owned(), capitalised);
            (Badge::new(alert.mood(), word), None)
        }
        ActiveState::Pending => (pending_badge(), Some(not_yet(alert, now))),
    };
    let labels = alert.labels.filtered(|name| name != ALERT_NAME);
    Alert {
        // The first alert of a rule is where the home page's link leads.
        anchor: if index == 0 { anchor(&alert.name) } else { format!("{}-{index}", anchor(&alert.name)) },
        badge,
        title: alert.sentence(),
        labels: tags(&labels),
        value: value(alert.value),
        since: time::span(now.as_ms() - alert.active_at.as_ms()),
        note,
    }
}

/// Why nothing was sent yet, and when it will be.
fn not_yet(alert: &Active, now: Timestamp) -> Note {
    let age_ms = now.as_ms() - alert.active_at.as_ms();
    let rest_ms = (alert.hold_ms - age_ms).max(0);
    let text = format!(
        "Not sent: true for {}, must stay so for {}, fires in {}.",
        time::span(age_ms),
        time::span(alert.hold_ms),
        time::span(rest_ms)
    );
    Note { icon: Icon::Clock, text }
}

/// The badge of an alert that does not fire yet.
pub(crate) fn pending_badge() -> Badge {
    Badge::new(Mood::Info, "Pending").with_icon(Icon::Clock)
}

/// The id of a rule on the rules page.
pub(crate) fn rule_anchor(name: &str) -> String {
    format!("rule-{}", anchor(name))
}

fn value(value: f64) -> String {
    Unit::parse("none").format(value, None).to_string()
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn nothing(rules: usize) -> Empty {
    match rules {
        0 => Empty::new(Mood::Neutral, "No alerting rules")
            .icon(Icon::Bell)
            .line("Name files with rules in prometheus.yml and reload:")
            .code("rule_files:\n  - alerts.yml"),
        rules => Empty::new(Mood::Ok, "Nothing fires")
            .line(format!("{} watched; no condition is true.", counted(rules, "rule is", "rules are")))
            .link("/rules", "See the rules"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(state: ActiveState, gpu: &str) -> Active {
        Active {
            state,
            name: "GPUMemoryHigh".to_owned(),
            labels: Labels::from_pairs([("alertname", "GPUMemoryHigh"), ("gpu", gpu), ("severity", "warning")]),
            annotations: Labels::from_pairs([("description", "long"), ("summary", "GPU is nearly full")]),
            value: 0.923,
            active_at: Timestamp::from_ms(0),
            hold_ms: 120_000,
        }
    }

    #[test]
    fn alerts_are_grouped_by_rule_and_say_why_nothing_was_sent() {
        let active = [alert(ActiveState::Firing, "0"), alert(ActiveState::Pending, "1")];
        let shown = groups(&active, Timestamp::from_ms(80_000));
        assert_eq!((shown.len(), shown[0].summary.as_str()), (1, "1 firing, 1 pending"));
        let [firing, pending] = &shown[0].alerts[..] else { panic!("two alerts") };
        assert_eq!((firing.badge.word.as_str(), firing.badge.mood), ("Warning", Mood::Warn));
        assert_eq!(
            (firing.title.as_str(), firing.value.as_str(), firing.since.as_str()),
            ("GPU is nearly full", "0.923", "80 s")
        );
        assert_eq!(firing.anchor, "GPUMemoryHigh");
        let note = pending.note.as_ref().map(|note| note.text.as_str());
        assert_eq!(note, Some("Not sent: true for 80 s, must stay so for 2 min, fires in 40 s."));
    }

    #[test]
    fn a_subject_is_what_tells_alerts_apart() {
        assert_eq!(alert(ActiveState::Firing, "2").subject(), "gpu=2");
    }
}
