//! What Prometheus says of its own scraping, under its names.

use model::{Family, MetricType};

use crate::common::{Counted, Tally};
use crate::view::View;

/// The families, by name.
pub(crate) fn families(view: &View, tally: &Tally) -> Vec<Family> {
    let pools = view.pools();
    let by_job = |name: &str, help: &str, kind, values: Vec<(&str, f64)>| {
        let mut family = Family::new(name, help, kind);
        for (job, value) in values {
            family.push([("scrape_job", job)], value);
        }
        family
    };
    let total = |name: &str, help: &str, what| {
        let mut family = Family::new(name, help, MetricType::Counter);
        family.push([], tally.of(what) as f64);
        family
    };
    let targets = pools.iter().map(|pool| (pool.name.as_str(), (pool.up + pool.down + pool.unknown) as f64));
    let limits = view
        .jobs
        .iter()
        .map(|job| (job.config.job_name.as_str(), job.config.targets_max.map_or(0.0, |limit| limit as f64)));
    let failed = view.pools.iter().map(|pool| (pool.name.as_str(), pool.errors_count as f64));
    let found = view.pools.iter().map(|pool| {
        let found = pool.targets.len() + pool.dropped_count + pool.errors_count;
        (pool.name.as_str(), found as f64)
    });
    let mut discovered =
        Family::new("prometheus_sd_discovered_targets", "Targets found, before rules.", MetricType::Gauge);
    for (job, count) in found {
        discovered.push([("config", job), ("name", "scrape")], count);
    }
    vec![
        discovered,
        by_job(
            "prometheus_target_scrape_pool_target_limit",
            "The job's target_limit, 0 for none.",
            MetricType::Gauge,
            limits.collect(),
        ),
        by_job(
            "prometheus_target_scrape_pool_targets",
            "Targets of the job at this moment.",
            MetricType::Gauge,
            targets.collect(),
        ),
        by_job(
            "prometheus_target_sync_failed",
            "What was found at this moment and cannot be made a target.",
            MetricType::Gauge,
            failed.collect(),
        ),
        total(
            "prometheus_target_scrape_pool_exceeded_target_limit_total",
            "Scrapes that failed because their job has more targets than its target_limit.",
            Counted::TargetLimit,
        ),
        total(
            "prometheus_target_scrapes_exceeded_body_size_limit_total",
            "Scrapes that failed because the page has more bytes than the job's body_size_limit.",
            Counted::BodyLimit,
        ),
        total(
            "prometheus_target_scrapes_exceeded_sample_limit_total",
            "Scrapes that failed because the page has more samples than the job's sample_limit.",
            Counted::SampleLimit,
        ),
        total(
            "prometheus_target_scrapes_exceeded_native_histogram_bucket_limit_total",
            "Scrapes that failed because a native histogram has more buckets than the job's limit, however coarse.",
            Counted::BucketLimit,
        ),
        total(
            "prometheus_target_scrape_pool_exceeded_label_limits_total",
            "Scrapes that failed because the page has labels beyond the job's limits.",
            Counted::LabelLimits,
        ),
        total(
            "prometheus_target_scrapes_sample_duplicate_timestamp_total",
            "Samples that were refused because there is one of the same moment with another value.",
            Counted::Duplicate,
        ),
        total(
            "prometheus_target_scrapes_sample_out_of_order_total",
            "Samples that were refused because there are later ones.",
            Counted::OutOfOrder,
        ),
        total(
            "prometheus_target_scrapes_sample_out_of_bounds_total",
            "Samples that were refused because they are too old or too far in the future.",
            Counted::OutOfBounds,
        ),
        total(
            "prometheus_target_scrape_failure_log_failed_total",
            "Failed scrapes that could not be written to their log.",
            Counted::FailureLog,
        ),
    ]
}
