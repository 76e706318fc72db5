//! A store that forgets: for tests, and for programs that keep nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use model::{Labels, Matcher, TimeRange};

use crate::{
    AppendError, Appended, Appender, Batch, GroupId, QueryError, Queryable, Refusal, Rejected, Select, SeriesColumns,
    SeriesId,
};

/// A store in memory, without bound and without end.
#[derive(Debug, Default)]
pub struct MemoryStorage(RwLock<State>);

#[derive(Debug, Default)]
struct State {
    groups: BTreeMap<String, GroupId>,
    ids: HashMap<Labels, SeriesId>,
    series: Vec<MemorySeries>,
}

#[derive(Debug)]
struct MemorySeries {
    labels: Labels,
    timestamps_ms: Vec<i64>,
    values: Vec<f64>,
}

impl MemoryStorage {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends samples of one series; a shorthand for tests.
    ///
    /// # Panics
    /// A sample is refused.
    pub fn push(&self, labels: &Labels, samples: impl IntoIterator<Item = (i64, f64)>) {
        let group = self.group("push");
        for (at_ms, value) in samples {
            let batch = self.series_id(group, labels).map(|series| Batch {
                group,
                at: model::Timestamp::from_ms(at_ms),
                rows: vec![crate::Row { series, value }],
            });
            let done = batch.and_then(|batch| self.append(&[batch]));
            assert!(done.as_ref().is_ok_and(|done| done.rejected.is_empty()), "{labels} at {at_ms}: {done:?}");
        }
    }
}

impl Appender for MemoryStorage {
    fn group(&self, key: &str) -> GroupId {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let next = GroupId(state.groups.len() as u64);
        *state.groups.entry(key.to_owned()).or_insert(next)
    }

    fn series_id(&self, _group: GroupId, labels: &Labels) -> Result<SeriesId, AppendError> {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = state.ids.get(labels) {
            return Ok(*id);
        }
        let id = SeriesId(state.series.len() as u64);
        state.ids.insert(labels.clone(), id);
        state.series.push(MemorySeries { labels: labels.clone(), timestamps_ms: Vec::new(), values: Vec::new() });
        Ok(id)
    }

    fn append(&self, batches: &[Batch]) -> Result<Appended, AppendError> {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for row in batches.iter().flat_map(|batch| &batch.rows) {
            if state.series.len() as u64 <= row.series.0 {
                return Err(AppendError::UnknownSeries(row.series));
            }
        }
        let mut done = Appended::default();
        for batch in batches {
            let at_ms = batch.at.as_ms();
            for row in &batch.rows {
                let series = &mut state.series[row.series.0 as usize];
                let reason = match (series.timestamps_ms.last(), series.values.last()) {
                    (Some(&last), _) if at_ms < last => Some(Refusal::OutOfOrder),
                    (Some(&last), Some(value)) if at_ms == last && value.to_bits() != row.value.to_bits() => {
                        Some(Refusal::Duplicate)
                    }
                    (Some(&last), _) if at_ms == last => {
                        done.stored += 1;
                        continue;
                    }
                    _ => None,
                };
                if let Some(reason) = reason {
                    done.rejected.push(Rejected { series: row.series, at: batch.at, reason });
                    continue;
                }
                series.timestamps_ms.push(at_ms);
                series.values.push(row.value);
                done.stored += 1;
            }
        }
        Ok(done)
    }
}

impl Queryable for MemoryStorage {
    fn select(&self, select: &Select<'_>) -> Result<Vec<SeriesColumns>, QueryError> {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::new();
        let mut samples = 0;
        for series in state.series.iter().filter(|series| matches(&series.labels, select.matchers)) {
            let (from, to) = series.within(select.range);
            if from == to {
                continue;
            }
            samples += to - from;
            if select.samples_max < samples {
                return Err(QueryError::TooManySamples);
            }
            found.push(SeriesColumns {
                labels: series.labels.clone(),
                timestamps_ms: Arc::from(&series.timestamps_ms[from..to]),
                values: series.values[from..to].to_vec(),
            });
        }
        found.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(found)
    }

    fn series(&self, selectors: &[Vec<Matcher>], range: TimeRange) -> Result<Vec<Labels>, QueryError> {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<Labels> = state
            .series
            .iter()
            .filter(|series| selectors.is_empty() || selectors.iter().any(|s| matches(&series.labels, s)))
            .filter(|series| {
                let (from, to) = series.within(range);
                from < to
            })
            .map(|series| series.labels.clone())
            .collect();
        found.sort();
        Ok(found)
    }

    fn label_names(&self, selectors: &[Vec<Matcher>], range: TimeRange) -> Result<Vec<String>, QueryError> {
        let series = self.series(selectors, range)?;
        let names: BTreeSet<&str> = series.iter().flat_map(Labels::iter).map(|(name, _)| name).collect();
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    fn label_values(
        &self,
        name: &str,
        selectors: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryError> {
        let series = self.series(selectors, range)?;
        let values: BTreeSet<&str> = series.iter().filter_map(|labels| labels.get(name)).collect();
        Ok(values.into_iter().map(str::to_owned).collect())
    }
}

impl MemorySeries {
    /// The positions of the samples in `range`, from the first to past the last.
    fn within(&self, range: TimeRange) -> (usize, usize) {
        let from = self.timestamps_ms.partition_point(|at| *at < range.start.as_ms());
        let to = self.timestamps_ms.partition_point(|at| *at <= range.end.as_ms());
        (from, to.max(from))
    }
}

fn matches(labels: &Labels, matchers: &[Matcher]) -> bool {
    matchers.iter().all(|matcher| matcher.matches(labels.get(matcher.name()).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::*;
    use crate::Row;

    #[test]
    fn rows_are_refused_one_by_one() {
        let store = MemoryStorage::new();
        let labels = Labels::from_pairs([("__name__", "m")]);
        store.push(&labels, [(1_000, 1.0), (2_000, 2.0)]);
        let group = store.group("g");
        let series = store.series_id(group, &labels).unwrap();
        let check = |at_ms, value, reason| {
            let batch = Batch { group, at: Timestamp::from_ms(at_ms), rows: vec![Row { series, value }] };
            assert_eq!(store.append(&[batch]).unwrap().rejected.first().map(|r| r.reason), reason);
        };
        check(1_500, 1.0, Some(Refusal::OutOfOrder));
        check(2_000, 3.0, Some(Refusal::Duplicate));
        check(2_000, 2.0, None);
        check(3_000, 3.0, None);
    }
}
