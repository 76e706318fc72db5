//! A job of `scrape_configs`, with what it inherits.

use std::path::Path;

use exposition::{Escaping, Protocol};
use scrape::{DROPPED_TARGETS_KEPT, NameValidation, ScrapeConfig, StaticGroup};

use crate::global::{self, Global};
use crate::section::{Field, Section};
use crate::{discovery, http, labels, relabel};

/// Reads a job that was held against its table; relative files count from `folder`.
pub(crate) fn read(field: &Field<'_>, global: &Global, folder: &Path) -> Option<ScrapeConfig> {
    if field.is_null() {
        return None;
    }
    let mut job = field.section()?;
    let mut config = ScrapeConfig { job_name: job.text("job_name").unwrap_or_default(), ..ScrapeConfig::default() };
    let of = format!("scrape config with job name {:?}", config.job_name);

    config.scrape_interval_ms = global::nonzero_ms(&mut job, "scrape_interval").unwrap_or(global.scrape_interval_ms);
    let timeout_ms = global::nonzero_ms(&mut job, "scrape_timeout");
    if timeout_ms.is_some_and(|timeout_ms| config.scrape_interval_ms < timeout_ms) {
        job.error_at("scrape_timeout", format!("scrape timeout greater than scrape interval for {of}"));
    }
    config.scrape_timeout_ms = timeout_ms.unwrap_or(global.scrape_timeout_ms.min(config.scrape_interval_ms));

    address(&mut job, &mut config);
    config.honor_labels = job.boolean("honor_labels").unwrap_or(false);
    config.honor_timestamps = job.boolean("honor_timestamps").unwrap_or(true);
    config.track_timestamps_staleness = job.boolean("track_timestamps_staleness").unwrap_or(false);
    config.enable_compression = job.boolean("enable_compression").unwrap_or(true);
    config.extra_scrape_metrics = job.boolean("extra_scrape_metrics").unwrap_or(global.extra_scrape_metrics);
    config.failure_log = job.path("scrape_failure_log_file", folder).or_else(|| global.failure_log.clone());
    histograms(&mut job, global, &mut config);
    protocols(&mut job, global, &of, &mut config);
    names(&mut job, global, &mut config);
    limits(&mut job, global, &mut config);

    config.http = http::read(&mut job, folder);
    config.static_groups = static_groups(&mut job);
    config.discoveries = discovery::read(&mut job, folder);
    for key in ["relabel_configs", "metric_relabel_configs"] {
        if config.name_validation == NameValidation::Legacy {
            relabel::refuse_foreign_names(&mut job, key);
        }
    }
    config.relabel_configs = relabel::rules(&mut job, "relabel_configs");
    config.metric_relabel_configs = relabel::rules(&mut job, "metric_relabel_configs");
    Some(config)
}

/// Where on a target the page is.
fn address(job: &mut Section<'_>, config: &mut ScrapeConfig) {
    if let Some(path) = job.text("metrics_path") {
        config.metrics_path = path;
    }
    if let Some(scheme) = job.get("scheme") {
        let read = scheme.parsed(|text| match text.to_ascii_lowercase().as_str() {
            known @ ("http" | "https") => Ok(known.to_owned()),
            _ => Err(format!("{text:?} is neither http nor https")),
        });
        config.scheme = read.unwrap_or_else(|| config.scheme.clone());
    }
    for (name, values) in job.get("params").map(|params| params.pairs()).unwrap_or_default() {
        config.params.extend(values.texts().into_iter().map(|value| (name.to_owned(), value)));
    }
}

fn histograms(job: &mut Section<'_>, global: &Global, config: &mut ScrapeConfig) {
    config.native_histograms = job.boolean("scrape_native_histograms").unwrap_or(global.native_histograms);
    let older = job.boolean("scrape_classic_histograms");
    let own = job.boolean("always_scrape_classic_histograms").or(older);
    config.classic_histograms = own.unwrap_or(global.classic_histograms);
    config.classic_to_native = job.boolean("convert_classic_histograms_to_nhcb").unwrap_or(global.classic_to_native);
}

fn protocols(job: &mut Section<'_>, global: &Global, of: &str, config: &mut ScrapeConfig) {
    config.protocols = match global::protocols(job, of).or_else(|| global.protocols.clone()) {
        Some(said) => said,
        // Native histograms come in protobuf only.
        None if config.native_histograms => [Protocol::Protobuf].into_iter().chain(Protocol::DEFAULT).collect(),
        None => Protocol::DEFAULT.to_vec(),
    };
    config.fallback_protocol = job.get("fallback_scrape_protocol").and_then(|field| {
        field.parsed(|name| {
            global::protocol(name)
                .map_err(|(why, hint)| format!("invalid fallback_scrape_protocol for {of}: {why}{hint}"))
        })
    });
}

/// Which names are allowed, and how others are asked for.
fn names(job: &mut Section<'_>, global: &Global, config: &mut ScrapeConfig) {
    let own = global::name_validation(job, "scrape config name validation method specified, must be either '',");
    config.name_validation = own.unwrap_or(global.name_validation);
    let escaping = global::escaping(job, "scrape config");
    // A job that says only which names are allowed does not inherit how the others are asked for.
    config.escaping = escaping.unwrap_or_else(|| own.map_or(global.escaping, global::escaping_of));
    if config.escaping == Escaping::AllowUtf8 && config.name_validation == NameValidation::Legacy {
        let at = if own.is_some() { "metric_name_validation_scheme" } else { "metric_name_escaping_scheme" };
        job.error_at(at, "utf8 metric names requested but validation scheme is not set to UTF8");
    }
}

fn limits(job: &mut Section<'_>, global: &Global, config: &mut ScrapeConfig) {
    config.limits = global::limits(job, &global.limits);
    config.limits.native_buckets_max = global::nonzero(job, "native_histogram_bucket_limit");
    config.limits.native_bucket_factor_min =
        job.get("native_histogram_min_bucket_factor").and_then(|field| field.float()).filter(|factor| 1.0 < *factor);
    config.targets_max = global::nonzero(job, "target_limit").or(global.targets_max);
    config.dropped_targets_kept =
        global::nonzero(job, "keep_dropped_targets").or(global.dropped_targets_kept).unwrap_or(DROPPED_TARGETS_KEPT);
}

fn static_groups(job: &mut Section<'_>) -> Vec<StaticGroup> {
    let groups = job.items("static_configs");
    groups
        .iter()
        .filter(|group| !group.is_null())
        .filter_map(|group| group.section())
        .map(|mut group| StaticGroup {
            targets: group.texts("targets"),
            labels: group.get("labels").map(|field| labels::read(&field)).unwrap_or_default(),
        })
        .collect()
}
