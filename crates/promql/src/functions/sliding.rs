//! What windows that overlap have in common is not computed again: the samples that enter and leave are enough.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::ops::Range;

use crate::window::Window;

/// Which floats of a series the last window held.
#[derive(Default)]
struct Seen {
    series: Option<usize>,
    range: Range<usize>,
}

impl Seen {
    /// The floats that left since the last window and those that entered; `None` for the former if nothing is in common.
    fn shift(&mut self, window: &Window<'_>) -> (Option<Range<usize>>, Range<usize>) {
        let now = window.from..window.from + window.values.len();
        let overlaps = self.series == Some(window.series) && now.start < self.range.end;
        let before = std::mem::replace(&mut self.range, now.clone());
        self.series = Some(window.series);
        if overlaps { (Some(before.start..now.start), before.end..now.end) } else { (None, now) }
    }
}

/// The floats of a window in their order, NaN first.
#[derive(Default)]
pub(super) struct Sorted {
    seen: Seen,
    values: Vec<f64>,
}

impl Sorted {
    /// The floats of this window; windows of a series come in the order of time.
    pub(super) fn of(&mut self, window: &Window<'_>) -> &[f64] {
        let (left, entered) = self.seen.shift(window);
        match left {
            Some(left) => {
                for value in &window.whole[left] {
                    if let Ok(at) = self.values.binary_search_by(|known| order(*known, *value)) {
                        self.values.remove(at);
                    }
                }
                for value in &window.whole[entered] {
                    let at = self.values.partition_point(|known| order(*known, *value).is_lt());
                    self.values.insert(at, *value);
                }
            }
            None => {
                self.values.clear();
                self.values.extend_from_slice(&window.whole[entered]);
                self.values.sort_unstable_by(|a, b| order(*a, *b));
            }
        }
        &self.values
    }
}

/// Numbers by value, NaN before all of them.
pub(super) fn order(a: f64, b: f64) -> Ordering {
    b.is_nan().cmp(&a.is_nan()).then(a.total_cmp(&b))
}

/// The least (or the greatest) float of each window.
pub(super) struct Extreme {
    seen: Seen,
    /// Whether the first of two is to be preferred.
    better: fn(f64, f64) -> bool,
    /// Positions of floats that no later one is better than, best first.
    candidates: VecDeque<usize>,
}

impl Extreme {
    pub(super) fn new(better: fn(f64, f64) -> bool) -> Self {
        Self { seen: Seen::default(), better, candidates: VecDeque::new() }
    }

    /// That of this window, NaN only if there is nothing else; windows of a series come in the order of time.
    pub(super) fn of(&mut self, window: &Window<'_>) -> f64 {
        let (left, entered) = self.seen.shift(window);
        if left.is_none() {
            self.candidates.clear();
        }
        while self.candidates.front().is_some_and(|at| *at < window.from) {
            self.candidates.pop_front();
        }
        for at in entered {
            let value = window.whole[at];
            if value.is_nan() {
                continue;
            }
            while self.candidates.back().is_some_and(|known| (self.better)(value, window.whole[*known])) {
                self.candidates.pop_back();
            }
            self.candidates.push_back(at);
        }
        self.candidates.front().map_or(f64::NAN, |at| window.whole[*at])
    }
}
