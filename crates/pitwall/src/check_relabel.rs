//! `pitwall check relabel`: what each rule of a job does to a label set.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use config::Severity;
use model::{Labels, MetricType};
use scrape::{Explained, ExplainedOutcome, ScrapeConfig};

use crate::cli::CheckRelabel;

/// Prints the steps; fails if the configuration, the job or the labels cannot be read.
pub(crate) fn run(arguments: &CheckRelabel) -> ExitCode {
    match explain(arguments) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn explain(arguments: &CheckRelabel) -> Result<String, String> {
    let job = job(&arguments.config, &arguments.job)?;
    let labels = parse_labels(&arguments.labels)?;
    Ok(if arguments.metric { metric_steps(&job, &labels) } else { target_steps(&job, &labels) })
}

fn job(path: &Path, name: &str) -> Result<ScrapeConfig, String> {
    let loaded = config::load_prometheus(path);
    if let Some(problem) = loaded.problems.iter().find(|problem| problem.severity == Severity::Error) {
        return Err(problem.to_string());
    }
    let jobs = loaded.value.scrape_configs;
    let names: Vec<String> = jobs.iter().map(|job| format!("{:?}", job.job_name)).collect();
    jobs.into_iter()
        .find(|job| job.job_name == name)
        .ok_or_else(|| format!("{} has no job {name:?}; there are {}", path.display(), names.join(", ")))
}

/// A label set as `name="value",…` with or without braces and a metric's name, or as a JSON object.
fn parse_labels(text: &str) -> Result<Labels, String> {
    let text = text.trim();
    if let Ok(object) = serde_json::from_str::<std::collections::BTreeMap<String, String>>(text) {
        return Ok(object.into_iter().collect());
    }
    let series = if text.contains('{') { text.to_owned() } else { format!("{{{text}}}") };
    exposition::labels_of(series.as_bytes(), MetricType::Unknown).map_err(|why| {
        format!("{text:?} is no label set: {why}; write it as __address__=\"host:port\",job=\"x\" or as a JSON object")
    })
}

fn target_steps(job: &ScrapeConfig, labels: &Labels) -> String {
    let Explained { discovered_labels, steps, outcome } = scrape::explain_target(job, labels);
    let mut out = heading(&job.job_name, "relabel_configs", job.relabel_configs.len(), &discovered_labels);
    show_steps(&mut out, &discovered_labels, &steps);
    let line = match outcome {
        ExplainedOutcome::Scraped { url, labels } => format!("scraped at {url}\nseries carry {}", labels.to_braces()),
        ExplainedOutcome::Dropped => "dropped: it is not scraped".to_owned(),
        ExplainedOutcome::Impossible(why) => format!("not scraped: {why}"),
    };
    out + &line + "\n"
}

fn metric_steps(job: &ScrapeConfig, labels: &Labels) -> String {
    let rules = &job.metric_relabel_configs;
    let mut out = heading(&job.job_name, "metric_relabel_configs", rules.len(), labels);
    let steps: Vec<_> = rules.iter().cloned().zip(relabel::explain(labels, rules)).collect();
    show_steps(&mut out, labels, &steps);
    let last = steps.last().map_or(Some(labels), |(_, step)| step.labels.as_ref());
    let line = match last {
        Some(labels) => format!("stored as {labels}"),
        None => "dropped: it is not stored".to_owned(),
    };
    out + &line + "\n"
}

fn heading(job: &str, key: &str, rules: usize, labels: &Labels) -> String {
    let rules = if rules == 1 { "1 rule".to_owned() } else { format!("{rules} rules") };
    format!("job {job:?}, {key}: {rules}\nstart   {}\n\n", labels.to_braces())
}

fn show_steps(out: &mut String, start: &Labels, steps: &[(relabel::Config, relabel::Step)]) {
    let mut before = start;
    for (number, (rule, step)) in (1..).zip(steps) {
        // Writing to a String cannot fail.
        _ = writeln!(out, "rule {number}  {rule}");
        if !rule.source_labels.is_empty() {
            _ = writeln!(out, "  input   {:?}", step.input);
        }
        _ = writeln!(out, "  before  {}", before.to_braces());
        match &step.labels {
            Some(after) if after == before => out.push_str("  after   the same\n\n"),
            Some(after) => _ = writeln!(out, "  after   {}\n", after.to_braces()),
            None => out.push_str("  after   dropped\n\n"),
        }
        before = step.labels.as_ref().unwrap_or(before);
    }
}

#[cfg(test)]
mod tests {
    use relabel::{Action, Config, Pattern};

    use super::*;

    #[test]
    fn label_sets_are_read_in_every_form() {
        for (text, expected) in [
            (r#"a="b",c="d""#, Ok(r#"{a="b", c="d"}"#)),
            (r#"{a="b"}"#, Ok(r#"{a="b"}"#)),
            (r#"m{a="b"}"#, Ok(r#"{__name__="m", a="b"}"#)),
            (r#"{"a": "b", "c": ""}"#, Ok(r#"{a="b"}"#)),
            ("a=b", Err("is no label set")),
        ] {
            match (parse_labels(text), expected) {
                (Ok(labels), Ok(expected)) => assert_eq!(labels.to_braces(), expected, "{text}"),
                (Err(error), Err(expected)) => assert!(error.contains(expected), "{text}: {error}"),
                (got, expected) => panic!("{text}: {got:?}, expected {expected:?}"),
            }
        }
    }

    fn job() -> ScrapeConfig {
        let rule = |source: &str, regex: &str, action| Config {
            source_labels: vec![source.to_owned()],
            regex: Some(Pattern::new(regex).unwrap()),
            action,
            ..Config::default()
        };
        let host = Config { target_label: "host".to_owned(), ..rule("__address__", "(.*):.*", Action::Replace) };
        ScrapeConfig {
            job_name: "j".to_owned(),
            relabel_configs: vec![host, rule("host", "gpu-.*", Action::Keep)],
            metric_relabel_configs: vec![rule("__name__", "go_.*", Action::Drop)],
            ..ScrapeConfig::default()
        }
    }

    #[test]
    fn each_step_of_a_target_is_shown() {
        let shown = target_steps(&job(), &Labels::from_pairs([("__address__", "gpu-1:9400")]));
        let start = r#"{__address__="gpu-1:9400", __metrics_path__="/metrics", __scheme__="http", __scrape_interval__="1m", __scrape_timeout__="10s""#;
        let expected = format!(
            r#"job "j", relabel_configs: 2 rules
start   {start}, job="j"}}

rule 1  {{source_labels: ["__address__"], regex: "(.*):.*", target_label: "host", action: replace}}
  input   "gpu-1:9400"
  before  {start}, job="j"}}
  after   {start}, host="gpu-1", job="j"}}

rule 2  {{source_labels: ["host"], regex: "gpu-.*", action: keep}}
  input   "gpu-1"
  before  {start}, host="gpu-1", job="j"}}
  after   the same

scraped at http://gpu-1:9400/metrics
series carry {{host="gpu-1", instance="gpu-1:9400", job="j"}}
"#
        );
        assert_eq!(shown, expected);
        let dropped = target_steps(&job(), &Labels::from_pairs([("__address__", "cpu-1:9400")]));
        assert!(dropped.ends_with("  after   dropped\n\ndropped: it is not scraped\n"), "{dropped}");
    }

    #[test]
    fn each_step_of_a_series_is_shown() {
        let shown = |name| metric_steps(&job(), &Labels::from_pairs([("__name__", name)]));
        assert!(shown("go_gc").ends_with("  after   dropped\n\ndropped: it is not stored\n"));
        assert!(shown("vllm:x").ends_with("  after   the same\n\nstored as vllm:x\n"));
    }
}
