//! What a script has loaded.

use std::collections::BTreeMap;

use model::{Histogram, Labels, is_stale};
use storage::MemoryStorage;

use crate::classic;
use crate::command::Load;
use crate::histogram::with_stored_hints;
use crate::points::Point;

#[derive(Clone, Debug)]
enum Sample {
    Float(f64),
    Histogram(Histogram),
}

/// The samples of a series by their moments, and when their counters began.
#[derive(Clone, Debug, Default)]
struct Loaded {
    samples: BTreeMap<i64, Sample>,
    starts_ms: BTreeMap<i64, i64>,
}

/// Everything loaded so far.
#[derive(Debug, Default)]
pub(crate) struct Store(BTreeMap<Labels, Loaded>);

impl Store {
    /// Adds what a load command says.
    pub(crate) fn load(&mut self, load: Load) {
        if load.with_native {
            for (labels, natives) in classic::native(&load.series) {
                let loaded = self.0.entry(labels).or_default();
                for (position, histogram) in natives {
                    loaded.samples.insert(load.interval_ms * position as i64, Sample::Histogram(histogram));
                }
            }
        }
        for (labels, points) in load.series {
            let loaded = self.0.entry(labels).or_default();
            for (position, point) in points.into_iter().enumerate() {
                let at_ms = load.interval_ms * position as i64;
                match point {
                    Point::Gap => continue,
                    Point::Value(value) => loaded.samples.insert(at_ms, Sample::Float(value)),
                    Point::Histogram(described) => loaded.samples.insert(at_ms, Sample::Histogram(described.histogram)),
                };
            }
        }
        for (labels, starts) in load.starts {
            let loaded = self.0.entry(labels).or_default();
            for (position, start) in starts.into_iter().enumerate() {
                let at_ms = load.interval_ms * position as i64;
                if let Some(start) = start {
                    loaded.starts_ms.insert(at_ms, at_ms + start);
                }
            }
        }
    }

    /// The samples as a store gives them back.
    pub(crate) fn build(&self) -> MemoryStorage {
        let storage = MemoryStorage::new();
        for (labels, loaded) in &self.0 {
            let histograms = loaded.samples.values().map(|sample| match sample {
                Sample::Histogram(histogram) if !is_stale(histogram.sum) => Some(histogram),
                _ => None,
            });
            let hinted = with_stored_hints(histograms);
            for ((at_ms, sample), hinted) in loaded.samples.iter().zip(hinted) {
                match (sample, hinted) {
                    (Sample::Histogram(_), Some(histogram)) => storage.push_histograms(labels, [(*at_ms, histogram)]),
                    (Sample::Histogram(stale), None) => storage.push_histograms(labels, [(*at_ms, stale.clone())]),
                    (Sample::Float(value), _) => storage.push(labels, [(*at_ms, *value)]),
                }
            }
            storage.push_starts(labels, loaded.starts_ms.iter().map(|(at, start)| (*at, *start)));
        }
        storage
    }
}
