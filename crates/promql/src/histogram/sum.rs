//! Sums and means of many histograms that lose little to rounding.

use model::{Histogram, ResetHint};

use super::sparse::Sparse;
use super::{IncompatibleSchemas, divided};
use crate::kahan::KahanSum;

/// What a row of histograms had to put up with.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RowRemarks {
    reset_seen: bool,
    no_reset_seen: bool,
    /// Bounds differed.
    pub(crate) bounds_reconciled: bool,
}

impl RowRemarks {
    fn see(&mut self, hint: ResetHint) {
        self.reset_seen |= hint == ResetHint::CounterReset;
        self.no_reset_seen |= hint == ResetHint::NotCounterReset;
    }

    /// Whether some started anew and others are known not to have.
    pub(crate) const fn resets_collide(&self) -> bool {
        self.reset_seen && self.no_reset_seen
    }
}

/// A running sum.
#[derive(Clone, Debug)]
pub(crate) struct HistogramSum {
    sum: Sparse<KahanSum>,
    pub(crate) remarks: RowRemarks,
}

impl HistogramSum {
    pub(crate) fn new(first: &Histogram) -> Self {
        let mut remarks = RowRemarks::default();
        remarks.see(first.reset_hint);
        Self { sum: Sparse::from(first), remarks }
    }

    pub(crate) fn add(&mut self, histogram: &Histogram) -> Result<(), IncompatibleSchemas> {
        self.remarks.see(histogram.reset_hint);
        self.remarks.bounds_reconciled |= self.sum.combine(histogram, 1.0)?.bounds_reconciled;
        Ok(())
    }

    pub(crate) fn finish(self) -> Histogram {
        self.sum.into_histogram()
    }
}

/// A running mean: the sum divided by the count, until the sum would overflow; then incrementally.
#[derive(Clone, Debug)]
pub(crate) struct HistogramMean {
    /// The sum, or the mean once it is `incremental`.
    row: HistogramSum,
    incremental: bool,
    count: f64,
}

impl HistogramMean {
    pub(crate) fn new(first: &Histogram) -> Self {
        Self { row: HistogramSum::new(first), incremental: false, count: 1.0 }
    }

    pub(crate) fn add(&mut self, histogram: &Histogram) -> Result<(), IncompatibleSchemas> {
        self.count += 1.0;
        if !self.incremental {
            let mut next = self.row.clone();
            next.add(histogram)?;
            if !next.sum.has_overflowed() {
                self.row = next;
                return Ok(());
            }
            self.incremental = true;
            self.row.sum.divide(self.count - 1.0);
        }
        self.row.sum.multiply((self.count - 1.0) / self.count);
        self.row.add(&divided(histogram, self.count))
    }

    pub(crate) const fn remarks(&self) -> RowRemarks {
        self.row.remarks
    }

    pub(crate) fn finish(mut self) -> Histogram {
        if !self.incremental {
            self.row.sum.divide(self.count);
        }
        self.row.finish()
    }
}
