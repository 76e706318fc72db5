//! What a chart is drawn from.

use std::sync::Arc;

use crate::{LINES_MAX, SAMPLES_MAX};

/// Series over one window of time.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// In the order of the legend.
    pub series: Vec<FrameSeries>,
    /// The left edge, in milliseconds since the epoch.
    pub from_ms: i64,
    /// The right edge.
    pub to_ms: i64,
    /// Two samples further apart than this are not joined, in milliseconds; 0 joins whatever is not missing.
    pub gap_ms: i64,
}

/// One series as columns.
#[derive(Clone, Debug)]
pub struct FrameSeries {
    /// The name in the legend.
    pub name: String,
    /// Its colour on the whole page; starts over after ten.
    pub slot: usize,
    /// Rising, in milliseconds since the epoch.
    pub timestamps_ms: Arc<[i64]>,
    /// As many values; one that is not finite is missing.
    pub values: Vec<f64>,
}

impl Frame {
    /// Whether nothing can be drawn.
    pub fn is_empty(&self) -> bool {
        self.series.iter().all(|series| series.last().is_none())
    }

    /// The series that are drawn.
    pub(crate) fn drawn(&self) -> &[FrameSeries] {
        &self.series[..self.series.len().min(LINES_MAX)]
    }
}

impl FrameSeries {
    /// The newest value that is not missing.
    pub fn last(&self) -> Option<f64> {
        self.finite().next_back()
    }

    /// The values that are not missing.
    pub(crate) fn finite(&self) -> impl DoubleEndedIterator<Item = f64> {
        self.values.iter().copied().filter(|value| value.is_finite())
    }

    /// Timestamps and values within a window, the newest if there are too many; missing values are `None`.
    pub(crate) fn within(&self, from_ms: i64, to_ms: i64) -> Vec<(i64, Option<f64>)> {
        let pairs = self.timestamps_ms.iter().copied().zip(self.values.iter().copied());
        let mut out: Vec<_> = pairs
            .filter(|(at, _)| (from_ms..=to_ms).contains(at))
            .map(|(at, value)| (at, value.is_finite().then(|| bounded(value))))
            .collect();
        // Contract, but a chart of samples in another order would only be ugly, never wrong.
        out.sort_by_key(|(at, _)| *at);
        out.drain(..out.len().saturating_sub(SAMPLES_MAX));
        out
    }
}

/// The largest magnitude that is drawn: room for sums and spans to stay finite.
const MAGNITUDE_MAX: f64 = 1e300;

/// A value whose sums and differences are finite.
pub(crate) const fn bounded(value: f64) -> f64 {
    value.clamp(-MAGNITUDE_MAX, MAGNITUDE_MAX)
}
