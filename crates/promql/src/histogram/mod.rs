//! Native histograms in computation: what Prometheus' `FloatHistogram` can do.
//!
//! [`model::Histogram`] is how a histogram is stored, with spans of buckets. Arithmetic works on `Sparse`, which names
//! each bucket by its index; the way back leaves empty buckets out.

mod buckets;
mod fraction;
mod quantile;
mod reset;
mod sparse;
mod sum;
mod text;
mod trim;

use std::sync::Arc;

use model::{Histogram, ResetHint};
use thiserror::Error;

pub use buckets::{Bucket, buckets};
pub(crate) use fraction::fraction;
pub(crate) use quantile::{NanObservations, quantile};
pub use reset::detects_reset;
pub(crate) use sparse::Sparse;
pub(crate) use sum::{HistogramMean, HistogramSum};
pub(crate) use text::text;
pub(crate) use trim::{Keep, trim};

/// Two histograms cannot be combined: the bounds of one follow from its schema, those of the other are written out.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("histograms have incompatible schemas: exponential and custom buckets")]
pub struct IncompatibleSchemas;

/// What a combination of two histograms had to put up with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Remarks {
    /// One started anew, the other did not.
    pub(crate) resets_collide: bool,
    /// The bounds differed; the result has those that both had.
    pub(crate) bounds_reconciled: bool,
}

/// `left + right`.
///
/// # Errors
/// The schemas are incompatible.
pub fn add(left: &Histogram, right: &Histogram) -> Result<Histogram, IncompatibleSchemas> {
    combine(left, right, 1.0).map(|(sum, _)| sum)
}

/// `left - right`, always a gauge.
///
/// # Errors
/// The schemas are incompatible.
pub fn subtract(left: &Histogram, right: &Histogram) -> Result<Histogram, IncompatibleSchemas> {
    combine(left, right, -1.0).map(|(difference, _)| difference)
}

/// `left + sign * right`, and what is to be said about it.
pub(crate) fn combine(
    left: &Histogram,
    right: &Histogram,
    sign: f64,
) -> Result<(Histogram, Remarks), IncompatibleSchemas> {
    let mut sparse = Sparse::<f64>::from(left);
    let remarks = sparse.combine(right, sign)?;
    Ok((sparse.into_histogram(), remarks))
}

/// The histogram with every count and the sum multiplied; a negative factor makes it a gauge.
pub(crate) fn multiplied(histogram: &Histogram, factor: f64) -> Histogram {
    let mut sparse = Sparse::<f64>::from(histogram);
    sparse.multiply(factor);
    sparse.into_histogram()
}

/// The same divided; division by zero leaves no buckets.
pub(crate) fn divided(histogram: &Histogram, divisor: f64) -> Histogram {
    let mut sparse = Sparse::<f64>::from(histogram);
    sparse.divide(divisor);
    sparse.into_histogram()
}

/// Whether two histograms are the same but for empty buckets and hints; values compare by their bits.
pub(crate) fn equal(left: &Histogram, right: &Histogram) -> bool {
    Sparse::<f64>::from(left).same(&Sparse::from(right))
}

/// The histogram as one of which nothing is known about resets; a gauge stays one.
pub(crate) fn without_hint(histogram: Arc<Histogram>) -> Arc<Histogram> {
    if matches!(histogram.reset_hint, ResetHint::Unknown | ResetHint::Gauge) {
        return histogram;
    }
    Arc::new(Histogram { reset_hint: ResetHint::Unknown, ..Histogram::clone(&histogram) })
}
