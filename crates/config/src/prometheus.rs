//! `prometheus.yml`: what to scrape, which rules to evaluate.

use std::path::Path;

use model::Labels;
use scrape::{ScrapeConfig, StaticGroup};

use crate::http;
use crate::problem::Problem;
use crate::section::{Field, Findings, Section};
use crate::{Loaded, relabel, rule_files};

/// What a `prometheus.yml` and the rule files it names say.
#[derive(Clone, Debug)]
pub struct Prometheus {
    /// The jobs.
    pub scrape_configs: Vec<ScrapeConfig>,
    /// The rule groups of all files.
    pub rule_groups: Vec<rules::GroupConfig>,
    /// Labels for everything that leaves this machine, alerts among it.
    pub external_labels: Labels,
    /// How often rule groups are evaluated that do not say it themselves, in milliseconds.
    pub evaluation_interval_ms: i64,
    /// How long raw samples are kept in milliseconds, if the file says so.
    pub retention_ms: Option<i64>,
    /// How late samples may come in milliseconds, if the file says so.
    pub out_of_order_ms: Option<i64>,
    /// How many exemplars are kept, if the file says so.
    pub exemplars_max: Option<usize>,
}

/// Prometheus' defaults, in milliseconds.
const INTERVAL_MS: i64 = 60_000;
const TIMEOUT_MS: i64 = 10_000;

/// Nothing to scrape, nothing to evaluate.
impl Default for Prometheus {
    fn default() -> Self {
        Self {
            scrape_configs: Vec::new(),
            rule_groups: Vec::new(),
            external_labels: Labels::empty(),
            evaluation_interval_ms: INTERVAL_MS,
            retention_ms: None,
            out_of_order_ms: None,
            exemplars_max: None,
        }
    }
}

/// Reads `path` and the rule files it names. With any error among the problems the value must not be used.
pub fn load(path: &Path) -> Loaded<Prometheus> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return Loaded::unreadable(path, &error),
    };
    let (mut value, patterns, mut problems) = parse(&text, path, folder);
    for pattern in patterns {
        for file in rule_files::expand(&folder.join(&pattern)) {
            let loaded = rule_files::load(&file);
            value.rule_groups.extend(loaded.value);
            problems.extend(loaded.problems);
        }
    }
    Loaded { value, problems }
}

/// Reads the text of a `prometheus.yml`; the second value are the patterns of its rule files.
fn parse(text: &str, path: &Path, folder: &Path) -> (Prometheus, Vec<String>, Vec<Problem>) {
    let findings = Findings::new(path);
    let mut value = Prometheus::default();
    let mut patterns = Vec::new();
    if let Some(node) = findings.parse(text)
        && let Some(mut root) = Field::root(&findings, &node).section()
    {
        let defaults = global(&mut root, &mut value);
        storage(&mut root, &mut value);
        patterns = root.get("rule_files").map(|field| field.texts()).unwrap_or_default();
        let jobs = root.get("scrape_configs").map(|field| field.items()).unwrap_or_default();
        value.scrape_configs = jobs.iter().filter_map(|job| scrape_config(job, &defaults, folder)).collect();
        refuse_repeated_jobs(&jobs, &value.scrape_configs);
        alerting(&mut root);
        root.inactive(&[
            ("remote_write", "samples are not sent on yet"),
            ("remote_read", "samples are not read from elsewhere"),
            ("tracing", "there are no traces"),
            ("otlp", "OTLP is not received yet"),
            ("runtime", "there is no Go runtime to set"),
        ]);
        root.not_supported(&["scrape_config_files"]);
        root.finish();
    }
    (value, patterns, findings.into_problems())
}

/// What `global` says for jobs that do not say it themselves.
struct ScrapeDefaults {
    interval_ms: i64,
    timeout_ms: Option<i64>,
    limits: scrape::Limits,
}

fn global(root: &mut Section<'_>, value: &mut Prometheus) -> ScrapeDefaults {
    let mut defaults = ScrapeDefaults { interval_ms: INTERVAL_MS, timeout_ms: None, limits: scrape::Limits::default() };
    let Some(field) = root.get("global") else { return defaults };
    let Some(mut global) = field.section() else { return defaults };
    if let Some(interval_ms) = global.positive_ms("scrape_interval") {
        defaults.interval_ms = interval_ms;
    }
    defaults.timeout_ms = global.positive_ms("scrape_timeout");
    if let Some(timeout_ms) = defaults.timeout_ms
        && defaults.interval_ms < timeout_ms
    {
        global.error("global scrape timeout greater than scrape interval");
    }
    value.evaluation_interval_ms = global.positive_ms("evaluation_interval").unwrap_or(INTERVAL_MS);
    if let Some(labels) = global.get("external_labels") {
        value.external_labels = read_labels(&labels);
    }
    if let Some(retention) = global.get("retention") {
        value.retention_ms = retention.duration_ms();
        retention.warning(
            "Prometheus has no such key; taken as how long raw samples are kept. Its own place is \
             storage.tsdb.retention.time",
        );
    }
    defaults.limits = limits(&mut global, &defaults.limits);
    global.inactive(&[
        ("query_log_file", "there is no query log yet"),
        ("scrape_failure_log_file", "failed scrapes are on the targets page"),
        ("keep_dropped_targets", "dropped targets are always kept"),
        ("scrape_protocols", "the classic text format is asked for"),
        ("metric_name_escaping_scheme", "names are never escaped"),
        ("scrape_native_histograms", "native histograms are not scraped yet"),
        ("always_scrape_classic_histograms", "classic histograms are always scraped"),
        ("convert_classic_histograms_to_nhcb", "classic histograms stay as they are"),
        ("extra_scrape_metrics", "the extra series are not written"),
        ("metric_name_validation_scheme", "any UTF-8 name is taken"),
    ]);
    global.not_supported(&["rule_query_offset"]);
    global.finish();
    defaults
}

fn storage(root: &mut Section<'_>, value: &mut Prometheus) {
    let Some(mut storage) = root.get("storage").and_then(|field| field.section()) else { return };
    if let Some(mut tsdb) = storage.get("tsdb").and_then(|field| field.section()) {
        if let Some(mut retention) = tsdb.get("retention").and_then(|field| field.section()) {
            value.retention_ms = retention.positive_ms("time").or(value.retention_ms);
            retention.inactive(&[("size", "a size limit is not supported yet"), ("percentage", "not supported yet")]);
            retention.finish();
        }
        value.out_of_order_ms = tsdb.duration_ms("out_of_order_time_window");
        tsdb.inactive(&[
            ("stale_series_compaction_threshold", "the storage engine is another"),
            ("chunk_encoding_floats", "the storage engine is another"),
        ]);
        tsdb.finish();
    }
    if let Some(mut exemplars) = storage.get("exemplars").and_then(|field| field.section()) {
        // Nothing is kept with zero, and with less, as in Prometheus.
        let max = exemplars.get("max_exemplars").and_then(|field| field.parsed(str::parse::<i64>));
        value.exemplars_max = max.map(|max| usize::try_from(max).unwrap_or(0));
        exemplars.finish();
    }
    storage.finish();
}

/// Alerts go through the built-in Alertmanager whatever stands here.
fn alerting(root: &mut Section<'_>) {
    let Some(field) = root.get("alerting") else { return };
    let Some(mut alerting) = field.section() else { return };
    if alerting.get("alertmanagers").is_some_and(|managers| !managers.items().is_empty()) {
        field.warning(
            "alerts go through the built-in Alertmanager (--alertmanager.config-file); those named here are not told",
        );
    }
    alerting.not_supported(&["alert_relabel_configs"]);
    alerting.finish();
}

fn scrape_config(field: &Field<'_>, defaults: &ScrapeDefaults, folder: &Path) -> Option<ScrapeConfig> {
    if field.is_null() {
        field.error("empty or null scrape config section");
        return None;
    }
    let mut job = field.section()?;
    let mut config = ScrapeConfig { job_name: job.text("job_name").unwrap_or_default(), ..ScrapeConfig::default() };
    if config.job_name.is_empty() {
        job.error("job_name is empty");
    }
    config.scrape_interval_ms = job.positive_ms("scrape_interval").unwrap_or(defaults.interval_ms);
    let own_timeout_ms = job.positive_ms("scrape_timeout");
    if let Some(timeout_ms) = own_timeout_ms
        && config.scrape_interval_ms < timeout_ms
    {
        job.error(format!(
            "scrape timeout greater than scrape interval for scrape config with job name {:?}",
            config.job_name
        ));
    }
    let inherited_ms = defaults.timeout_ms.unwrap_or(TIMEOUT_MS).min(config.scrape_interval_ms);
    config.scrape_timeout_ms = own_timeout_ms.unwrap_or(inherited_ms);
    if let Some(path) = job.text("metrics_path") {
        config.metrics_path = path;
    }
    if let Some(scheme) = job.get("scheme") {
        let read = scheme.parsed(|text| match text.to_ascii_lowercase().as_str() {
            known @ ("http" | "https") => Ok(known.to_owned()),
            _ => Err(format!("{text:?} is neither http nor https")),
        });
        config.scheme = read.unwrap_or(config.scheme);
    }
    if let Some(params) = job.get("params") {
        for (name, values) in params.pairs() {
            config.params.extend(values.texts().into_iter().map(|value| (name.to_owned(), value)));
        }
    }
    config.honor_labels = job.boolean("honor_labels").unwrap_or(false);
    config.honor_timestamps = job.boolean("honor_timestamps").unwrap_or(true);
    config.limits = limits(&mut job, &defaults.limits);
    config.http = http::read(&mut job, folder);
    config.static_groups = job
        .get("static_configs")
        .map(|list| list.items())
        .unwrap_or_default()
        .iter()
        .filter_map(static_group)
        .collect();
    job.inactive(&[
        ("scrape_protocols", "the classic text format is asked for"),
        ("fallback_scrape_protocol", "an answer without a type is read as classic text"),
        ("scrape_native_histograms", "native histograms are not scraped yet"),
        ("scrape_classic_histograms", "classic histograms are always scraped"),
        ("always_scrape_classic_histograms", "classic histograms are always scraped"),
        ("convert_classic_histograms_to_nhcb", "classic histograms stay as they are"),
        ("extra_scrape_metrics", "the extra series are not written"),
        ("scrape_failure_log_file", "failed scrapes are on the targets page"),
        ("enable_compression", "gzip is always offered"),
        ("keep_dropped_targets", "dropped targets are always kept"),
        ("metric_name_escaping_scheme", "names are never escaped"),
        ("metric_name_validation_scheme", "any UTF-8 name is taken"),
        ("native_histogram_bucket_limit", "native histograms are not scraped yet"),
        ("native_histogram_min_bucket_factor", "native histograms are not scraped yet"),
        ("track_timestamps_staleness", "series with timestamps of their own end after the lookback"),
    ]);
    config.relabel_configs = job
        .get("relabel_configs")
        .map(|list| relabel::rules(&list, "target relabeling rule in scrape config"))
        .unwrap_or_default();
    config.metric_relabel_configs = job
        .get("metric_relabel_configs")
        .map(|list| relabel::rules(&list, "metric relabeling rule in scrape config"))
        .unwrap_or_default();
    job.not_supported(&["target_limit"]);
    job.not_supported(DISCOVERIES);
    job.finish();
    Some(config)
}

/// Service discovery that Prometheus 3 knows.
const DISCOVERIES: &[&str] = &[
    "azure_sd_configs",
    "consul_sd_configs",
    "digitalocean_sd_configs",
    "dns_sd_configs",
    "docker_sd_configs",
    "dockerswarm_sd_configs",
    "ec2_sd_configs",
    "eureka_sd_configs",
    "file_sd_configs",
    "gce_sd_configs",
    "hetzner_sd_configs",
    "http_sd_configs",
    "ionos_sd_configs",
    "kubernetes_sd_configs",
    "kuma_sd_configs",
    "lightsail_sd_configs",
    "linode_sd_configs",
    "marathon_sd_configs",
    "nerve_sd_configs",
    "nomad_sd_configs",
    "openstack_sd_configs",
    "oci_sd_configs",
    "outscale_sd_configs",
    "ovhcloud_sd_configs",
    "puppetdb_sd_configs",
    "scaleway_sd_configs",
    "serverset_sd_configs",
    "stackit_sd_configs",
    "triton_sd_configs",
    "uyuni_sd_configs",
    "vultr_sd_configs",
];

fn static_group(field: &Field<'_>) -> Option<StaticGroup> {
    if field.is_null() {
        field.error("empty or null section in static_configs");
        return None;
    }
    let mut section = field.section()?;
    let targets = section.get("targets");
    for target in targets.iter().flat_map(Field::items) {
        if target.text().is_some_and(|text| text.contains('/')) {
            target.error("is not a valid hostname: a target is HOST:PORT; the path belongs to metrics_path");
        }
    }
    let group = StaticGroup {
        targets: targets.map(|field| field.texts()).unwrap_or_default(),
        labels: section.get("labels").map(|field| read_labels(&field)).unwrap_or_default(),
    };
    section.finish();
    Some(group)
}

fn limits(section: &mut Section<'_>, inherited: &scrape::Limits) -> scrape::Limits {
    let mut limits = inherited.clone();
    if let Some(bytes) = section.get("body_size_limit").and_then(|field| field.size_bytes())
        && bytes != 0
    {
        limits.body_bytes_max = bytes;
    }
    for (key, limit) in [
        ("sample_limit", &mut limits.samples_max),
        ("label_limit", &mut limits.labels_max),
        ("label_name_length_limit", &mut limits.label_name_bytes_max),
        ("label_value_length_limit", &mut limits.label_value_bytes_max),
    ] {
        // Zero means no limit, as in Prometheus.
        if let Some(count) = section.get(key).and_then(|field| field.count()) {
            *limit = (count != 0).then_some(count);
        }
    }
    limits
}

/// Labels that a person wrote: any UTF-8 name but `__name__`.
pub(crate) fn read_labels(field: &Field<'_>) -> Labels {
    let pairs = field.pairs();
    for (name, value) in &pairs {
        if name.is_empty() || *name == model::METRIC_NAME {
            value.error(format!("{name:?} is not a valid label name"));
        }
    }
    Labels::from_pairs(field.text_pairs())
}

fn refuse_repeated_jobs(fields: &[Field<'_>], configs: &[ScrapeConfig]) {
    for (position, config) in configs.iter().enumerate() {
        if configs[..position].iter().any(|earlier| earlier.job_name == config.job_name)
            && let Some(field) = fields.get(position)
        {
            field.error(format!("found multiple scrape configs with job name {:?}", config.job_name));
        }
    }
}
