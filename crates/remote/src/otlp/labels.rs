//! The labels of a point: its own attributes, and what its resource and its scope give to all of theirs.

use std::collections::BTreeMap;

use super::attributes::{self, Attribute};
use super::config::OtlpConfig;
use super::names;
use crate::key;
use protobuf::{Damaged, Fields, Value};

/// The resource attributes that become `job` and `instance`.
const IDENTIFYING: [&str; 3] = ["service.namespace", "service.name", "service.instance.id"];

/// Labels by name.
pub(crate) type LabelMap = BTreeMap<String, String>;

/// What a resource gives to all of its series.
pub(crate) struct Resource {
    attributes: Vec<Attribute>,
    /// Under names of labels.
    promoted: Vec<Attribute>,
    job: Option<String>,
    instance: Option<String>,
}

impl Resource {
    /// Reads a `Resource`.
    pub(crate) fn read(message: &[u8], config: &OtlpConfig) -> Result<Self, Damaged> {
        let mut found = Vec::new();
        let mut fields = Fields::new(message);
        while let Some(field) = fields.next()? {
            if let (1, Value::Bytes(attribute)) = (field.number, field.value) {
                found.push(attributes::read(attribute)?);
            }
        }
        found.sort();
        let get = |name| found.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone());
        let job = get("service.name").map(|name| match get("service.namespace") {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name,
        });
        let instance = get("service.instance.id");
        let promoted = found.iter().filter(|(name, _)| config.promotes(name));
        let promoted =
            promoted.filter_map(|(name, value)| Some((names::label(name, config)?, value.clone()))).collect();
        Ok(Self { promoted, job, instance, attributes: found })
    }

    /// The labels of its `target_info`; `None` if that would say nothing, or not of what.
    pub(crate) fn target_info(&self, config: &OtlpConfig) -> Option<LabelMap> {
        let is_identifying = |name: &str| IDENTIFYING.contains(&name);
        if self.attributes.iter().all(|(name, _)| is_identifying(name)) || self.job.is_none() && self.instance.is_none()
        {
            return None;
        }
        let mut labels = LabelMap::new();
        for (name, value) in &self.attributes {
            if config.keep_identifying_resource_attributes || !is_identifying(name) {
                add(&mut labels, name, value, config);
            }
        }
        self.identify(&mut labels);
        Some(labels)
    }

    fn identify(&self, labels: &mut LabelMap) {
        for (name, value) in [("job", &self.job), ("instance", &self.instance)] {
            if let Some(value) = value {
                labels.insert(name.to_owned(), value.clone());
            }
        }
    }
}

/// The labels that a scope gives to all of its series: none unless they are wanted.
pub(crate) fn scope_labels(message: &[u8], schema_url: &[u8], config: &OtlpConfig) -> Result<Vec<Attribute>, Damaged> {
    let (mut name, mut version) = (String::new(), String::new());
    let mut labels = Vec::new();
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match (field.number, field.value) {
            (1, Value::Bytes(text)) => name = String::from_utf8_lossy(text).into_owned(),
            (2, Value::Bytes(text)) => version = String::from_utf8_lossy(text).into_owned(),
            (3, Value::Bytes(attribute)) => {
                let (name, value) = attributes::read(attribute)?;
                labels.extend(names::label(&format!("otel_scope_{name}"), config).map(|name| (name, value)));
            }
            _ => {}
        }
    }
    if !config.promote_scope_metadata || name.is_empty() {
        return Ok(Vec::new());
    }
    labels.push(("otel_scope_name".to_owned(), name));
    labels.push(("otel_scope_version".to_owned(), version));
    labels.push(("otel_scope_schema_url".to_owned(), String::from_utf8_lossy(schema_url).into_owned()));
    Ok(labels)
}

/// The labels of a point.
pub(crate) fn point_labels(
    mut attributes: Vec<Attribute>,
    resource: &Resource,
    scope: &[Attribute],
    config: &OtlpConfig,
) -> LabelMap {
    attributes.sort();
    let mut labels = LabelMap::new();
    for (name, value) in &attributes {
        add(&mut labels, name, value, config);
    }
    for (name, value) in &resource.promoted {
        labels.entry(name.clone()).or_insert_with(|| value.clone());
    }
    labels.extend(scope.iter().cloned());
    resource.identify(&mut labels);
    labels
}

/// Adds an attribute; where several get the same name, their values stand in one label.
fn add(labels: &mut LabelMap, name: &str, value: &str, config: &OtlpConfig) {
    let Some(name) = names::label(name, config) else { return };
    match labels.get_mut(&name) {
        Some(known) => {
            known.push(';');
            known.push_str(value);
        }
        None => drop(labels.insert(name, value.to_owned())),
    }
}

/// The key of a series with a name and perhaps one more label.
pub(crate) fn make_key(key: &mut Vec<u8>, labels: &LabelMap, name: &str, extra: Option<(&str, &str)>) {
    key.clear();
    let own = |label: &str| label == model::METRIC_NAME || extra.is_some_and(|(name, _)| name == label);
    for (label, value) in labels.iter().filter(|(label, _)| !own(label)) {
        key::push(key, label.as_bytes(), value.as_bytes());
    }
    if let Some((label, value)) = extra {
        key::push(key, label.as_bytes(), value.as_bytes());
    }
    key::push(key, model::METRIC_NAME.as_bytes(), name.as_bytes());
}
