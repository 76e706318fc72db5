//! Batches in the making: a request has the same few moments again and again, in the same order.

use hashbrown::{HashMap, HashSet};
use model::Timestamp;
use storage::{Batch, GroupId, SeriesId};

use crate::error::{DecodeError, MOMENTS_MAX};

/// Rows that emptied batches may have room for when they are kept for the next request.
const SPARE_ROWS_MAX: usize = 256 << 10;

/// Entries that emptied tables may have room for when they are kept for the next request.
const TABLE_ENTRIES_MAX: usize = 16 << 10;

/// The batches of a request.
#[derive(Default)]
pub(crate) struct Batches {
    batches: Vec<Batch>,
    by_moment: HashMap<(GroupId, i64), usize>,
    /// The batch that was asked for last.
    last: usize,
    /// The series of the request, to see whether one comes twice.
    pub(crate) seen: HashSet<SeriesId>,
    spare: Vec<Batch>,
    spare_rows: usize,
}

impl Batches {
    /// The batch of a moment; `nth` is the place of a sample among its series' samples, where the same moment is likely
    /// to stand.
    #[inline]
    pub(crate) fn at(&mut self, group: GroupId, at_ms: i64, nth: usize) -> Result<&mut Batch, DecodeError> {
        let is_it = |batch: Option<&Batch>| batch.is_some_and(|b| b.group == group && b.at.as_ms() == at_ms);
        if is_it(self.batches.get(nth)) {
            self.last = nth;
        } else if !is_it(self.batches.get(self.last)) {
            self.last = self.position(group, at_ms)?;
        }
        Ok(&mut self.batches[self.last])
    }

    /// A batch of the group, of whatever moment, for what has a moment of its own.
    pub(crate) fn any(&mut self, group: GroupId, at_ms: i64) -> Result<&mut Batch, DecodeError> {
        if self.batches.get(self.last).is_none_or(|batch| batch.group != group) {
            self.last = self.position(group, at_ms)?;
        }
        Ok(&mut self.batches[self.last])
    }

    fn position(&mut self, group: GroupId, at_ms: i64) -> Result<usize, DecodeError> {
        let next = self.batches.len();
        let position = *self.by_moment.entry((group, at_ms)).or_insert(next);
        if position == next {
            if MOMENTS_MAX <= next {
                return Err(DecodeError::TooManyMoments);
            }
            let mut batch = self.spare.pop().unwrap_or_else(|| Batch::of_rows(group, Timestamp::MIN, Vec::new()));
            self.spare_rows = self.spare_rows.saturating_sub(batch.rows.capacity());
            (batch.group, batch.at) = (group, Timestamp::from_ms(at_ms));
            self.batches.push(batch);
        }
        Ok(position)
    }

    /// All of them, in the order of their moments. To be asked for when no more is added.
    pub(crate) fn sorted(&mut self) -> &[Batch] {
        if !self.batches.is_sorted_by_key(|batch| batch.at) {
            self.batches.sort_by_key(|batch| batch.at);
        }
        &self.batches
    }

    /// Starts anew, with the memory there is.
    pub(crate) fn clear(&mut self) {
        for mut batch in self.batches.drain(..) {
            batch.rows.clear();
            batch.histograms.clear();
            batch.exemplars.clear();
            if self.spare_rows + batch.rows.capacity() <= SPARE_ROWS_MAX && self.spare.len() < SPARE_ROWS_MAX / 64 {
                self.spare_rows += batch.rows.capacity();
                self.spare.push(batch);
            }
        }
        self.by_moment.clear();
        self.by_moment.shrink_to(TABLE_ENTRIES_MAX);
        self.seen.clear();
        self.seen.shrink_to(TABLE_ENTRIES_MAX);
        self.last = 0;
    }
}
