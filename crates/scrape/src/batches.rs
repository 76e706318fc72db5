//! What a page brings, in the shape in which it is appended.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use model::{Exemplar, Histogram, STALE_NAN, Timestamp};
use storage::{Batch, ExemplarRow, GroupId, HistogramRow, Row, SeriesId};

/// The batches of one scrape: one for its own moment, one for each moment that the page gives.
#[derive(Debug)]
pub(crate) struct Batches {
    now: Batch,
    stamped: Vec<Batch>,
    by_moment: HashMap<i64, usize>,
    /// Series with moments of their own.
    moments: HashSet<(SeriesId, i64)>,
}

impl Batches {
    /// For the scrape at a moment; `rows` is memory of the last one, to be used again.
    pub(crate) fn new(group: GroupId, at: Timestamp, mut rows: Vec<Row>) -> Self {
        rows.clear();
        let now = Batch::of_rows(group, at, rows);
        Self { now, stamped: Vec::new(), by_moment: HashMap::new(), moments: HashSet::new() }
    }

    /// Forgets what a page brought that failed.
    pub(crate) fn clear(&mut self) {
        self.now.rows.clear();
        self.now.histograms.clear();
        self.now.exemplars.clear();
        self.stamped.clear();
    }

    /// The batch of a moment, of the scrape's own if the page gives none.
    #[inline]
    fn batch(&mut self, timestamp_ms: Option<i64>) -> &mut Batch {
        let Some(at_ms) = timestamp_ms else { return &mut self.now };
        let next = self.stamped.len();
        let position = *self.by_moment.entry(at_ms).or_insert(next);
        if position == next {
            self.stamped.push(Batch::of_rows(self.now.group, Timestamp::from_ms(at_ms), Vec::new()));
        }
        &mut self.stamped[position]
    }

    #[inline]
    pub(crate) fn push(&mut self, series: SeriesId, value: f64, timestamp_ms: Option<i64>) {
        self.batch(timestamp_ms).rows.push(Row { series, value });
    }

    pub(crate) fn push_histogram(&mut self, series: SeriesId, value: Histogram, timestamp_ms: Option<i64>) {
        self.batch(timestamp_ms).histograms.push(HistogramRow { series, value: Arc::new(value) });
    }

    /// Examples are kept with the scrape's own moment: they have their own.
    pub(crate) fn push_exemplar(&mut self, series: SeriesId, exemplar: Exemplar) {
        self.now.exemplars.push(ExemplarRow { series, exemplar });
    }

    /// Whether the page gives this moment to this series for the first time.
    pub(crate) fn is_first(&mut self, series: SeriesId, at_ms: i64) -> bool {
        self.moments.insert((series, at_ms))
    }

    /// The series has ended.
    pub(crate) fn end(&mut self, series: SeriesId, native: bool) {
        if native {
            self.push_histogram(series, Histogram::stale(), None);
        } else {
            self.push(series, STALE_NAN, None);
        }
    }

    /// The rows of the scrape's own moment.
    pub(crate) fn rows(&mut self) -> &mut Vec<Row> {
        &mut self.now.rows
    }

    /// All batches, earlier moments first, the scrape's own last.
    pub(crate) fn finish(self) -> Vec<Batch> {
        let mut batches = self.stamped;
        batches.sort_by_key(|batch| batch.at);
        batches.push(self.now);
        batches
    }
}
