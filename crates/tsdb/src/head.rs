//! The windows that are still in memory: those that take samples, and those that are being written out.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{TimeRange, Timestamp};

use crate::registry::Registry;
use crate::wal::Moment;
use crate::window::Window;

#[derive(Debug)]
pub(crate) struct Head {
    window_ms: i64,
    /// By start.
    open: BTreeMap<i64, Window>,
    /// Taken out of `open`, not yet a segment.
    closing: BTreeMap<i64, Arc<Window>>,
    /// Samples before this moment lie in segments; none are taken any more.
    pub(crate) floor_ms: i64,
    /// The newest sample there ever was.
    pub(crate) newest_ms: i64,
}

impl Head {
    pub(crate) const fn new(window_ms: i64, floor_ms: i64) -> Self {
        Self { window_ms, open: BTreeMap::new(), closing: BTreeMap::new(), floor_ms, newest_ms: i64::MIN }
    }

    /// Where the window of a moment begins: at a multiple of its length, or where a segment ended within it.
    pub(crate) const fn window_start(&self, at_ms: i64) -> i64 {
        let (start_ms, _) = self.aligned(at_ms);
        if start_ms < self.floor_ms && self.floor_ms <= at_ms { self.floor_ms } else { start_ms }
    }

    /// Start and end by the window's length alone.
    const fn aligned(&self, at_ms: i64) -> (i64, i64) {
        let start_ms = at_ms.div_euclid(self.window_ms).saturating_mul(self.window_ms);
        (start_ms, start_ms.saturating_add(self.window_ms))
    }

    /// The window of a moment, which takes samples.
    pub(crate) fn window_mut(&mut self, at_ms: i64) -> &mut Window {
        let start_ms = self.window_start(at_ms);
        let (_, end_ms) = self.aligned(at_ms);
        self.newest_ms = self.newest_ms.max(at_ms);
        self.open.entry(start_ms).or_insert_with(|| Window::new(start_ms, end_ms))
    }

    /// The open window of a moment, if there is one.
    pub(crate) fn window(&self, at_ms: i64) -> Option<&Window> {
        self.open.get(&self.window_start(at_ms))
    }

    /// All windows in memory, oldest first.
    pub(crate) fn windows(&self) -> impl Iterator<Item = &Window> {
        let mut windows: Vec<&Window> =
            self.closing.values().map(|window| &**window).chain(self.open.values()).collect();
        windows.sort_by_key(|window| window.start_ms);
        windows.into_iter()
    }

    /// Whether a window is still in memory.
    pub(crate) fn holds(&self, start_ms: i64) -> bool {
        self.open.contains_key(&start_ms) || self.closing.contains_key(&start_ms)
    }

    /// The oldest open window that ends at or before `until_ms`, from now on closed to samples.
    pub(crate) fn close_next(&mut self, until_ms: i64) -> Option<Arc<Window>> {
        if let Some(window) = self.closing.values().next() {
            // Its segment could not be written; try again.
            return Some(Arc::clone(window));
        }
        let (start_ms, window) = self.open.first_key_value()?;
        if until_ms < window.end_ms {
            return None;
        }
        let start_ms = *start_ms;
        let window = Arc::new(self.open.remove(&start_ms)?);
        self.floor_ms = self.floor_ms.max(window.end_ms);
        self.closing.insert(start_ms, Arc::clone(&window));
        Some(window)
    }

    /// Whether a moment lies within an open window, not at its start.
    pub(crate) fn is_inside(&self, at_ms: i64) -> bool {
        let start_ms = self.window_start(at_ms);
        start_ms < at_ms && self.open.contains_key(&start_ms)
    }

    /// Ends the open window of `at_ms` before that moment and moves what it has from there on into a new one. The
    /// moments that were moved.
    pub(crate) fn split(&mut self, at_ms: i64, registry: &Registry) -> Vec<Moment> {
        let start_ms = self.window_start(at_ms);
        let Some(window) = self.open.get_mut(&start_ms).filter(|window| window.start_ms < at_ms) else {
            return Vec::new();
        };
        // From here on its samples are as good as in a segment.
        self.floor_ms = self.floor_ms.max(at_ms);
        let moved = moments(window, TimeRange::new(Timestamp::from_ms(at_ms), Timestamp::MAX), registry);
        let mut later = Window::new(at_ms, window.end_ms);
        window.end_ms = at_ms;
        for moment in &moved {
            let place = later.place(moment.group, moment.at_ms);
            for (series, value) in &moment.rows {
                later.push_float(*series, moment.group, moment.at_ms, place, *value);
            }
            for (series, histogram) in &moment.histograms {
                later.push_histogram(*series, moment.group, moment.at_ms, place, Arc::clone(histogram));
            }
        }
        if !moved.is_empty() {
            self.open.insert(at_ms, later);
        }
        moved
    }

    /// A closed window is a segment now.
    pub(crate) fn drop_closed(&mut self, start_ms: i64) {
        self.closing.remove(&start_ms);
    }

    pub(crate) fn samples(&self) -> usize {
        self.windows().map(Window::samples).sum()
    }

    /// Roughly the memory that the samples take, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.windows().map(Window::memory_bytes).sum()
    }
}

/// A window's samples in a range, as they could have been appended.
fn moments(window: &Window, range: TimeRange, registry: &Registry) -> Vec<Moment> {
    let mut by_moment: BTreeMap<(i64, u32), Moment> = BTreeMap::new();
    for series in window.series() {
        let group = registry.get(series).map_or(0, |known| known.group);
        if let Some(read) = window.read_floats(series, range) {
            for (at_ms, value) in read.times_ms.iter().zip(read.values) {
                moment(&mut by_moment, *at_ms, group).rows.push((series, value));
            }
        }
        if let Some(read) = window.read_histograms(series, range) {
            for (at_ms, value) in read.times_ms.iter().zip(read.values) {
                moment(&mut by_moment, *at_ms, group).histograms.push((series, value));
            }
        }
    }
    by_moment.into_values().collect()
}

fn moment(by_moment: &mut BTreeMap<(i64, u32), Moment>, at_ms: i64, group: u32) -> &mut Moment {
    let moment = by_moment.entry((at_ms, group)).or_default();
    (moment.group, moment.at_ms) = (group, at_ms);
    moment
}
