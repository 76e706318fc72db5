//! Every series that has samples somewhere in the store, with what an append must know of it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use model::{Labels, TimeRange, Timestamp};

use crate::postings::Postings;

/// A series' place in the registry; the number behind `storage::SeriesId`.
pub(crate) type Position = u32;

/// A series.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) labels: Labels,
    pub(crate) group: u32,
    /// The newest sample.
    last: Option<Last>,
    /// No sample is older than this, and none newer than `newest_ms`; may be wider than the truth.
    pub(crate) oldest_ms: i64,
    pub(crate) newest_ms: i64,
    /// Retention took its last sample; its place is not given to another.
    gone: bool,
}

/// What an append must know of a series' newest sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Last {
    pub(crate) at_ms: i64,
    /// The bits of a value, or a hash of a histogram.
    pub(crate) bits: u64,
    pub(crate) is_histogram: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Registry {
    series: Vec<Known>,
    by_labels: HashMap<Labels, Position>,
    groups: Vec<String>,
    by_key: HashMap<String, u32>,
    pub(crate) postings: Postings,
    pub(crate) tables: Tables,
}

/// Tables of names of segments that are kept.
const TABLES_MAX: usize = 4;

/// What tables of names that were read lately mean: a segment mostly has the same as the one before it.
#[derive(Debug, Default)]
pub(crate) struct Tables(VecDeque<Table>);

/// The bytes of a table, and its series.
type Table = (Box<[u8]>, Arc<[Position]>);

impl Tables {
    /// The series of a table, by its bytes.
    pub(crate) fn get(&self, table: &[u8]) -> Option<Arc<[Position]>> {
        self.0.iter().find(|(known, _)| **known == *table).map(|(_, series)| Arc::clone(series))
    }

    /// Keeps a table, and forgets the one that was kept longest if there are many.
    pub(crate) fn put(&mut self, table: &[u8], series: &Arc<[Position]>) {
        if self.0.len() == TABLES_MAX {
            self.0.pop_front();
        }
        self.0.push_back((table.into(), Arc::clone(series)));
    }
}

impl Registry {
    pub(crate) fn group(&mut self, key: &str) -> u32 {
        if let Some(group) = self.by_key.get(key) {
            return *group;
        }
        let group = self.groups.len() as u32;
        self.groups.push(key.to_owned());
        self.by_key.insert(key.to_owned(), group);
        group
    }

    pub(crate) fn find_group(&self, key: &str) -> Option<u32> {
        self.by_key.get(key).copied()
    }

    pub(crate) fn group_key(&self, group: u32) -> Option<&str> {
        self.groups.get(group as usize).map(String::as_str)
    }

    pub(crate) fn find(&self, labels: &Labels) -> Option<Position> {
        self.by_labels.get(labels).copied()
    }

    /// The series with these labels, which is made if it is new.
    pub(crate) fn series(&mut self, group: u32, labels: &Labels) -> Position {
        if let Some(position) = self.find(labels) {
            return position;
        }
        let position = self.series.len() as Position;
        self.by_labels.insert(labels.clone(), position);
        self.postings.add(position, labels);
        self.series.push(Known {
            labels: labels.clone(),
            group,
            last: None,
            oldest_ms: i64::MAX,
            newest_ms: i64::MIN,
            gone: false,
        });
        position
    }

    pub(crate) fn get(&self, position: Position) -> Option<&Known> {
        self.series.get(position as usize)
    }

    /// The newest sample of a series.
    pub(crate) fn last(&self, position: Position) -> Option<Last> {
        self.series[position as usize].last
    }

    /// Notes the newest sample of a series.
    pub(crate) fn set_last(&mut self, position: Position, last: Option<Last>) {
        self.series[position as usize].last = last;
    }

    /// Notes the newest sample of a series; what was noted before.
    pub(crate) fn replace_last(&mut self, position: Position, last: Last) -> Option<Last> {
        self.series[position as usize].last.replace(last)
    }

    /// Series that have samples.
    pub(crate) fn live_count(&self) -> usize {
        self.by_labels.len()
    }

    /// All live series, rising.
    pub(crate) fn all(&self) -> Vec<Position> {
        (0..self.series.len() as Position).filter(|position| !self.series[*position as usize].gone).collect()
    }

    pub(crate) fn labels(&self, position: Position) -> &Labels {
        &self.series[position as usize].labels
    }

    /// Widens what is known of a series' samples.
    pub(crate) fn saw(&mut self, position: Position, oldest_ms: i64, newest_ms: i64) {
        let known = &mut self.series[position as usize];
        known.oldest_ms = known.oldest_ms.min(oldest_ms);
        known.newest_ms = known.newest_ms.max(newest_ms);
    }

    /// Whether a series may have samples in the range.
    pub(crate) fn may_have(&self, position: Position, range: TimeRange) -> bool {
        let known = &self.series[position as usize];
        let spans = TimeRange::new(Timestamp::from_ms(known.oldest_ms), Timestamp::from_ms(known.newest_ms));
        spans.start <= spans.end && spans.overlaps(&range)
    }

    /// Forgets series without a sample from `oldest_ms` on; those that never had one stay, somebody just asked for them.
    pub(crate) fn forget_before(&mut self, oldest_ms: i64) -> usize {
        let mut forgotten = 0;
        for known in &mut self.series {
            if known.newest_ms == i64::MIN || oldest_ms <= known.newest_ms {
                known.oldest_ms = known.oldest_ms.max(oldest_ms.min(known.newest_ms));
            } else if !known.gone {
                known.gone = true;
                forgotten += 1;
                self.by_labels.remove(&known.labels);
                // The place stays, so that its number means no other series; its labels need not.
                known.labels = Labels::empty();
            }
        }
        if 0 < forgotten {
            let series = &self.series;
            self.postings.remove(|position| series[position as usize].gone);
        }
        forgotten
    }

    /// Whether the place was taken from its series.
    pub(crate) fn is_gone(&self, position: Position) -> bool {
        self.series.get(position as usize).is_none_or(|known| known.gone)
    }
}
