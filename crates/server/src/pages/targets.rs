//! `/targets`: what is scraped, and why something is not.

use axum::extract::{Query, State as Extract};
use axum::response::Response;
use model::{Labels, Timestamp};
use scrape::{Health, TargetStatus};
use serde::Deserialize;
use units::unit::{MISSING, Unit};

use super::view::parts::{Badge, Empty, Icon, Mood, counted};
use super::view::shell::{Section, Shell};
use super::view::targets::{Filter, Pool, Target, TargetsPage};
use super::view::time;
use super::{REFRESH_S, firing, show};
use crate::State;

/// Parameters of the page.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct TargetsParams {
    state: Option<String>,
}

/// Which targets are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    All,
    Up,
    Down,
}

impl Shown {
    fn includes(self, target: &TargetStatus) -> bool {
        match self {
            Self::All => true,
            Self::Up => target.health == Health::Up,
            Self::Down => is_down(target),
        }
    }
}

/// `GET /targets`
pub(crate) async fn page(Extract(state): Extract<State>, Query(params): Query<TargetsParams>) -> Response {
    let shown = match params.state.as_deref() {
        Some("up") => Shown::Up,
        Some("down") => Shown::Down,
        _ => Shown::All,
    };
    let targets = state.targets.targets();
    let count = |shown: Shown| targets.iter().filter(|target| shown.includes(target)).count();
    let (up, down) = (count(Shown::Up), count(Shown::Down));
    let badge = match down {
        0 => Badge::new(Mood::Ok, "All up"),
        down => Badge::new(Mood::Crit, format!("{down} of {} down", targets.len())),
    };
    let samples: usize = targets.iter().map(|target| target.samples).sum();
    let filter = |href, word, which| Filter { href, word, count: count(which), current: shown == which };
    let shell = Shell {
        badge: (!targets.is_empty() && up + down != 0).then_some(badge),
        facts: vec![counted(samples, "sample in the last round", "samples in the last round")],
        firing: firing(&state),
        refresh_s: Some(REFRESH_S),
        ..Shell::new(Section::Targets, "Targets", "/targets")
    };
    show(&TargetsPage {
        shell,
        filters: vec![
            filter("/targets", "All", Shown::All),
            filter("/targets?state=up", "Up", Shown::Up),
            filter("/targets?state=down", "Down", Shown::Down),
        ],
        empty: targets.is_empty().then(nothing_scraped),
        pools: pools(&targets, shown, state.now()),
    })
}

/// Targets by job; jobs with a target that is down come first, and in each job the targets that are down.
fn pools(targets: &[TargetStatus], shown: Shown, now: Timestamp) -> Vec<Pool> {
    let mut names: Vec<&str> = Vec::new();
    for target in targets {
        if !names.contains(&target.pool.as_str()) {
            names.push(&target.pool);
        }
    }
    let of = |name: &str| targets.iter().filter(|target| target.pool == name).collect::<Vec<_>>();
    names.sort_by_key(|name| of(name).iter().all(|target| !is_down(target)));
    let pool = |name: &str| {
        let mut all = of(name);
        all.sort_by_key(|target| !is_down(target));
        let up = all.iter().filter(|target| target.health == Health::Up).count();
        let targets: Vec<_> =
            all.iter().filter(|target| shown.includes(target)).map(|target| present(target, now)).collect();
        (!targets.is_empty()).then(|| Pool {
            name: name.to_owned(),
            summary: format!("{up} of {} up", all.len()),
            targets,
        })
    };
    names.into_iter().filter_map(pool).collect()
}

fn present(target: &TargetStatus, now: Timestamp) -> Target {
    let scraped = target.last_scrape.map(|at| (at, Unit::parse("s").format(target.last_duration_s, None)));
    Target {
        badge: badge(target),
        url: if is_built_in(target) { "Built-in collector".to_owned() } else { target.url.clone() },
        labels: tags(&target.labels),
        last_scrape: scraped.as_ref().map_or_else(missing, |(at, _)| time::ago(now.as_ms() - at.as_ms())),
        duration: scraped.map_or_else(missing, |(_, duration)| duration.to_string()),
        samples: match target.health {
            Health::Up => Unit::parse("none").format(target.samples as f64, Some(0)).to_string(),
            Health::Down | Health::Unknown => missing(),
        },
        problem: (target.health == Health::Down).then(|| problem(target)),
    }
}

fn missing() -> String {
    MISSING.to_owned()
}

/// Whether the target is a collector of this program.
pub(crate) fn is_built_in(target: &TargetStatus) -> bool {
    target.url.is_empty()
}

/// A machine without a GPU is not a machine with a problem: its collector's reason is a fact, no failure.
pub(crate) fn is_absent_gpu(target: &TargetStatus) -> bool {
    is_built_in(target) && target.health == Health::Down && GPU_JOBS.contains(&target.pool.as_str())
}

/// Jobs under which a GPU collector runs.
const GPU_JOBS: [&str; 3] = ["gpu", "dcgm", "dcgm-exporter"];

/// Whether somebody should look at it.
pub(crate) fn is_down(target: &TargetStatus) -> bool {
    target.health == Health::Down && !is_absent_gpu(target)
}

/// A target's state as an icon and a word.
pub(crate) fn badge(target: &TargetStatus) -> Badge {
    match target.health {
        Health::Down if is_absent_gpu(target) => Badge::new(Mood::Off, "No GPU"),
        Health::Up if is_built_in(target) => Badge::new(Mood::Info, "Built in"),
        Health::Up => Badge::new(Mood::Ok, "Up"),
        Health::Down => Badge::new(Mood::Crit, "Down"),
        Health::Unknown => Badge::new(Mood::Off, "Not yet").with_icon(Icon::Clock),
    }
}

/// `name=value` for each label.
pub(crate) fn tags(labels: &Labels) -> Vec<String> {
    labels.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

/// What failed, and what usually helps.
fn problem(target: &TargetStatus) -> Empty {
    if is_absent_gpu(target) {
        return Empty::new(Mood::Neutral, target.last_error.clone()).icon(Icon::Gpu);
    }
    let empty = Empty::new(Mood::Crit, capitalised(&target.last_error));
    match advice(&target.last_error) {
        Some(advice) => empty.line(advice),
        None => empty,
    }
}

/// The next step for the failures that everybody has.
fn advice(error: &str) -> Option<&'static str> {
    const ADVICE: [(&str, &str); 10] = [
        ("connection refused", "Nothing listens on this port. Is the server running, and is this its port?"),
        (
            "timed out",
            "It did not answer within scrape_timeout. Is the address right, and does a firewall drop the packets?",
        ),
        (
            "deadline",
            "It did not answer within scrape_timeout. Is the address right, and does a firewall drop the packets?",
        ),
        ("dns", "The name has no address. In Docker, names of other containers exist only on their network."),
        ("lookup", "The name has no address. In Docker, names of other containers exist only on their network."),
        ("resolve", "The name has no address. In Docker, names of other containers exist only on their network."),
        ("401", "It wants to know who asks: set basic_auth or authorization for this job."),
        ("403", "It refuses this user: check basic_auth or authorization of this job."),
        ("404", "The server is there, but has no such page: check metrics_path of this job."),
        ("certificate", "Its certificate is not trusted: set tls_config.ca_file for this job."),
    ];
    let error = error.to_lowercase();
    ADVICE.iter().find(|(word, _)| error.contains(word)).map(|(_, advice)| *advice)
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => "The last scrape failed".to_owned(),
    }
}

fn nothing_scraped() -> Empty {
    Empty::new(Mood::Neutral, "Nothing is scraped")
        .icon(Icon::Search)
        .line("No job is configured and the built-in collectors are off. A job in prometheus.yml:")
        .code("scrape_configs:\n  - job_name: vllm\n    static_configs:\n      - targets: [\"localhost:8000\"]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(pool: &str, health: Health, last_error: &str) -> TargetStatus {
        TargetStatus {
            pool: pool.to_owned(),
            url: format!("http://{pool}:9100/metrics"),
            labels: Labels::from_pairs([("job", pool)]),
            health,
            last_error: last_error.to_owned(),
            last_scrape: (health != Health::Unknown).then(|| Timestamp::from_ms(1_000)),
            last_duration_s: 0.006_2,
            interval_ms: 15_000,
            timeout_ms: 10_000,
            samples: 1_107,
            ..TargetStatus::default()
        }
    }

    #[test]
    fn what_is_down_comes_first_and_says_what_helps() {
        let targets = [
            target("node", Health::Up, ""),
            target("vllm", Health::Up, ""),
            target("vllm", Health::Down, "connection refused"),
            target("new", Health::Unknown, ""),
        ];
        let shown = pools(&targets, Shown::All, Timestamp::from_ms(3_100));
        let names: Vec<_> = shown.iter().map(|pool| format!("{} {}", pool.name, pool.summary)).collect();
        assert_eq!(names, ["vllm 1 of 2 up", "node 1 of 1 up", "new 0 of 1 up"]);
        let down = &shown[0].targets[0];
        assert_eq!(down.problem.as_ref().map(|problem| problem.heading.as_str()), Some("Connection refused"));
        assert!(down.problem.as_ref().is_some_and(|problem| problem.lines[0].contains("Nothing listens")));
        let up = &shown[1].targets[0];
        assert_eq!(
            (up.last_scrape.as_str(), up.duration.as_str(), up.samples.as_str()),
            ("2.1 s ago", "6.20 ms", "1,107")
        );
        assert_eq!(pools(&targets, Shown::Down, Timestamp::from_ms(0)).len(), 1);
    }
}
