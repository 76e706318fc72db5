//! What only the wiring knows of the running program: flags, configuration, store.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use model::{Labels, Timestamp};

/// Facts about the running program, for the status API and its pages. Cheap to clone.
#[derive(Clone)]
pub struct Facts {
    /// When the program started.
    pub started: Timestamp,
    /// The folder it runs in.
    pub working_dir: Arc<str>,
    /// The cores it may use.
    pub cores: usize,
    /// Every flag with its value, by name.
    pub flags: Arc<[(String, String)]>,
    /// The configuration in force, replaced at each reload.
    pub configuration: Arc<ArcSwap<InForce>>,
    /// How the store is at this moment.
    pub store: Arc<dyn Fn() -> StoreFacts + Send + Sync>,
    /// Brings what the store holds in memory into the form it has in the long run, or says why not. May block.
    pub compact: Arc<dyn Fn() -> Result<(), String> + Send + Sync>,
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts").field("started", &self.started).field("flags", &self.flags).finish_non_exhaustive()
    }
}

/// The configuration in force.
#[derive(Clone, Debug, Default)]
pub struct InForce {
    /// The `prometheus.yml` with its secrets hidden; empty without one.
    pub yaml: String,
    /// When it was put into force.
    pub since: Timestamp,
    /// Why the last reload was refused; `None` if it was not.
    pub refused: Option<String>,
    /// Labels for everything that leaves this machine.
    pub external_labels: Labels,
    /// How long raw samples are kept, in milliseconds.
    pub retention_ms: i64,
}

/// How the store is.
#[derive(Clone, Copy, Debug, Default)]
pub struct StoreFacts {
    /// Series with samples.
    pub series: usize,
    /// Files that were damaged and set aside when it was opened.
    pub damaged: usize,
}
