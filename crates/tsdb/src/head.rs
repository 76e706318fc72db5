//! The windows that are still in memory: those that take samples, and those that are being written out.

use std::collections::BTreeMap;
use std::sync::Arc;

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
    pub(crate) const fn new(window_ms: i64) -> Self {
        Self { window_ms, open: BTreeMap::new(), closing: BTreeMap::new(), floor_ms: i64::MIN, newest_ms: i64::MIN }
    }

    pub(crate) const fn window_start(&self, at_ms: i64) -> i64 {
        at_ms.div_euclid(self.window_ms) * self.window_ms
    }

    /// The window of a moment, which takes samples.
    pub(crate) fn window_mut(&mut self, at_ms: i64) -> &mut Window {
        let start_ms = self.window_start(at_ms);
        self.newest_ms = self.newest_ms.max(at_ms);
        self.open.entry(start_ms).or_insert_with(|| Window::new(start_ms, start_ms + self.window_ms))
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

    /// A closed window is a segment now.
    pub(crate) fn drop_closed(&mut self, start_ms: i64) {
        self.closing.remove(&start_ms);
    }

    pub(crate) fn samples(&self) -> usize {
        self.windows().map(|window| window.samples).sum()
    }
}
