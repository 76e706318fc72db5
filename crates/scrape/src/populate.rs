//! What was found becomes a target, or not: the rules of Prometheus' `scrape.PopulateLabels`.

use std::sync::Arc;

use model::{Labels, LabelsBuilder};
use thiserror::Error;
use url::Url;

use crate::config::ScrapeConfig;
use crate::fetch;
use crate::target::{Endpoint, Target};

/// Labels that decide where and when a target is scraped.
pub(crate) const ADDRESS: &str = "__address__";
const SCHEME: &str = "__scheme__";
const METRICS_PATH: &str = "__metrics_path__";
const SCRAPE_INTERVAL: &str = "__scrape_interval__";
const SCRAPE_TIMEOUT: &str = "__scrape_timeout__";
/// A label that begins so is a parameter of the URL.
const PARAM_PREFIX: &str = "__param_";
/// Labels that begin so are for the making of targets only.
const RESERVED_PREFIX: &str = "__";
/// Where the local discovery says why it found a target.
const REASON: &str = "__meta_local_reason";

/// Why something that was found cannot be a target. The texts are Prometheus' where it has one.
#[derive(Debug, Error)]
pub(crate) enum PopulateError {
    #[error("no address")]
    NoAddress,
    #[error("{0:?} is not a valid hostname")]
    Hostname(String),
    #[error("error parsing scrape interval: {0}")]
    Interval(#[source] units::duration::DurationError),
    #[error("scrape interval cannot be 0")]
    NoInterval,
    #[error("error parsing scrape timeout: {0}")]
    Timeout(#[source] units::duration::DurationError),
    #[error("scrape timeout cannot be 0")]
    NoTimeout,
    #[error("scrape timeout cannot be greater than scrape interval ({timeout:?} > {interval:?})")]
    TimeoutAboveInterval { timeout: String, interval: String },
    #[error("cannot be scraped at {url:?}: {source}")]
    Url { url: String, source: url::ParseError },
    #[error("{0:?} is not a scheme: a page is had by http or https")]
    Scheme(String),
}

/// The labels before the job's rules: the target's own, its group's, and the job's where neither has them.
pub(crate) fn discovered(config: &ScrapeConfig, own: &Labels, group: &Labels) -> LabelsBuilder {
    let mut builder = group.to_builder();
    for (name, value) in own {
        builder.set(name, value);
    }
    let mut set_default = |name: &str, value: &str| {
        if builder.get(name).is_none() {
            builder.set(name, value);
        }
    };
    set_default("job", &config.job_name);
    set_default(SCRAPE_INTERVAL, &units::duration::format_ms(config.scrape_interval_ms));
    set_default(SCRAPE_TIMEOUT, &units::duration::format_ms(config.scrape_timeout_ms));
    set_default(METRICS_PATH, &config.metrics_path);
    set_default(SCHEME, &config.scheme);
    // Of a parameter that is given several times the first is the label.
    for (name, value) in &config.params {
        set_default(&format!("{PARAM_PREFIX}{name}"), value);
    }
    builder
}

/// What became of what was found.
pub(crate) enum Populated {
    Target(Box<Target>),
    /// The job's rules dropped it; these were its labels before.
    Dropped(Labels),
}

/// Makes a target of what was found. `job` is `config` as loops see it, see [`ScrapeConfig::without_targets`].
pub(crate) fn populate(
    config: &ScrapeConfig,
    job: &Arc<ScrapeConfig>,
    own: &Labels,
    group: &Labels,
) -> Result<Populated, PopulateError> {
    let mut builder = discovered(config, own, group);
    let discovered_labels = builder.build();
    if !relabel::process(&mut builder, &config.relabel_configs) {
        return Ok(Populated::Dropped(discovered_labels));
    }
    let address = builder.get(ADDRESS).ok_or(PopulateError::NoAddress)?.to_owned();
    if address.contains('/') {
        return Err(PopulateError::Hostname(address));
    }
    let (interval_ms, timeout_ms) = timing(&builder)?;
    let url = url_text(config, &mut builder);
    let scheme = builder.get(SCHEME).unwrap_or_default();
    if !matches!(scheme, "http" | "https") {
        return Err(PopulateError::Scheme(scheme.to_owned()));
    }
    let parsed = Url::parse(&url).map_err(|source| PopulateError::Url { url: url.clone(), source })?;
    if builder.get("instance").is_none() {
        builder.set("instance", &address);
    }
    builder.retain(|name| !name.starts_with(RESERVED_PREFIX));
    if builder.build().is_empty() {
        return Ok(Populated::Dropped(discovered_labels));
    }
    Ok(Populated::Target(Box::new(Target {
        pool: config.job_name.clone(),
        endpoint: Endpoint::Http(parsed),
        url,
        reason: discovered_labels.get(REASON).map(str::to_owned),
        discovered_labels,
        labels: builder.build(),
        interval_ms,
        timeout_ms,
        honor_labels: config.honor_labels,
        honor_timestamps: config.honor_timestamps,
        limits: config.limits.clone(),
        request_headers: fetch::request_headers(config, timeout_ms),
        job: Arc::clone(job),
    })))
}

/// Interval and timeout in milliseconds, as the labels say after the job's rules.
fn timing(builder: &LabelsBuilder) -> Result<(i64, i64), PopulateError> {
    let text = |name| builder.get(name).unwrap_or_default();
    let (interval, timeout) = (text(SCRAPE_INTERVAL), text(SCRAPE_TIMEOUT));
    let interval_ms = units::duration::parse_ms(interval).map_err(PopulateError::Interval)?;
    if interval_ms == 0 {
        return Err(PopulateError::NoInterval);
    }
    let timeout_ms = units::duration::parse_ms(timeout).map_err(PopulateError::Timeout)?;
    if timeout_ms == 0 {
        return Err(PopulateError::NoTimeout);
    }
    if interval_ms < timeout_ms {
        let (timeout, interval) = (timeout.to_owned(), interval.to_owned());
        return Err(PopulateError::TimeoutAboveInterval { timeout, interval });
    }
    Ok((interval_ms, timeout_ms))
}

/// The URL as Go writes it: parameters sorted by name, a port kept even if the scheme implies it.
fn url_text(config: &ScrapeConfig, builder: &mut LabelsBuilder) -> String {
    let mut params = config.params.clone();
    let labels = builder.build();
    for (name, value) in labels.iter().filter_map(|(name, value)| Some((name.strip_prefix(PARAM_PREFIX)?, value))) {
        match params.iter_mut().find(|(known, _)| known == name) {
            Some((_, first)) => value.clone_into(first),
            None => params.push((name.to_owned(), value.to_owned())),
        }
    }
    params.sort_by(|(a, _), (b, _)| a.cmp(b));
    let query: Vec<String> =
        params.iter().map(|(name, value)| format!("{}={}", escape_query(name), escape_query(value))).collect();
    let label = |name| labels.get(name).unwrap_or_default();
    let path = label(METRICS_PATH);
    let slash = if path.starts_with('/') || path.is_empty() { "" } else { "/" };
    let mut url = format!("{}://{}{slash}{}", label(SCHEME), label(ADDRESS), escape(path, b"-_.~$&+,/:;=@"));
    if !query.is_empty() {
        url.push('?');
        url.push_str(&query.join("&"));
    }
    url
}

fn escape_query(text: &str) -> String {
    escape(text, b"-_.~ ").replace(' ', "+")
}

/// `%41` for every byte that is neither a letter, a digit nor in `kept`.
fn escape(text: &str, kept: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
impl Target {
    /// A target of a job that has rules for neither.
    pub(crate) fn new(config: &ScrapeConfig, address: &str, own: &Labels) -> Result<Self, PopulateError> {
        let own = own.to_builder().set(ADDRESS, address).build();
        match populate(config, &Arc::new(config.clone()), &own, &Labels::empty())? {
            Populated::Target(target) => Ok(*target),
            Populated::Dropped(_) => Err(PopulateError::NoAddress),
        }
    }
}

#[cfg(test)]
mod tests {
    use relabel::{Action, Pattern};

    use super::*;

    fn job() -> ScrapeConfig {
        ScrapeConfig { job_name: "j".to_owned(), ..ScrapeConfig::default() }
    }

    fn set(source: &[&str], regex: &str, target: &str, replacement: &str) -> relabel::Config {
        relabel::Config {
            source_labels: source.iter().map(|name| (*name).to_owned()).collect(),
            regex: Some(Pattern::new(regex).unwrap()),
            target_label: target.to_owned(),
            replacement: replacement.to_owned(),
            ..relabel::Config::default()
        }
    }

    /// What becomes of a target with these labels: its labels, URL, interval and timeout; `dropped`, or the error.
    fn check(config: &ScrapeConfig, own: &[(&str, &str)], expected: &str) {
        let group = Labels::from_pairs([("team", "blue"), ("instance", "")]);
        let own = Labels::from_pairs(own.iter().copied());
        let shown = match populate(config, &Arc::new(config.clone()), &own, &group) {
            Ok(Populated::Target(target)) => {
                let Target { labels, url, interval_ms, timeout_ms, .. } = *target;
                format!("{} {url} {interval_ms}/{timeout_ms}", labels.to_braces())
            }
            Ok(Populated::Dropped(_)) => "dropped".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn labels_and_urls_are_those_prometheus_gives() {
        let at = ("__address__", "127.0.0.1:8001");
        let plain = r#"{instance="127.0.0.1:8001", job="j", team="blue"} http://127.0.0.1:8001/metrics 60000/10000"#;
        check(&job(), &[at], plain);
        check(&job(), &[at, ("__meta_x", "1"), ("__tmp_y", "2"), ("__z", "3")], plain);
        check(
            &job(),
            &[at, ("instance", "edge-01"), ("job", "mine"), ("team", "red")],
            r#"{instance="edge-01", job="mine", team="red"} http://127.0.0.1:8001/metrics 60000/10000"#,
        );
        check(
            &job(),
            &[
                at,
                ("__scheme__", "https"),
                ("__metrics_path__", "a b?c"),
                ("__scrape_interval__", "5s"),
                ("__scrape_timeout__", "1s500ms"),
                ("__param_q", "x&y"),
            ],
            r#"{instance="127.0.0.1:8001", job="j", team="blue"} https://127.0.0.1:8001/a%20b%3Fc?q=x%26y 5000/1500"#,
        );
        let mut config = job();
        config.params = vec![("b".to_owned(), "1".to_owned()), ("a".to_owned(), "2 3".to_owned())];
        config.params.push(("b".to_owned(), "4".to_owned()));
        check(
            &config,
            &[("__address__", "h:80"), ("__param_b", "0")],
            r#"{instance="h:80", job="j", team="blue"} http://h:80/metrics?a=2+3&b=0&b=4 60000/10000"#,
        );
    }

    #[test]
    fn rules_decide_about_everything() {
        let mut config = job();
        config.relabel_configs = vec![
            set(&["__address__"], "(.*):1", "__address__", "$1:2"),
            set(&["team"], ".*", "__scrape_interval__", "20s"),
            set(&["team"], ".*", "__param_module", "tcp"),
            set(&["team"], ".*", "job", "other"),
        ];
        check(
            &config,
            &[("__address__", "h:1")],
            r#"{instance="h:2", job="other", team="blue"} http://h:2/metrics?module=tcp 20000/10000"#,
        );
        config.relabel_configs.push(relabel::Config { action: Action::Drop, ..set(&["team"], "blue", "", "") });
        check(&config, &[("__address__", "h:1")], "dropped");
    }

    #[test]
    fn what_cannot_be_scraped_says_why() {
        let bad = |own: &[(&str, &str)], expected| {
            let mut own = own.to_vec();
            if own.iter().all(|(name, _)| *name != "__address__") {
                own.push(("__address__", "h:1"));
            }
            check(&job(), &own, expected);
        };
        check(&job(), &[], "no address");
        bad(&[("__address__", "http://h:1")], "\"http://h:1\" is not a valid hostname");
        bad(&[("__scrape_interval__", "0s")], "scrape interval cannot be 0");
        bad(&[("__scrape_timeout__", "0s")], "scrape timeout cannot be 0");
        bad(
            &[("__scrape_interval__", "1s")],
            "scrape timeout cannot be greater than scrape interval (\"10s\" > \"1s\")",
        );
        bad(&[("__scrape_interval__", "x")], "error parsing scrape interval: not a valid duration string: \"x\"");
        bad(&[("__scheme__", "ftp")], "\"ftp\" is not a scheme: a page is had by http or https");
        bad(&[("__address__", "h:x")], "cannot be scraped at \"http://h:x/metrics\": invalid port number");
    }
}
