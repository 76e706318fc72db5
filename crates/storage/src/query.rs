//! How samples are asked for.

use std::sync::Arc;

use model::{Exemplar, Histogram, Labels, Matcher, TimeRange};
use thiserror::Error;

/// What a reader wants, and what it will do with it.
#[derive(Clone, Debug)]
pub struct Select<'a> {
    /// Conditions, all of which a series must fulfil; at least one does not match the empty value.
    pub matchers: &'a [Matcher],
    /// The samples wanted.
    pub range: TimeRange,
    /// The step of the query in milliseconds, 0 for an instant query; lets a store choose a coarser tier.
    pub step_ms: i64,
    /// The function that will see the samples, empty if none; lets a store choose an aggregate.
    pub function: &'a str,
    /// The store stops with [`QueryError::TooManySamples`] rather than decode more samples than this.
    pub samples_max: usize,
}

/// A series' samples as columns.
#[derive(Clone, Debug)]
pub struct SeriesColumns {
    /// Whose.
    pub labels: Labels,
    /// Milliseconds since the epoch, strictly rising, all within the wanted range; shared where a target's series share
    /// their timestamps.
    pub timestamps_ms: Arc<[i64]>,
    /// As many values, stale markers included.
    pub values: Vec<f64>,
    /// Native histograms with their moments in milliseconds, strictly rising, none of which is in `timestamps_ms`; empty for
    /// most series.
    pub histograms: Vec<(i64, Arc<Histogram>)>,
    /// Of samples of either kind that come with one: their moment, and when their counter began, in milliseconds; the
    /// moments strictly rising. Empty for most series.
    pub starts_ms: Vec<(i64, i64)>,
}

/// A series' exemplars.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesExemplars {
    /// Whose.
    pub labels: Labels,
    /// What was kept, by moment.
    pub exemplars: Vec<Exemplar>,
}

/// Answers questions about stored samples.
pub trait Queryable: Send + Sync {
    /// The series that match and have a sample in the range, in the order of their labels.
    ///
    /// # Errors
    /// A limit was reached or the store failed.
    fn select(&self, select: &Select<'_>) -> Result<Vec<SeriesColumns>, QueryError>;

    /// The label sets that match any of the selectors (all, if there is no selector) and have samples in the range,
    /// sorted. A store may answer for a somewhat larger range than asked.
    ///
    /// # Errors
    /// The store failed.
    fn series(&self, selectors: &[Vec<Matcher>], range: TimeRange) -> Result<Vec<Labels>, QueryError>;

    /// The names of all labels of such series, sorted.
    ///
    /// # Errors
    /// The store failed.
    fn label_names(&self, selectors: &[Vec<Matcher>], range: TimeRange) -> Result<Vec<String>, QueryError>;

    /// The values that the label `name` has in such series, sorted.
    ///
    /// # Errors
    /// The store failed.
    fn label_values(&self, name: &str, selectors: &[Vec<Matcher>], range: TimeRange)
    -> Result<Vec<String>, QueryError>;

    /// The exemplars in the range of the series that match any of the selectors, by the series' labels.
    ///
    /// # Errors
    /// The store failed.
    fn exemplars(&self, selectors: &[Vec<Matcher>], range: TimeRange) -> Result<Vec<SeriesExemplars>, QueryError>;
}

/// Why a question has no answer.
#[derive(Debug, Error)]
pub enum QueryError {
    /// More samples than the query may load.
    #[error("query processing would load too many samples into memory")]
    TooManySamples,
    /// Stored bytes are damaged and no other copy exists.
    #[error("stored data is damaged: {0}")]
    Corrupt(String),
    /// The disk failed.
    #[error("cannot read the storage: {0}")]
    Io(#[from] std::io::Error),
}
