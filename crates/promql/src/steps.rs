//! The moments at which a query is evaluated.

/// `start_ms`, `start_ms + step_ms`, …
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(crate) start_ms: i64,
    /// Greater than zero.
    pub(crate) step_ms: i64,
    pub(crate) count: usize,
}

impl Steps {
    pub(crate) const fn instant(at_ms: i64) -> Self {
        Self { start_ms: at_ms, step_ms: 1, count: 1 }
    }

    /// The steps from `start_ms` to `end_ms`, which need not be hit.
    pub(crate) fn range(start_ms: i64, end_ms: i64, step_ms: i64) -> Self {
        let step_ms = step_ms.max(1);
        let count = if end_ms < start_ms { 0 } else { (end_ms - start_ms) / step_ms + 1 };
        Self { start_ms, step_ms, count: usize::try_from(count).unwrap_or(0) }
    }

    pub(crate) fn at(&self, step: usize) -> i64 {
        self.start_ms + self.step_ms * i64::try_from(step).unwrap_or(i64::MAX)
    }

    /// The last moment.
    pub(crate) fn end_ms(&self) -> i64 {
        self.at(self.count.saturating_sub(1))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        (0..self.count).map(|step| self.at(step))
    }
}
