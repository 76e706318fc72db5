//! `global`, `scrape_configs` and `static_configs`.

use super::discovery::DISCOVERIES;
use super::http::{HTTP, PROXY};
use super::relabel::RELABEL;
use crate::schema::{Group, Kind, Schema, key};
use crate::section::Section;

/// Keys that `global` and a job share; a job's go first.
pub(crate) static SHARED: Group = Group {
    keys: &[
        key("scrape_interval", Kind::Duration),
        key("scrape_timeout", Kind::Duration),
        key("scrape_protocols", Kind::List(&Kind::Text)),
        key("scrape_native_histograms", Kind::Boolean),
        key("always_scrape_classic_histograms", Kind::Boolean),
        key("convert_classic_histograms_to_nhcb", Kind::Boolean),
        key("extra_scrape_metrics", Kind::Boolean),
        key("scrape_failure_log_file", Kind::Path),
        key("body_size_limit", Kind::Size),
        key("sample_limit", Kind::Count),
        key("target_limit", Kind::Count),
        key("label_limit", Kind::Count),
        key("label_name_length_limit", Kind::Count),
        key("label_value_length_limit", Kind::Count),
        key("keep_dropped_targets", Kind::Count),
        key("metric_name_validation_scheme", Kind::Text),
        key("metric_name_escaping_scheme", Kind::Text),
    ],
    check: None,
};

/// What holds for all jobs.
pub(crate) static GLOBAL: Schema = Schema {
    name: "global",
    groups: &[
        &SHARED,
        &Group {
            keys: &[
                key("evaluation_interval", Kind::Duration),
                key("rule_query_offset", Kind::Duration),
                key("external_labels", Kind::Labels),
                key("query_log_file", Kind::Path).inactive("there is no query log yet"),
                key("retention", Kind::Duration)
                    .foreign("taken as how long raw samples are kept. Its own place is storage.tsdb.retention.time"),
            ],
            check: None,
        },
    ],
};

/// A job.
pub(crate) static JOB: Schema = Schema {
    name: "scrape_config",
    groups: &[
        &Group { keys: &[key("job_name", Kind::Text)], check: Some(check_name) },
        &SHARED,
        &Group {
            keys: &[
                key("fallback_scrape_protocol", Kind::Text),
                key("scrape_classic_histograms", Kind::Boolean)
                    .foreign("taken as always_scrape_classic_histograms, which is its name since 3.0"),
                key("native_histogram_bucket_limit", Kind::Count),
                key("native_histogram_min_bucket_factor", Kind::Float),
                key("honor_labels", Kind::Boolean),
                key("honor_timestamps", Kind::Boolean),
                key("track_timestamps_staleness", Kind::Boolean),
                key("metrics_path", Kind::Text),
                key("scheme", Kind::Text),
                key("params", Kind::Map(&Kind::List(&Kind::Text))),
                key("enable_compression", Kind::Boolean),
                key(
                    "relabel_configs",
                    Kind::Sections(&RELABEL, "empty or null target relabeling rule in scrape config"),
                ),
                key(
                    "metric_relabel_configs",
                    Kind::Sections(&RELABEL, "empty or null metric relabeling rule in scrape config"),
                ),
                key("static_configs", Kind::Sections(&STATIC, "empty or null section in static_configs")),
                key("target_groups", Kind::Any).refused("is called static_configs since Prometheus 0.16"),
            ],
            check: Some(check_targets),
        },
        &HTTP,
        &PROXY,
        &DISCOVERIES,
    ],
};

/// Targets that are written down.
pub(crate) static STATIC: Schema = Schema {
    name: "static_config",
    groups: &[&Group { keys: &[key("targets", Kind::List(&Kind::Text)), key("labels", Kind::Labels)], check: None }],
};

fn check_name(job: &mut Section<'_>) {
    if !job.has("job_name") {
        job.error_at("job_name", "job_name is empty");
    }
}

/// People put URLs where addresses belong.
pub(super) fn check_targets(section: &mut Section<'_>) {
    // A rule may make an address of it.
    if !section.items("relabel_configs").is_empty() {
        return;
    }
    for group in section.items("static_configs") {
        let Some(mut group) = group.section() else { continue };
        for target in group.items("targets") {
            if let Some(text) = target.text()
                && text.contains('/')
            {
                target.error(format!("{text:?} is not a valid hostname: {}", address_hint(text)));
            }
        }
    }
}

/// How to write a URL as an address and its keys.
fn address_hint(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").map_or((None, text), |(scheme, rest)| (Some(scheme), rest));
    let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut keys = Vec::new();
    if scheme == Some("https") {
        keys.push("scheme: https".to_owned());
    }
    if !path.is_empty() {
        keys.push(format!("metrics_path: /{path}"));
    }
    let keys = if keys.is_empty() { String::new() } else { format!(", and {} in the job", keys.join(" and ")) };
    format!("a target is HOST:PORT; write {address}{keys}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_becomes_an_address_and_keys() {
        for (text, expected) in [
            ("http://bad", "a target is HOST:PORT; write bad"),
            (
                "https://a:1/x/y",
                "a target is HOST:PORT; write a:1, and scheme: https and metrics_path: /x/y in the job",
            ),
            ("a:1/metrics", "a target is HOST:PORT; write a:1, and metrics_path: /metrics in the job"),
        ] {
            assert_eq!(address_hint(text), expected);
        }
    }
}
