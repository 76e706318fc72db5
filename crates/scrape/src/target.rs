//! A target: where it is, and what its series carry.

use model::Labels;
use url::Url;

use crate::config::{Limits, ScrapeConfig};
use crate::source::BuiltIn;

/// How a target's page is had.
#[derive(Clone, Debug)]
pub(crate) enum Endpoint {
    Http(Url),
    BuiltIn(BuiltIn),
}

/// Everything a loop needs to know of its target.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) pool: String,
    pub(crate) endpoint: Endpoint,
    pub(crate) discovered_labels: Labels,
    pub(crate) labels: Labels,
    pub(crate) interval_ms: i64,
    pub(crate) timeout_ms: i64,
    pub(crate) honor_labels: bool,
    pub(crate) honor_timestamps: bool,
    pub(crate) limits: Limits,
}

impl Target {
    /// A target of a job. Labels that begin with two underscores are for the making of the target only.
    pub(crate) fn new(config: &ScrapeConfig, address: &str, own: &Labels) -> Result<Self, url::ParseError> {
        let mut url = Url::parse(&format!("{}://{address}{}", config.scheme, config.metrics_path))?;
        if !config.params.is_empty() {
            url.query_pairs_mut().extend_pairs(&config.params);
        }
        let mut builder = own.to_builder();
        builder.set("__address__", address);
        builder.set("__metrics_path__", &config.metrics_path);
        builder.set("__scheme__", &config.scheme);
        builder.set("__scrape_interval__", &units::duration::format_ms(config.scrape_interval_ms));
        builder.set("__scrape_timeout__", &units::duration::format_ms(config.scrape_timeout_ms));
        if builder.get("job").is_none() {
            builder.set("job", &config.job_name);
        }
        let discovered_labels = builder.build();
        if builder.get("instance").is_none() {
            builder.set("instance", address);
        }
        builder.retain(|name| !name.starts_with("__"));
        Ok(Self {
            pool: config.job_name.clone(),
            endpoint: Endpoint::Http(url),
            discovered_labels,
            labels: builder.build(),
            interval_ms: config.scrape_interval_ms,
            timeout_ms: config.scrape_timeout_ms,
            honor_labels: config.honor_labels,
            honor_timestamps: config.honor_timestamps,
            limits: config.limits.clone(),
        })
    }

    /// A built-in collector as a target.
    pub(crate) fn built_in(source: BuiltIn) -> Self {
        let labels = Labels::from_pairs([("job", source.job.as_str()), ("instance", source.instance.as_str())]);
        Self {
            pool: source.job.clone(),
            discovered_labels: labels.clone(),
            labels,
            interval_ms: source.interval_ms,
            timeout_ms: source.interval_ms,
            honor_labels: false,
            honor_timestamps: true,
            limits: Limits::default(),
            endpoint: Endpoint::BuiltIn(source),
        }
    }

    /// The URL, empty for a built-in collector.
    pub(crate) fn url(&self) -> String {
        match &self.endpoint {
            Endpoint::Http(url) => url.to_string(),
            Endpoint::BuiltIn(_) => String::new(),
        }
    }

    /// What tells this target from others; its series are grouped in the store under it.
    pub(crate) fn key(&self) -> String {
        format!("{} {}", self.labels.to_braces(), self.url())
    }

    /// How far into each interval it is scraped, so that targets do not all answer at once.
    pub(crate) fn offset_ms(&self) -> i64 {
        let hash = xxhash_rust::xxh3::xxh3_64(self.key().as_bytes());
        i64::try_from(hash % u64::try_from(self.interval_ms.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_those_prometheus_gives() {
        let config = ScrapeConfig { job_name: "j".to_owned(), ..ScrapeConfig::default() };
        let own = Labels::from_pairs([("instance", "edge-01"), ("__meta", "x"), ("model", "Qwen")]);
        let target = Target::new(&config, "127.0.0.1:8001", &own).unwrap();
        assert_eq!(target.labels.to_braces(), r#"{instance="edge-01", job="j", model="Qwen"}"#);
        assert_eq!(target.url(), "http://127.0.0.1:8001/metrics");
        assert_eq!(target.discovered_labels.get("__scrape_interval__"), Some("1m"));
    }
}
