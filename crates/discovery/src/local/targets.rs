//! Targets and sentences out of what is known about the listeners.

use std::net::SocketAddr;

use model::{Labels, LabelsBuilder};

use super::listeners::Process;
use super::page::Page;
use super::program::Program;
use super::redact;
use crate::{Pinned, TargetGroup};

/// The job of a server whose metrics nobody knows and whose process cannot be seen.
const UNKNOWN_JOB: &str = "local";

/// Who listens where, for a sentence: `vllm serve (pid 4711) listens on 127.0.0.1:8000`.
pub(super) fn subject(process: Option<&Process>, program: Option<Program>, address: SocketAddr) -> String {
    match (process, program) {
        (Some(process), Some(program)) => format!("{} (pid {}) listens on {address}", program.name, process.pid),
        (Some(process), None) => format!("{} (pid {}) listens on {address}", process.name, process.pid),
        (None, _) => format!("a process that cannot be seen listens on {address}"),
    }
}

/// The target of a page of metrics.
pub(super) fn found(
    process: Option<&Process>,
    reason: &str,
    address: SocketAddr,
    path: &str,
    page: &Page,
) -> TargetGroup {
    let mut labels = LabelsBuilder::default();
    match page.engine {
        Some(engine) => {
            labels.set("job", engine.name);
            if engine.is_model_server {
                labels.set("llm_engine", engine.name);
            }
        }
        None => {
            let name = process.map(|process| process.name.as_str()).filter(|name| !name.is_empty());
            labels.set("job", name.unwrap_or(UNKNOWN_JOB));
        }
    }
    group(labels, process, reason, &address.to_string(), path)
}

/// The target of a pinned address, whether or not somebody listens there.
pub(super) fn pinned(pinned: &Pinned, process: Option<&Process>, reason: &str) -> TargetGroup {
    group(pinned.labels.to_builder(), process, reason, &pinned.address, &pinned.path)
}

fn group(mut labels: LabelsBuilder, process: Option<&Process>, reason: &str, address: &str, path: &str) -> TargetGroup {
    labels.set("__address__", address);
    labels.set("__metrics_path__", path);
    labels.set("__meta_local_reason", reason);
    if let Some(process) = process {
        labels.set("__meta_local_pid", &process.pid.to_string());
        labels.set("__meta_local_command", &redact::command(&process.command));
    }
    TargetGroup { source: format!("local:{address}"), targets: vec![labels.build()], labels: Labels::empty() }
}
