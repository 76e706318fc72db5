//! Where a loop gets its page from.

use std::fmt;
use std::sync::Arc;

use model::{Family, Timestamp};

/// What a built-in collector does when it is asked: its metrics, or why it has none.
pub(crate) type Collect = Arc<dyn Fn(Timestamp) -> Result<Vec<Family>, String> + Send + Sync>;

/// A collector inside this program, scraped like any other target.
#[derive(Clone)]
pub struct BuiltIn {
    /// The job it stands for.
    pub job: String,
    /// The instance it stands for.
    pub instance: String,
    /// How often, in milliseconds. It is asked at once when the program starts, and then every second for a few seconds,
    /// so that the first page has lines to show.
    pub interval_ms: i64,
    /// Programs whose place it takes where they are configured and do not answer.
    pub stands_for: Vec<Program>,
    /// The collector; it may block.
    pub collect: Collect,
}

impl fmt::Debug for BuiltIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuiltIn").field("job", &self.job).field("instance", &self.instance).finish_non_exhaustive()
    }
}

/// A program that this one replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    /// The host's metrics.
    NodeExporter,
    /// The GPUs' metrics.
    DcgmExporter,
    /// The GPUs' metrics under `nvidia_smi_…`.
    NvidiaGpuExporter,
    /// Scraping, storage, rules.
    Prometheus,
    /// Notifications.
    Alertmanager,
    /// Dashboards.
    Grafana,
}

impl Program {
    /// All of them.
    pub(crate) const ALL: [Self; 6] = [
        Self::NodeExporter,
        Self::DcgmExporter,
        Self::NvidiaGpuExporter,
        Self::Prometheus,
        Self::Alertmanager,
        Self::Grafana,
    ];

    /// Its name as people write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NodeExporter => "node_exporter",
            Self::DcgmExporter => "dcgm-exporter",
            Self::NvidiaGpuExporter => "nvidia_gpu_exporter",
            Self::Prometheus => "Prometheus",
            Self::Alertmanager => "Alertmanager",
            Self::Grafana => "Grafana",
        }
    }

    /// The port on which it is usually found, if no other program is found there as well.
    pub(crate) const fn port(self) -> Option<u16> {
        match self {
            Self::NodeExporter => Some(9100),
            Self::DcgmExporter => Some(9400),
            Self::NvidiaGpuExporter => Some(9835),
            Self::Prometheus => Some(9090),
            Self::Alertmanager => Some(9093),
            // Everybody's development server is on 3000.
            Self::Grafana => None,
        }
    }

    /// Whether its series are those of a collector in here: the machine's numbers under the same names.
    pub(crate) const fn doubles_ours(self) -> bool {
        matches!(self, Self::NodeExporter | Self::DcgmExporter)
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
