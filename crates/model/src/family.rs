//! A metric family: what a collector returns and an exposition says.

use crate::{Labels, LabelsBuilder};

/// What kind of metric a name stands for, as `# TYPE` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MetricType {
    /// Only goes up, or starts again at zero.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Buckets, sum and count.
    Histogram,
    /// Quantiles, sum and count.
    Summary,
    /// Facts as labels, value 1.
    Info,
    /// One 0/1 series per state.
    StateSet,
    /// A histogram whose buckets may go down.
    GaugeHistogram,
    /// Nobody said.
    #[default]
    Unknown,
}

impl MetricType {
    /// The word in `# TYPE` lines and in the metadata API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Unknown => "unknown",
        }
    }
}

/// The samples of one metric at one moment, with what is said about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The name in `# TYPE` and `# HELP`; its series carry it, or it with a suffix such as `_bucket`.
    pub name: String,
    /// One sentence for people.
    pub help: String,
    /// What kind it is.
    pub kind: MetricType,
    /// Each series, `__name__` included, with its value.
    pub samples: Vec<(Labels, f64)>,
}

impl Family {
    /// A family without samples yet.
    pub fn new(name: impl Into<String>, help: impl Into<String>, kind: MetricType) -> Self {
        Self { name: name.into(), help: help.into(), kind, samples: Vec::new() }
    }

    /// Adds a series that carries the family's own name and `labels`.
    pub fn push<'a>(&mut self, labels: impl IntoIterator<Item = (&'a str, &'a str)>, value: f64) {
        let mut builder = LabelsBuilder::default();
        builder.set(crate::METRIC_NAME, &self.name);
        for (name, value) in labels {
            builder.set(name, value);
        }
        self.samples.push((builder.build(), value));
    }
}
