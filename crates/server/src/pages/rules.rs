//! `/rules`: each rule, its health, and how long it takes.

use axum::extract::State as Extract;
use axum::response::Response;
use model::Timestamp;
use units::unit::{MISSING, Unit};

use super::alerts::{self, ActiveState, rule_anchor};
use super::targets::tags;
use super::view::parts::{Badge, Empty, Icon, Mood, anchor, counted};
use super::view::rules::{Group, Rule, RulesPage};
use super::view::shell::{Section, Shell};
use super::view::time;
use super::watched::{self, WatchedGroup, WatchedRule};
use super::{REFRESH_S, firing, show};
use crate::State;

/// `GET /rules`
pub(crate) async fn page(Extract(state): Extract<State>) -> Response {
    let (now, groups) = (state.now(), watched::groups(&state));
    let rules: Vec<&WatchedRule> = groups.iter().flat_map(|group| &group.rules).collect();
    let failing = rules.iter().filter(|rule| !rule.last_error.is_empty()).count();
    let badge = match failing {
        0 => Badge::new(Mood::Ok, "All run"),
        failing => Badge::new(Mood::Crit, format!("{failing} of {} fail", rules.len())),
    };
    let alerting = rules.iter().filter(|rule| rule.alerting.is_some()).count();
    let shell = Shell {
        badge: (!rules.is_empty()).then_some(badge),
        facts: vec![
            counted(alerting, "alerting rule", "alerting rules"),
            counted(rules.len() - alerting, "recording rule", "recording rules"),
        ],
        firing: firing(&state),
        refresh_s: Some(REFRESH_S),
        ..Shell::new(Section::Rules, "Rules", "/rules")
    };
    let empty = groups.is_empty().then(|| {
        Empty::new(Mood::Neutral, "No rules")
            .icon(Icon::Board)
            .line("Name files with rules in prometheus.yml and reload:")
            .code("rule_files:\n  - alerts.yml")
    });
    show(&RulesPage { shell, empty, groups: groups.iter().map(|group| present_group(group, now)).collect() })
}

fn present_group(group: &WatchedGroup, now: Timestamp) -> Group {
    let every = units::duration::format_ms(group.interval_ms);
    let timing = match group.last_run {
        Some(at) => {
            let took = seconds(group.last_duration_s);
            format!("every {every}, last run {} in {took}", time::ago(now.as_ms() - at.as_ms()))
        }
        None => format!("every {every}, not yet run"),
    };
    Group {
        name: group.name.clone(),
        anchor: anchor(&format!("{}-{}", group.file, group.name)),
        file: group.file.clone(),
        timing,
        rules: group.rules.iter().map(|rule| present_rule(rule, now)).collect(),
    }
}

fn present_rule(rule: &WatchedRule, now: Timestamp) -> Rule {
    let hold_ms = rule.alerting.as_ref().map_or(0, |alerting| alerting.hold_ms);
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("expr", &rule.expr).finish();
    let problem = Empty::new(Mood::Crit, rule.last_error.clone())
        .line("The rule says nothing while its expression fails.")
        .link(format!("/query?{query}"), "Try the expression");
    Rule {
        badge: badge(rule),
        name: rule.name.clone(),
        anchor: rule_anchor(&rule.name),
        hold: if hold_ms == 0 { String::new() } else { format!("for {}", units::duration::format_ms(hold_ms)) },
        expr: rule.expr.clone(),
        href: format!("/query?{query}"),
        labels: tags(&rule.labels),
        last_run: rule.last_run.map_or_else(|| MISSING.to_owned(), |at| time::ago(now.as_ms() - at.as_ms())),
        duration: rule.last_run.map_or_else(|| MISSING.to_owned(), |_| seconds(rule.last_duration_s)),
        problem: (!rule.last_error.is_empty()).then_some(problem),
    }
}

fn badge(rule: &WatchedRule) -> Badge {
    let Some(alerting) = &rule.alerting else {
        return match (rule.last_error.is_empty(), rule.last_run) {
            (false, _) => Badge::new(Mood::Crit, "Error"),
            (true, None) => Badge::new(Mood::Off, "Not yet").with_icon(Icon::Clock),
            (true, Some(_)) => Badge::new(Mood::Neutral, "Recording").with_icon(Icon::Explore),
        };
    };
    let count = |state| alerting.active.iter().filter(|alert| alert.state == state).count();
    let (firing, pending) = (count(ActiveState::Firing), count(ActiveState::Pending));
    let worst = alerting.active.iter().map(alerts::Active::mood).max().unwrap_or(Mood::Crit);
    match (firing, pending) {
        _ if !rule.last_error.is_empty() => Badge::new(Mood::Crit, "Error"),
        (0, 0) if rule.last_run.is_none() => Badge::new(Mood::Off, "Not yet").with_icon(Icon::Clock),
        (0, 0) => Badge::new(Mood::Ok, "Inactive"),
        (0, pending) => Badge::new(Mood::Info, format!("{pending} pending")).with_icon(Icon::Clock),
        (firing, _) => Badge::new(worst, format!("{firing} firing")),
    }
}

fn seconds(value: f64) -> String {
    Unit::parse("s").format(value, None).to_string()
}

#[cfg(test)]
mod tests {
    use model::Labels;

    use super::super::alerts::Active;
    use super::super::watched::WatchedAlerting;
    use super::*;

    fn rule(active: Vec<ActiveState>, last_error: &str, last_run: Option<Timestamp>) -> WatchedRule {
        let alert = |state| Active {
            state,
            name: "GPUHot".to_owned(),
            labels: Labels::from_pairs([("alertname", "GPUHot"), ("gpu", "2"), ("severity", "warning")]),
            annotations: Labels::empty(),
            value: 84.0,
            active_at: Timestamp::from_ms(0),
            hold_ms: 120_000,
        };
        WatchedRule {
            name: "GPUHot".to_owned(),
            expr: "DCGM_FI_DEV_GPU_TEMP > 83".to_owned(),
            labels: Labels::from_pairs([("severity", "warning")]),
            last_error: last_error.to_owned(),
            last_run,
            last_duration_s: 0.000_4,
            alerting: Some(WatchedAlerting { hold_ms: 120_000, active: active.into_iter().map(alert).collect() }),
        }
    }

    fn check(rule: &WatchedRule, mood: Mood, word: &str) {
        let shown = present_rule(rule, Timestamp::from_ms(60_000));
        assert_eq!((shown.badge.mood, shown.badge.word.as_str()), (mood, word));
    }

    #[test]
    fn a_rule_shows_the_worst_of_its_alerts() {
        let ran = Some(Timestamp::from_ms(58_000));
        check(&rule(vec![], "", None), Mood::Off, "Not yet");
        check(&rule(vec![], "", ran), Mood::Ok, "Inactive");
        check(&rule(vec![ActiveState::Pending], "", ran), Mood::Info, "1 pending");
        check(&rule(vec![ActiveState::Firing, ActiveState::Pending], "", ran), Mood::Warn, "1 firing");
        check(&rule(vec![ActiveState::Firing], "no such function", ran), Mood::Crit, "Error");
    }

    #[test]
    fn a_rule_says_when_it_ran_and_how_long_it_must_hold() {
        let shown = present_rule(&rule(vec![], "", Some(Timestamp::from_ms(58_000))), Timestamp::from_ms(60_000));
        assert_eq!(
            (shown.hold.as_str(), shown.last_run.as_str(), shown.duration.as_str()),
            ("for 2m", "2.0 s ago", "400 µs")
        );
        assert_eq!(shown.href, "/query?expr=DCGM_FI_DEV_GPU_TEMP+%3E+83");
    }
}
