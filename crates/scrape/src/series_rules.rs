//! What becomes of a page's series: the target's labels, the job's rules and limits.

use model::{Labels, LabelsBuilder, METRIC_NAME, is_legacy_label_name, is_legacy_metric_name};

use crate::config::{Limits, NameValidation};
use crate::target::Target;

/// The labels under which a series of a target's page is stored, `None` if the job's rules drop it.
///
/// # Errors
/// The page fails because of it; the texts are Prometheus'.
pub(crate) fn stored_labels(target: &Target, labels: &Labels) -> Result<Option<Labels>, String> {
    let mut builder = with_target_labels(target, labels);
    if !relabel::process(&mut builder, &target.job.metric_relabel_configs) {
        return Ok(None);
    }
    let labels = builder.build();
    if labels.is_empty() {
        return Ok(None);
    }
    check_names(&labels, target.job.name_validation)?;
    check_limits(&labels, &target.limits)?;
    Ok(Some(labels))
}

/// The target's labels go before a page's; what they hide is kept as `exported_…`, unless the page is honoured.
fn with_target_labels(target: &Target, labels: &Labels) -> LabelsBuilder {
    let mut builder = labels.to_builder();
    let mut hidden = Vec::new();
    for (name, value) in &target.labels {
        match labels.get(name) {
            Some(_) if target.honor_labels => continue,
            Some(own) => hidden.push((name, own)),
            None => {}
        }
        builder.set(name, value);
    }
    // The shortest name first, so that it gets the shortest new one.
    hidden.sort_by_key(|(name, _)| name.len());
    for (name, own) in hidden {
        let mut exported = format!("exported_{name}");
        while builder.get(&exported).is_some() {
            exported.insert_str(0, "exported_");
        }
        builder.set(&exported, own);
    }
    builder
}

fn check_names(labels: &Labels, validation: NameValidation) -> Result<(), String> {
    if labels.get(METRIC_NAME).is_none() {
        return Err("missing metric name (__name__ label)".to_owned());
    }
    let valid = |name: &str, value: &str| match validation {
        NameValidation::Utf8 => !name.is_empty(),
        NameValidation::Legacy if name == METRIC_NAME => is_legacy_metric_name(value),
        NameValidation::Legacy => is_legacy_label_name(name),
    };
    if labels.iter().all(|(name, value)| valid(name, value)) {
        Ok(())
    } else {
        Err(format!("invalid metric name or label names: {}", labels.to_braces()))
    }
}

fn check_limits(labels: &Labels, limits: &Limits) -> Result<(), String> {
    let name = labels.metric_name();
    let count = labels.len();
    if let Some(max) = limits.labels_max.filter(|max| *max < count) {
        return Err(format!("label_limit exceeded (metric: {name:.50}, number of labels: {count}, limit: {max})"));
    }
    for (label, value) in labels {
        let length = label.len();
        if let Some(max) = limits.label_name_bytes_max.filter(|max| *max < length) {
            return Err(format!(
                "label_name_length_limit exceeded (metric: {name:.50}, label name: {label:.50}, length: {length}, limit: {max})"
            ));
        }
        let length = value.len();
        if let Some(max) = limits.label_value_bytes_max.filter(|max| *max < length) {
            let start: String = value.chars().take(50).collect();
            return Err(format!(
                "label_value_length_limit exceeded (metric: {name:.50}, label name: {label:.50}, value: {start:?}, length: {length}, limit: {max})"
            ));
        }
    }
    Ok(())
}
