//! A target's status as the page shows it.

use model::{Labels, Timestamp};
use scrape::{Health, TargetStatus};
use units::unit::{MISSING, Unit};

use super::super::view::parts::{Badge, Empty, Icon, Mood, sentence};
use super::super::view::targets::{Found, Note, Target};
use super::super::view::time;
use super::{key_href, tags};

/// Jobs under which a GPU collector runs.
const GPU_JOBS: [&str; 3] = ["gpu", "dcgm", "dcgm-exporter"];

/// Whether the target is a collector of this program that nobody configured.
pub(crate) fn is_built_in(target: &TargetStatus) -> bool {
    target.url.is_empty()
}

/// A machine without a GPU is not a machine with a problem: its collector's reason is a fact, no failure.
pub(crate) fn is_absent_gpu(target: &TargetStatus) -> bool {
    is_built_in(target) && target.health == Health::Down && GPU_JOBS.contains(&target.pool.as_str())
}

/// Whether somebody should look at it.
pub(crate) fn is_down(target: &TargetStatus) -> bool {
    target.health == Health::Down && !is_absent_gpu(target)
}

/// A target's state as an icon and a word.
pub(crate) fn badge(target: &TargetStatus) -> Badge {
    match target.health {
        _ if target.resting.is_some() => Badge::new(Mood::Off, "Resting"),
        Health::Down if is_absent_gpu(target) => Badge::new(Mood::Off, "No GPU"),
        Health::Up if is_built_in(target) || target.served_by.is_some() => Badge::new(Mood::Info, "Built in"),
        Health::Up => Badge::new(Mood::Ok, "Up"),
        Health::Down => Badge::new(Mood::Crit, "Down"),
        Health::Unknown => Badge::new(Mood::Off, "Not yet").with_icon(Icon::Clock),
    }
}

/// A row of the page. `found` is what people may decide about it.
pub(crate) fn target(target: &TargetStatus, found: Option<Found>, now: Timestamp) -> Target {
    let scraped = target.last_scrape.map(|at| (at, Unit::parse("s").format(target.last_duration_s, None)));
    let missing = || MISSING.to_owned();
    Target {
        id: format!("t-{}", target.key),
        badge: badge(target),
        url: if is_built_in(target) { "Built-in collector".to_owned() } else { target.url.clone() },
        last_scrape: scraped.as_ref().map_or_else(missing, |(at, _)| time::ago(now.as_ms() - at.as_ms())),
        duration: scraped.map_or_else(missing, |(_, duration)| duration.to_string()),
        samples: match target.health {
            Health::Up => count(target.samples),
            Health::Down | Health::Unknown => missing(),
        },
        problem: (target.health == Health::Down).then(|| problem(target)),
        notes: notes(target),
        found,
        labels: tags(&target.labels),
        discovered: tags(&without_duplicates(target)),
        facts: facts(target),
        raw_href: key_href("/targets/raw", &target.key),
        steps_href: (!is_built_in(target)).then(|| key_href("/targets/relabel", &target.key)),
    }
}

/// What a built-in collector was found with is what it has: nothing is shown twice.
fn without_duplicates(target: &TargetStatus) -> Labels {
    if target.discovered_labels == target.labels { Labels::empty() } else { target.discovered_labels.clone() }
}

fn count(n: usize) -> String {
    Unit::parse("none").format(n as f64, Some(0)).to_string()
}

/// What the row has no column for.
fn facts(target: &TargetStatus) -> Vec<String> {
    let mut facts = vec![format!("every {}", units::duration::format_ms(target.interval_ms))];
    if !is_built_in(target) {
        facts.push(format!("timeout {}", units::duration::format_ms(target.timeout_ms)));
    }
    if target.health == Health::Up {
        if target.samples_kept != target.samples {
            facts.push(format!("{} of {} samples kept", count(target.samples_kept), count(target.samples)));
        }
        if target.body_bytes != 0 {
            facts.push(format!("page of {}", Unit::parse("bytes").format(target.body_bytes as f64, None)));
        }
    }
    facts
}

/// What is not wrong and yet worth a sentence.
fn notes(target: &TargetStatus) -> Vec<Note> {
    let note = |icon, text: String| Note { icon, text: format!("{}.", sentence(text.trim_end_matches('.'))) };
    let served = target.served_by.as_ref().map(|served| note(Icon::Info, served.to_string()));
    let resting = target.resting.as_ref().map(|why| note(Icon::Clock, why.clone()));
    let reason = target.reason.as_ref().map(|why| note(Icon::Search, format!("found: {why}")));
    served.into_iter().chain(resting).chain(reason).collect()
}

/// What failed in full, and what usually helps.
fn problem(target: &TargetStatus) -> Empty {
    if is_absent_gpu(target) {
        return Empty::new(Mood::Neutral, target.last_error.clone()).icon(Icon::Gpu);
    }
    let heading = if target.last_error.is_empty() { "The last scrape failed" } else { &target.last_error };
    let empty = Empty::new(Mood::Crit, sentence(heading));
    match target.hint.as_deref().or_else(|| advice(&target.last_error)) {
        Some(advice) => empty.line(advice),
        None => empty,
    }
}

/// The next step for the failures that everybody has, where nothing better is known.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn status(pool: &str, url: &str, health: Health, last_error: &str) -> TargetStatus {
        TargetStatus {
            key: "0123456789abcdef".to_owned(),
            pool: pool.to_owned(),
            url: url.to_owned(),
            health,
            last_error: last_error.to_owned(),
            last_scrape: Some(Timestamp::from_ms(1_000)),
            last_duration_s: 0.006_2,
            interval_ms: 15_000,
            timeout_ms: 10_000,
            samples: 1_107,
            samples_kept: 1_100,
            body_bytes: 2_048,
            ..TargetStatus::default()
        }
    }

    #[test]
    fn a_row_says_what_the_last_scrape_was_like() {
        let up = target(&status("node", "http://a:1/metrics", Health::Up, ""), None, Timestamp::from_ms(3_100));
        let columns = (up.last_scrape.as_str(), up.duration.as_str(), up.samples.as_str());
        assert_eq!(columns, ("2.1 s ago", "6.20 ms", "1,107"));
        assert_eq!(up.facts, ["every 15s", "timeout 10s", "1,100 of 1,107 samples kept", "page of 2 KiB"]);
        assert_eq!(up.raw_href, "/targets/raw?key=0123456789abcdef");
    }

    #[test]
    fn what_is_down_says_why_and_what_helps() {
        let check = |error: &str, hint: Option<&str>, heading: &str, line: &str| {
            let hint = hint.map(str::to_owned);
            let down = TargetStatus { hint, ..status("vllm", "http://a:1/metrics", Health::Down, error) };
            let problem = target(&down, None, Timestamp::from_ms(0)).problem.expect("it is down");
            assert_eq!((problem.heading.as_str(), problem.lines.join(" ").as_str()), (heading, line));
        };
        let advice = "Nothing listens on this port. Is the server running, and is this its port?";
        check("connection refused", None, "Connection refused", advice);
        check("connection refused", Some("Did you mean 8000?"), "Connection refused", "Did you mean 8000?");
        check("something else", None, "Something else", "");
        check("", None, "The last scrape failed", "");
    }

    #[test]
    fn a_built_in_collector_that_stands_in_says_so() {
        let failure = "connection refused".to_owned();
        let program = scrape::Program::NodeExporter;
        let served = TargetStatus {
            served_by: Some(scrape::ServedBy { program, failure }),
            ..status("node", "http://node-exporter:9100/metrics", Health::Up, "")
        };
        let row = target(&served, None, Timestamp::from_ms(0));
        assert_eq!(row.badge.word, "Built in");
        assert!(row.notes[0].text.starts_with("node_exporter does not answer there"), "{}", row.notes[0].text);
        let no_gpu = status("dcgm", "", Health::Down, "libnvidia-ml.so.1 was not found");
        assert_eq!((badge(&no_gpu).word.as_str(), is_down(&no_gpu)), ("No GPU", false));
    }
}
