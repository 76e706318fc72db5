//! How samples come in.

use std::sync::Arc;

use model::{Exemplar, Histogram, Labels, Timestamp};
use thiserror::Error;

/// A group of series that are appended together, usually a target's. Valid as long as the store is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u64);

/// A series. Valid as long as the store is open; never given to another series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(pub u64);

/// A value for one series.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Whose.
    pub series: SeriesId,
    /// What; may be the stale marker.
    pub value: f64,
}

/// A native histogram for one series.
#[derive(Clone, Debug)]
pub struct HistogramRow {
    /// Whose.
    pub series: SeriesId,
    /// What; may be [`Histogram::stale`].
    pub value: Arc<Histogram>,
}

/// An exemplar for one series.
#[derive(Clone, Debug)]
pub struct ExemplarRow {
    /// Whose.
    pub series: SeriesId,
    /// What, with a moment of its own.
    pub exemplar: Exemplar,
}

/// One moment, many series of one group: the unit of appending. Head, WAL and segment keep this shape.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The target whose scrape this is, or the sender's series that belong together.
    pub group: GroupId,
    /// The moment of every row.
    pub at: Timestamp,
    /// The values, a series at most once.
    pub rows: Vec<Row>,
    /// The native histograms; a series has a value or a histogram, never both at one moment.
    pub histograms: Vec<HistogramRow>,
    /// Examples of what was counted; a store keeps the latest of them and may forget any.
    pub exemplars: Vec<ExemplarRow>,
}

impl Batch {
    /// A batch of values alone.
    pub const fn of_rows(group: GroupId, at: Timestamp, rows: Vec<Row>) -> Self {
        Self { group, at, rows, histograms: Vec::new(), exemplars: Vec::new() }
    }

    /// The series of all that is in it.
    pub fn series(&self) -> impl Iterator<Item = SeriesId> + '_ {
        let floats = self.rows.iter().map(|row| row.series);
        let histograms = self.histograms.iter().map(|row| row.series);
        floats.chain(histograms).chain(self.exemplars.iter().map(|row| row.series))
    }
}

/// Takes samples.
///
/// A caller asks once for its group and for each new series, keeps the ids, and then appends by id.
pub trait Appender: Send + Sync {
    /// The id of the group `key` (for a target: its job, instance and URL); the same key gives the same id.
    fn group(&self, key: &str) -> GroupId;

    /// The id of the series `labels`, which is made if it is new. A series stays with the group that made it.
    ///
    /// # Errors
    /// The store is closed, or has as many series as it may have.
    fn series_id(&self, group: GroupId, labels: &Labels) -> Result<SeriesId, AppendError>;

    /// Appends all batches as one transaction: a reader sees all of it or nothing. On return the samples survive the
    /// end of the process.
    ///
    /// Rows that the store refuses one by one (out of order, duplicate, too old) are in the answer; the others count.
    ///
    /// # Errors
    /// Nothing was appended: the store is full, closed or failing, or an id is unknown.
    fn append(&self, batches: &[Batch]) -> Result<Appended, AppendError>;
}

/// What became of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Rows that are now in the store; a repetition of the newest sample with the same bits counts here.
    pub stored: usize,
    /// Exemplars that are now kept; a store may forget them again at any time.
    pub exemplars: usize,
    /// Rows that were refused, in the order of the batches, the histograms of a batch behind its values.
    pub rejected: Vec<Rejected>,
}

/// A row that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Whose row.
    pub series: SeriesId,
    /// The row's moment.
    pub at: Timestamp,
    /// Why.
    pub reason: Refusal,
}

/// Why a row is refused. The texts are Prometheus'.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// Older than the series' newest sample.
    #[error("out of order sample")]
    OutOfOrder,
    /// As old as the series' newest sample, with another value.
    #[error("duplicate sample for timestamp")]
    Duplicate,
    /// Older than what the store still takes.
    #[error("out of bounds")]
    TooOld,
    /// Further in the future than the store takes.
    #[error("too far in the future")]
    TooNew,
}

/// Why nothing was appended.
#[derive(Debug, Error)]
pub enum AppendError {
    /// The disk has no room; scraping goes on, remote write has to wait.
    #[error("the storage is full: {0}")]
    Full(String),
    /// As many series as the store may have.
    #[error("the storage has its limit of {limit} series")]
    TooManySeries {
        /// The limit.
        limit: usize,
    },
    /// The id is not one of this store's.
    #[error("unknown series id {0:?}")]
    UnknownSeries(SeriesId),
    /// The store is being closed.
    #[error("the storage is closed")]
    Closed,
    /// The disk failed.
    #[error("cannot write to the storage: {0}")]
    Io(#[from] std::io::Error),
}
