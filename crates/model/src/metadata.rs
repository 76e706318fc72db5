//! What a metric is said to be.

use crate::MetricType;

/// Kind, help and unit of a metric, as `# TYPE`, `# HELP` and `# UNIT` say; empty where nobody said.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Metadata {
    /// What kind it is.
    pub kind: MetricType,
    /// One sentence for people.
    pub help: String,
    /// Its unit, such as `seconds`.
    pub unit: String,
}
