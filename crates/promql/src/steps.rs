//! The moments at which a query is evaluated.

use crate::STEPS_MAX;
use crate::error::EvalError;

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
    pub(crate) fn range(start_ms: i64, end_ms: i64, step_ms: i64) -> Result<Self, EvalError> {
        let step_ms = step_ms.max(1);
        let count = if end_ms < start_ms { 0 } else { (end_ms.saturating_sub(start_ms)) / step_ms + 1 };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if STEPS_MAX < count { Err(EvalError::TooManySteps(count)) } else { Ok(Self { start_ms, step_ms, count }) }
    }

    pub(crate) fn at(&self, step: usize) -> i64 {
        self.start_ms + self.step_ms * i64::try_from(step).unwrap_or(i64::MAX)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        (0..self.count).map(|step| self.at(step))
    }
}
