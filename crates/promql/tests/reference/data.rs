//! What the queries are asked of.

use model::{Labels, STALE_NAN};
use storage::MemoryStorage;

/// The moments at which queries are asked.
pub(crate) struct Steps {
    pub(crate) start_ms: i64,
    pub(crate) step_ms: i64,
    pub(crate) count: i64,
}

/// They begin before the last samples of the ended series have left the lookback, and are no multiple of the interval.
pub(crate) const STEPS: Steps = Steps { start_ms: 200_000, step_ms: 47_000, count: 12 };

impl Steps {
    pub(crate) fn moments(&self) -> impl Iterator<Item = i64> {
        (0..self.count).map(|step| self.start_ms + step * self.step_ms)
    }

    pub(crate) fn end_ms(&self) -> i64 {
        self.start_ms + (self.count - 1) * self.step_ms
    }
}

/// Milliseconds between samples.
const INTERVAL_MS: i64 = 15_000;
/// Samples of a series without gaps.
const SAMPLES: i64 = 48;

/// Series by rising labels. Values are multiples of a quarter, so that sums are exact whatever their order.
pub(crate) fn series() -> Vec<(Labels, Vec<(i64, f64)>)> {
    let mut random = 1u64;
    let mut next = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        random >> 33
    };
    let mut all = Vec::new();
    for (metric, counter) in [("c_total", true), ("g", false), ("h", false)] {
        for (a, b) in [("x", "1"), ("x", "2"), ("y", "1"), ("z", "3")] {
            if metric == "h" && a != "x" {
                continue;
            }
            let mut value = 0.0;
            let mut samples = Vec::new();
            for position in 0..SAMPLES {
                let roll = next() % 20;
                value = match (counter, roll) {
                    (true, 0) => 0.25, // begins anew
                    (true, _) => value + (next() % 40) as f64 / 4.0,
                    (false, _) => (next() % 400) as f64 / 4.0 - 50.0,
                };
                let at_ms = position * INTERVAL_MS + i64::try_from(next() % 3).unwrap_or(0);
                match roll {
                    1 => {} // a scrape was missed
                    2 if a == "y" => samples.push((at_ms, STALE_NAN)),
                    3 if !counter => samples.push((at_ms, f64::NAN)),
                    4 if !counter && b == "2" => samples.push((at_ms, f64::INFINITY)),
                    _ => samples.push((at_ms, value)),
                }
                if a == "z" && position == 20 {
                    break; // ended without a marker
                }
            }
            all.push((Labels::from_pairs([("__name__", metric), ("a", a), ("b", b)]), samples));
        }
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// The same in a store.
pub(crate) fn storage() -> MemoryStorage {
    let storage = MemoryStorage::new();
    for (labels, samples) in series() {
        storage.push(&labels, samples);
    }
    storage
}
