//! What needs a person: alerts, targets, and the one word for all of it.

use model::Timestamp;
use scrape::{Health, TargetStatus};

use super::super::alerts::{self as alert_page, Active, ActiveState};
use super::super::targets as target_page;
use super::super::view::home::{AlertList, AlertRow, TargetList, TargetProblem};
use super::super::view::parts::{Badge, Empty, Mood, anchor, counted};
use super::super::view::time;
use crate::State;

/// Alerts and targets that are listed; the rest is on their pages.
const ROWS_MAX: usize = 6;

/// The head's badge.
pub(crate) fn badge(state: &State) -> Badge {
    let firing = super::super::firing(state);
    let down = problems(&state.targets.targets()).len();
    match (firing, down) {
        (0, 0) => Badge::new(Mood::Ok, "All well"),
        (0, down) => Badge::new(Mood::Warn, format!("{} down", counted(down, "target", "targets"))),
        (firing, _) => Badge::new(Mood::Crit, format!("{} firing", counted(firing, "alert", "alerts"))),
    }
}

/// Alerts that fire, and those that may soon.
pub(crate) fn alerts(state: &State, now: Timestamp) -> AlertList {
    let rules = alert_page::rule_count(state);
    let active = alert_page::active(state);
    let empty = match (rules, active.is_empty()) {
        (_, false) => None,
        (0, true) => Some(
            Empty::new(Mood::Neutral, "No alerting rules")
                .line("Name files with rules under rule_files in prometheus.yml, and what breaks is noticed."),
        ),
        (rules, true) => {
            Some(Empty::new(Mood::Ok, "Nothing fires").line(format!("{} watch.", counted(rules, "rule", "rules"))))
        }
    };
    AlertList {
        rules: match rules {
            0 => "Rules".to_owned(),
            rules => format!("All {}", counted(rules, "rule", "rules")),
        },
        more: active.len().saturating_sub(ROWS_MAX),
        rows: active.iter().take(ROWS_MAX).map(|alert| row(alert, now)).collect(),
        empty,
    }
}

fn row(alert: &Active, now: Timestamp) -> AlertRow {
    AlertRow {
        badge: match alert.state {
            ActiveState::Firing => Badge::new(alert.mood(), "Firing"),
            ActiveState::Pending => alert_page::pending_badge(),
        },
        name: alert.name.clone(),
        anchor: anchor(&alert.name),
        subject: alert.subject(),
        summary: alert.sentence(),
        since: time::span(now.as_ms() - alert.active_at.as_ms()),
    }
}

/// Targets that do not answer.
pub(crate) fn targets(state: &State) -> TargetList {
    let targets = state.targets.targets();
    let problems = problems(&targets);
    let scraped = targets.iter().filter(|target| !target_page::is_absent_gpu(target));
    let (up, all) = scraped.fold((0, 0), |(up, all), target| (up + usize::from(target.health == Health::Up), all + 1));
    let empty = match (all, problems.is_empty()) {
        (0, _) => Some(Empty::new(Mood::Neutral, "Nothing is scraped").link("/targets", "How to begin")),
        (_, true) if up == all => Some(Empty::new(Mood::Ok, "All targets answer")),
        (_, true) => Some(Empty::new(Mood::Neutral, "Waiting for the first scrapes")),
        (_, false) => None,
    };
    TargetList {
        total: format!("{up} of {all} up"),
        rows: problems
            .into_iter()
            .take(ROWS_MAX)
            .map(|target| TargetProblem {
                badge: target_page::badge(target),
                job: target.pool.clone(),
                href: target_page::pool_href(&target.pool),
                instance: target.labels.get("instance").unwrap_or_default().to_owned(),
                reason: target.last_error.clone(),
            })
            .collect(),
        empty,
    }
}

/// Why there is no GPU to see, in the collector's words.
pub(crate) fn gpu_trouble(state: &State) -> Option<String> {
    state.targets.targets().into_iter().find(target_page::is_absent_gpu).map(|target| target.last_error)
}

fn problems(targets: &[TargetStatus]) -> Vec<&TargetStatus> {
    targets.iter().filter(|target| target_page::is_down(target)).collect()
}
