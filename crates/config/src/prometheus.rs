//! `prometheus.yml`: what to scrape, which rules to evaluate.

use std::path::{Path, PathBuf};

use model::Labels;
use scrape::ScrapeConfig;

use crate::global::{self, Environment, Global};
use crate::problem::Problem;
use crate::section::{Field, Findings, Section};
use crate::tables::{PROMETHEUS, SCRAPE_CONFIG_FILE};
use crate::{Loaded, files, job, rule_files, walk};

/// What a `prometheus.yml` and the files that it names say.
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
    /// How large the store may become in bytes, if the file says so.
    pub retention_bytes: Option<usize>,
    /// How much older than the store's newest sample one may be, in milliseconds, if the file says so; counts from the
    /// next start on.
    pub out_of_order_ms: Option<i64>,
    /// Exemplars that are kept, if the file says so; counts from the next start on.
    pub exemplars_max: Option<usize>,
    /// How received OTLP metrics become series.
    pub otlp: remote::OtlpConfig,
}

/// Nothing to scrape, nothing to evaluate.
impl Default for Prometheus {
    fn default() -> Self {
        Self {
            scrape_configs: Vec::new(),
            rule_groups: Vec::new(),
            external_labels: Labels::empty(),
            evaluation_interval_ms: global::INTERVAL_MS,
            retention_ms: None,
            retention_bytes: None,
            out_of_order_ms: None,
            exemplars_max: None,
            otlp: remote::OtlpConfig::default(),
        }
    }
}

/// Reads `path` and the files that it names; `external_labels` see this process's environment. With any error among the
/// problems the value must not be used.
pub fn load(path: &Path) -> Loaded<Prometheus> {
    load_with(path, &|name| std::env::var(name).ok())
}

/// Reads `path` and the files that it names, with environment variables for `external_labels` as `environment` has them.
pub fn load_with(path: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Loaded<Prometheus> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return Loaded::unreadable(path, &error),
    };
    let Parsed { mut value, global, rule_files, scrape_config_files, mut problems } =
        parse(&text, path, folder, environment);
    let mut jobs: Vec<(String, String)> =
        value.scrape_configs.iter().map(|job| (job.job_name.clone(), "main config file".to_owned())).collect();
    for file in scrape_config_files {
        problems.extend(read_jobs(&file, &global, &mut value, &mut jobs));
    }
    for file in rule_files {
        let loaded = rule_files::load(&file);
        value.rule_groups.extend(loaded.value);
        problems.extend(loaded.problems);
    }
    for group in &mut value.rule_groups {
        group.query_offset_ms = group.query_offset_ms.or(global.rule_query_offset_ms);
    }
    // A file that is named twice is read twice.
    problems.dedup();
    Loaded { value, problems }
}

/// What a text says, and the files that it names.
struct Parsed {
    value: Prometheus,
    global: Global,
    rule_files: Vec<PathBuf>,
    scrape_config_files: Vec<PathBuf>,
    problems: Vec<Problem>,
}

/// Reads the text of a `prometheus.yml`.
fn parse(text: &str, path: &Path, folder: &Path, environment: Environment<'_>) -> Parsed {
    let findings = Findings::new(path);
    let mut value = Prometheus::default();
    let mut global = Global::default();
    let [mut rule_files, mut scrape_config_files] = [Vec::new(), Vec::new()];
    if let Some(node) = findings.parse(text)
        && let Some(mut root) = walk::hold(Field::root(&findings, &node), &PROMETHEUS).section()
    {
        global = global::read(&mut root, folder, environment);
        value.external_labels = global.external_labels.clone();
        value.evaluation_interval_ms = global.evaluation_interval_ms;
        value.retention_ms = global.retention_ms;
        storage(&mut root, &mut value);
        value.otlp = root.subsection("otlp").map(|mut section| otlp(&mut section)).unwrap_or_default();
        let jobs = root.items("scrape_configs");
        value.scrape_configs = jobs.iter().filter_map(|field| job::read(field, &global, folder)).collect();
        refuse_repeated_jobs(&jobs);
        rule_files = files::named(&root.items("rule_files"), folder);
        scrape_config_files = files::named(&root.items("scrape_config_files"), folder);
    }
    Parsed { value, global, rule_files, scrape_config_files, problems: findings.into_problems() }
}

/// Reads the jobs of one of the `scrape_config_files`; `jobs` are the names so far and where they stood.
fn read_jobs(file: &Path, global: &Global, value: &mut Prometheus, jobs: &mut Vec<(String, String)>) -> Vec<Problem> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => return Loaded::<Prometheus>::unreadable(file, &error).problems,
    };
    let folder = file.parent().unwrap_or(Path::new("."));
    let findings = Findings::new(file);
    if let Some(node) = findings.parse(&text)
        && let Some(mut root) = walk::hold(Field::root(&findings, &node), &SCRAPE_CONFIG_FILE).section()
    {
        for field in root.items("scrape_configs") {
            let Some(config) = job::read(&field, global, folder) else { continue };
            if let Some((name, first)) = jobs.iter().find(|(name, _)| *name == config.job_name) {
                field.error(format!("found multiple scrape configs with job name {name:?}, first found in {first}"));
            }
            jobs.push((config.job_name.clone(), format!("{:?}", file.display().to_string())));
            value.scrape_configs.push(config);
        }
    }
    findings.into_problems()
}

fn storage(root: &mut Section<'_>, value: &mut Prometheus) {
    let Some(mut storage) = root.subsection("storage") else { return };
    if let Some(mut tsdb) = storage.subsection("tsdb") {
        if let Some(mut retention) = tsdb.subsection("retention") {
            value.retention_ms = global::nonzero_ms(&mut retention, "time").or(value.retention_ms);
            value.retention_bytes = retention.get("size").and_then(|field| field.size_bytes());
        }
        value.out_of_order_ms = tsdb.duration_ms("out_of_order_time_window");
    }
    // Prometheus keeps none from zero down.
    let kept = storage.subsection("exemplars").and_then(|mut exemplars| exemplars.get("max_exemplars")?.integer());
    value.exemplars_max = kept.map(|count| usize::try_from(count).unwrap_or(0));
}

fn otlp(section: &mut Section<'_>) -> remote::OtlpConfig {
    let default = remote::OtlpConfig::default();
    let trimmed = |names: Vec<String>| names.into_iter().map(|name| name.trim().to_owned()).collect();
    let mut switch = |key, default| section.boolean(key).unwrap_or(default);
    let promote_all_resource_attributes = switch("promote_all_resource_attributes", false);
    let keep_identifying_resource_attributes = switch("keep_identifying_resource_attributes", false);
    let convert_histograms_to_nhcb = switch("convert_histograms_to_nhcb", false);
    let promote_scope_metadata = switch("promote_scope_metadata", false);
    let label_name_underscore_sanitization =
        switch("label_name_underscore_sanitization", default.label_name_underscore_sanitization);
    let label_name_preserve_multiple_underscores =
        switch("label_name_preserve_multiple_underscores", default.label_name_preserve_multiple_underscores);
    remote::OtlpConfig {
        translation_strategy: section
            .text("translation_strategy")
            .and_then(|name| remote::TranslationStrategy::from_name(&name))
            .unwrap_or_default(),
        promote_all_resource_attributes,
        promote_resource_attributes: trimmed(section.texts("promote_resource_attributes")),
        ignore_resource_attributes: trimmed(section.texts("ignore_resource_attributes")),
        keep_identifying_resource_attributes,
        convert_histograms_to_nhcb,
        promote_scope_metadata,
        label_name_underscore_sanitization,
        label_name_preserve_multiple_underscores,
    }
}

fn refuse_repeated_jobs(fields: &[Field<'_>]) {
    let mut names: Vec<String> = Vec::new();
    for field in fields.iter().filter(|field| !field.is_null()) {
        let Some(name) = field.section().and_then(|mut job| job.get("job_name")) else { continue };
        let Some(text) = name.text() else { continue };
        if names.iter().any(|earlier| earlier == text) {
            name.error(format!("found multiple scrape configs with job name {text:?}"));
        }
        names.push(text.to_owned());
    }
}

#[cfg(test)]
pub(crate) fn problems_of(text: &str) -> (Prometheus, Vec<Problem>) {
    let parsed = parse(text, Path::new("f"), Path::new("/folder"), &|_name| None);
    (parsed.value, parsed.problems)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{self, CANARY};
    use crate::schema::Kind;

    fn check_silent(text: &str) {
        let (value, problems) = problems_of(text);
        let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let loud: Vec<&String> = shown.iter().filter(|line| line.contains(CANARY)).collect();
        assert_eq!(loud, [""; 0]);
        let printed = format!("{value:?}");
        let around = printed.find(CANARY).map(|at| &printed[printed.floor_char_boundary(at.saturating_sub(200))..at]);
        assert_eq!(around, None);
    }

    /// Whatever stands behind a secret key, no finding and no value shows it.
    #[test]
    fn secrets_are_never_shown() {
        check_silent(&samples::document(&PROMETHEUS, &samples::value));
        for wrong in [format!("[{CANARY}]"), format!("{{a: {CANARY}}}"), format!("'{CANARY}: {CANARY}'")] {
            let value = |kind| if let Kind::Secret = kind { Some(wrong.clone()) } else { samples::value(kind) };
            check_silent(&samples::document(&PROMETHEUS, &value));
        }
        for url in ["http://user:{}@host:x/", "http://user:{}", "http://user:{}@host/\\t", "://user:{}@h"] {
            check_silent(&format!("scrape_configs: [{{job_name: a, proxy_url: \"{}\"}}]", url.replace("{}", CANARY)));
        }
    }

    /// The configuration as the API shows it hides what the tables call secret.
    #[test]
    fn the_shown_configuration_has_no_secrets() {
        let printed = crate::shown(&samples::document(&PROMETHEUS, &samples::value));
        let lines: Vec<&str> = printed.lines().filter(|line| line.contains(CANARY)).collect();
        assert_eq!(lines, [""; 0]);
    }

    #[test]
    fn secrets_are_not_shown_where_the_file_is_no_yaml() {
        for broken in
            ["\"{}", "{}: {}: b", "*{}", "&{} [", "- {}\n\tb", "{}\n  c: d", "|\n{}", "!!binary {}", "!{} [a", "[{}"]
        {
            let value = broken.replace("{}", CANARY);
            check_silent(&format!(
                "scrape_configs:\n- job_name: a\n  basic_auth:\n    username: u\n    password: {value}\n"
            ));
        }
    }
}
