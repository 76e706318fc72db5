//! `global`: what holds for all jobs that do not say it themselves.

use std::path::{Path, PathBuf};

use exposition::{Escaping, Protocol, UnknownProtocol};
use model::Labels;
use scrape::{Limits, NameValidation};

use crate::section::{Field, Section};

/// Prometheus' defaults, in milliseconds.
pub(crate) const INTERVAL_MS: i64 = 60_000;
const TIMEOUT_MS: i64 = 10_000;

/// What `global` says.
#[derive(Clone, Debug)]
pub(crate) struct Global {
    pub(crate) scrape_interval_ms: i64,
    pub(crate) scrape_timeout_ms: i64,
    pub(crate) evaluation_interval_ms: i64,
    /// How far into the past rules look unless their group says it, if `global` does.
    pub(crate) rule_query_offset_ms: Option<i64>,
    pub(crate) protocols: Option<Vec<Protocol>>,
    pub(crate) native_histograms: bool,
    pub(crate) classic_histograms: bool,
    pub(crate) classic_to_native: bool,
    pub(crate) extra_scrape_metrics: bool,
    pub(crate) failure_log: Option<PathBuf>,
    pub(crate) limits: Limits,
    pub(crate) targets_max: Option<usize>,
    pub(crate) dropped_targets_kept: Option<usize>,
    pub(crate) name_validation: NameValidation,
    pub(crate) escaping: Escaping,
    pub(crate) external_labels: Labels,
    /// A tutorial's `retention`.
    pub(crate) retention_ms: Option<i64>,
}

impl Default for Global {
    fn default() -> Self {
        Self {
            scrape_interval_ms: INTERVAL_MS,
            scrape_timeout_ms: TIMEOUT_MS,
            evaluation_interval_ms: INTERVAL_MS,
            rule_query_offset_ms: None,
            protocols: None,
            native_histograms: false,
            classic_histograms: false,
            classic_to_native: false,
            extra_scrape_metrics: false,
            failure_log: None,
            limits: Limits::default(),
            targets_max: None,
            dropped_targets_kept: None,
            name_validation: NameValidation::default(),
            escaping: Escaping::default(),
            external_labels: Labels::empty(),
            retention_ms: None,
        }
    }
}

/// Asks for the value of an environment variable.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads `global` out of a file that was held against its table; relative files count from `folder`.
pub(crate) fn read(root: &mut Section<'_>, folder: &Path, environment: Environment<'_>) -> Global {
    let mut global = Global::default();
    let Some(mut section) = root.subsection("global") else { return global };
    global.scrape_interval_ms = nonzero_ms(&mut section, "scrape_interval").unwrap_or(INTERVAL_MS);
    let timeout_ms = nonzero_ms(&mut section, "scrape_timeout");
    if timeout_ms.is_some_and(|timeout_ms| global.scrape_interval_ms < timeout_ms) {
        section.error_at("scrape_timeout", "global scrape timeout greater than scrape interval");
    }
    global.scrape_timeout_ms = timeout_ms.unwrap_or(TIMEOUT_MS.min(global.scrape_interval_ms));
    global.evaluation_interval_ms = nonzero_ms(&mut section, "evaluation_interval").unwrap_or(INTERVAL_MS);
    global.rule_query_offset_ms = section.duration_ms("rule_query_offset");
    global.protocols = protocols(&mut section, "global config");
    global.native_histograms = section.boolean("scrape_native_histograms").unwrap_or(false);
    global.classic_histograms = section.boolean("always_scrape_classic_histograms").unwrap_or(false);
    global.classic_to_native = section.boolean("convert_classic_histograms_to_nhcb").unwrap_or(false);
    global.extra_scrape_metrics = section.boolean("extra_scrape_metrics").unwrap_or(false);
    global.failure_log = section.path("scrape_failure_log_file", folder);
    global.limits = limits(&mut section, &global.limits);
    global.targets_max = nonzero(&mut section, "target_limit");
    global.dropped_targets_kept = nonzero(&mut section, "keep_dropped_targets");
    global.name_validation =
        name_validation(&mut section, "global name validation method specified, must be either").unwrap_or_default();
    global.escaping = escaping(&mut section, "global").unwrap_or_else(|| escaping_of(global.name_validation));
    global.retention_ms = section.duration_ms("retention");
    if let Some(labels) = section.get("external_labels") {
        global.external_labels = external_labels(&labels, global.name_validation, environment);
    }
    global
}

/// A duration; zero counts as not said.
pub(crate) fn nonzero_ms(section: &mut Section<'_>, key: &'static str) -> Option<i64> {
    section.duration_ms(key).filter(|ms| *ms != 0)
}

/// A number; zero counts as not said, which is no limit.
pub(crate) fn nonzero(section: &mut Section<'_>, key: &'static str) -> Option<usize> {
    section.get(key).and_then(|field| field.count()).filter(|count| *count != 0)
}

/// The formats to ask for, if they are said; `of` is whose they are.
pub(crate) fn protocols(section: &mut Section<'_>, of: &str) -> Option<Vec<Protocol>> {
    let list = section.get("scrape_protocols")?;
    let mut found = Vec::new();
    let items = list.items();
    if items.is_empty() {
        list.error(format!("scrape_protocols cannot be empty for {of}"));
    }
    for item in &items {
        let Some(protocol) =
            item.parsed(|name| protocol(name).map_err(|(why, hint)| format!("scrape_protocols: {why} for {of}{hint}")))
        else {
            continue;
        };
        if found.contains(&protocol) {
            let names: Vec<&str> = items.iter().filter_map(Field::text).collect();
            item.error(format!("duplicated protocol in scrape_protocols, got [{}] for {of}", names.join(" ")));
        }
        found.push(protocol);
    }
    Some(found)
}

/// A format by its name; what is wrong with the name, and a hint as the end of a sentence.
pub(crate) fn protocol(name: &str) -> Result<Protocol, (UnknownProtocol, String)> {
    const NAMES: [&str; 5] = [
        "PrometheusProto",
        "PrometheusText0.0.4",
        "PrometheusText1.0.0",
        "OpenMetricsText0.0.1",
        "OpenMetricsText1.0.0",
    ];
    Protocol::parse(name).map_err(|error| {
        let meant = NAMES.iter().find(|known| known.eq_ignore_ascii_case(name));
        (error, meant.map(|known| format!("; did you mean {known}?")).unwrap_or_default())
    })
}

/// The scheme of names, if it is said.
pub(crate) fn name_validation(section: &mut Section<'_>, what: &str) -> Option<NameValidation> {
    let field = section.get("metric_name_validation_scheme")?;
    field.parsed(|word| match word {
        "utf8" => Ok(Some(NameValidation::Utf8)),
        "legacy" => Ok(Some(NameValidation::Legacy)),
        "" => Ok(None),
        other => Err(format!("unknown {what} 'legacy' or 'utf8', got {other}")),
    })?
}

/// How foreign names are asked for, if it is said; `whose` is `global` or `scrape config`.
pub(crate) fn escaping(section: &mut Section<'_>, whose: &str) -> Option<Escaping> {
    let field = section.get("metric_name_escaping_scheme")?;
    field.parsed(|word| match word {
        "allow-utf-8" => Ok(Some(Escaping::AllowUtf8)),
        "underscores" => Ok(Some(Escaping::Underscores)),
        "dots" => Ok(Some(Escaping::Dots)),
        "values" => Ok(Some(Escaping::Values)),
        "" => Ok(None),
        other => Err(format!(
            "unknown {whose} name escaping method specified, must be one of 'allow-utf-8', 'underscores', 'dots', or \
             'values', got {other:?}"
        )),
    })?
}

/// How foreign names are asked for where only the scheme of names is known.
pub(crate) const fn escaping_of(validation: NameValidation) -> Escaping {
    match validation {
        NameValidation::Utf8 => Escaping::AllowUtf8,
        NameValidation::Legacy => Escaping::Underscores,
    }
}

/// The limits of a page; what is not said, or zero, is inherited.
pub(crate) fn limits(section: &mut Section<'_>, inherited: &Limits) -> Limits {
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
        *limit = nonzero(section, key).or(*limit);
    }
    limits
}

fn external_labels(field: &Field<'_>, validation: NameValidation, environment: Environment<'_>) -> Labels {
    let mut pairs = Vec::new();
    for (name, value) in field.pairs() {
        if validation == NameValidation::Legacy && !model::is_legacy_label_name(name) {
            value.error(format!("{name:?} is not a valid label name"));
        }
        let Some(text) = value.text() else { continue };
        let expanded = expand(text, &mut |variable| {
            environment(variable).filter(|found| !found.is_empty()).unwrap_or_else(|| {
                value.warning(format!("the environment variable {variable} is empty or not set"));
                String::new()
            })
        });
        pairs.push((name.to_owned(), expanded));
    }
    Labels::from_pairs(pairs)
}

/// Replaces `$NAME` and `${NAME}` by what `variable` says; `$$` is a dollar. The rules are those of Go's `os.Expand`.
fn expand(text: &str, variable: &mut dyn FnMut(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let (name, length) = variable_name(rest);
        match name {
            "" if length == 0 => out.push('$'),
            "" => {}
            "$" => out.push('$'),
            name => out.push_str(&variable(name)),
        }
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

/// The variable's name at the beginning of `text`, and how many bytes it takes; an empty name that takes some is
/// broken syntax, which is left out.
fn variable_name(text: &str) -> (&str, usize) {
    let special = |byte: u8| byte.is_ascii_digit() || b"*#$@!?-".contains(&byte);
    let bytes = text.as_bytes();
    match bytes.first() {
        Some(b'{') => match text.find('}') {
            None => ("", 1),
            Some(end) => (&text[1..end], end + 1),
        },
        Some(byte) if special(*byte) => (&text[..1], 1),
        _ => {
            let length = bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
            (&text[..length], length)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_expanded_as_go_does() {
        for (text, expected) in [
            ("foo", "foo"),
            ("${TEST}", "<TEST>"),
            ("foo${TEST}bar", "foo<TEST>bar"),
            ("$TEST/x", "<TEST>/x"),
            ("foo$${TEST}", "foo${TEST}"),
            ("foo$$bar", "foo$bar"),
            ("cost: 5$", "cost: 5$"),
            ("$ x", "$ x"),
            ("${}a", "a"),
            ("${a", "a"),
            ("$1a", "<1>a"),
            ("温$度", "温$度"),
        ] {
            assert_eq!(expand(text, &mut |name| format!("<{name}>")), expected, "{text}");
        }
    }
}
