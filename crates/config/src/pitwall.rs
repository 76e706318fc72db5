//! Pitwall's own file: what the replaced programs' files have no word for.
//!
//! ```yaml
//! collectors:
//!   interval: 5s   # of the built-in collectors
//!   host: true
//!   gpu: true
//! storage:
//!   retention: 14d # of raw samples; a flag goes before it, prometheus.yml after it
//! ```

use std::path::Path;

use crate::Loaded;
use crate::section::{Field, Findings};

/// What Pitwall's own file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pitwall {
    /// How often the built-in collectors are asked, in milliseconds.
    pub collect_interval_ms: i64,
    /// Whether host metrics are collected.
    pub host: bool,
    /// Whether GPU metrics are collected.
    pub gpu: bool,
    /// How long raw samples are kept in milliseconds, if the file says so.
    pub retention_ms: Option<i64>,
}

/// What holds without a file.
impl Default for Pitwall {
    fn default() -> Self {
        Self { collect_interval_ms: 5_000, host: true, gpu: true, retention_ms: None }
    }
}

/// Reads `path`. With any error among the problems the value must not be used.
pub fn load(path: &Path) -> Loaded<Pitwall> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return Loaded::unreadable(path, &error),
    };
    let findings = Findings::new(path);
    let mut value = Pitwall::default();
    if let Some(node) = findings.parse(&text)
        && let Some(mut root) = Field::root(&findings, &node).section()
    {
        if let Some(mut collectors) = root.get("collectors").and_then(|field| field.section()) {
            value.collect_interval_ms = collectors.positive_ms("interval").unwrap_or(value.collect_interval_ms);
            value.host = collectors.boolean("host").unwrap_or(value.host);
            value.gpu = collectors.boolean("gpu").unwrap_or(value.gpu);
            collectors.finish();
        }
        if let Some(mut storage) = root.get("storage").and_then(|field| field.section()) {
            value.retention_ms = storage.positive_ms("retention");
            storage.finish();
        }
        root.finish();
    }
    Loaded { value, problems: findings.into_problems() }
}
