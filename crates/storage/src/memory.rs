//! A store that forgets: for tests, and for programs that keep nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use model::{Exemplar, Histogram, Labels, Matcher, TimeRange, Timestamp};

use crate::{
    AppendError, Appended, Appender, Batch, GroupId, HistogramRow, QueryError, Queryable, Refusal, Rejected, Select,
    SeriesColumns, SeriesExemplars, SeriesId,
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
    histograms: Vec<(i64, Arc<Histogram>)>,
    starts_ms: BTreeMap<i64, i64>,
    exemplars: Vec<Exemplar>,
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
            let at = Timestamp::from_ms(at_ms);
            let row = self.series_id(group, labels).map(|series| crate::Row { series, value });
            let batch = row.map(|row| Batch::of_rows(group, at, vec![row]));
            let done = batch.and_then(|batch| self.append(&[batch]));
            assert!(done.as_ref().is_ok_and(|done| done.rejected.is_empty()), "{labels} at {at_ms}: {done:?}");
        }
    }

    /// Appends native histograms of one series; a shorthand for tests.
    ///
    /// # Panics
    /// A histogram is refused.
    pub fn push_histograms(&self, labels: &Labels, samples: impl IntoIterator<Item = (i64, Histogram)>) {
        let group = self.group("push");
        for (at_ms, value) in samples {
            let row = self.series_id(group, labels).map(|series| HistogramRow { series, value: Arc::new(value) });
            let batch = row.map(|row| Batch {
                histograms: vec![row],
                ..Batch::of_rows(group, Timestamp::from_ms(at_ms), Vec::new())
            });
            let done = batch.and_then(|batch| self.append(&[batch]));
            assert!(done.as_ref().is_ok_and(|done| done.rejected.is_empty()), "{labels} at {at_ms}: {done:?}");
        }
    }
}

impl MemoryStorage {
    /// Says of samples of one series, by their moments, when their counter began; both in milliseconds.
    ///
    /// # Panics
    /// The series is refused.
    pub fn push_starts(&self, labels: &Labels, starts_ms: impl IntoIterator<Item = (i64, i64)>) {
        let series = self.series_id(self.group("push"), labels);
        let series = series.unwrap_or_else(|error| panic!("{labels}: {error}"));
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        state.series[series.0 as usize].starts_ms.extend(starts_ms);
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
        state.series.push(MemorySeries::new(labels.clone()));
        Ok(id)
    }

    fn append(&self, batches: &[Batch]) -> Result<Appended, AppendError> {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let known = state.series.len() as u64;
        if let Some(unknown) = batches.iter().flat_map(Batch::series).find(|series| known <= series.0) {
            return Err(AppendError::UnknownSeries(unknown));
        }
        let mut done = Appended::default();
        for batch in batches {
            let at_ms = batch.at.as_ms();
            let mut note = |series, verdict| match verdict {
                Ok(()) => done.stored += 1,
                Err(reason) => done.rejected.push(Rejected { series, at: batch.at, reason }),
            };
            for row in &batch.rows {
                note(row.series, state.series[row.series.0 as usize].push(at_ms, row.value));
            }
            for row in &batch.histograms {
                note(row.series, state.series[row.series.0 as usize].push_histogram(at_ms, &row.value));
            }
            for row in &batch.exemplars {
                state.series[row.series.0 as usize].exemplars.push(row.exemplar.clone());
                done.exemplars += 1;
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
            let histograms = series.histograms_within(select.range);
            if from == to && histograms.is_empty() {
                continue;
            }
            samples += to - from + histograms.len();
            if select.samples_max < samples {
                return Err(QueryError::TooManySamples);
            }
            found.push(SeriesColumns {
                labels: series.labels.clone(),
                timestamps_ms: Arc::from(&series.timestamps_ms[from..to]),
                values: series.values[from..to].to_vec(),
                histograms: histograms.to_vec(),
                starts_ms: series.starts_within(select.range),
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
                from < to || !series.histograms_within(range).is_empty()
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

    fn exemplars(&self, selectors: &[Vec<Matcher>], range: TimeRange) -> Result<Vec<SeriesExemplars>, QueryError> {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::new();
        for series in &state.series {
            let within = series.exemplars.iter().filter(|exemplar| range.contains(exemplar.at));
            let mut exemplars: Vec<Exemplar> = within.cloned().collect();
            exemplars.sort_by_key(|exemplar| exemplar.at);
            if !exemplars.is_empty() && selectors.iter().any(|selector| matches(&series.labels, selector)) {
                found.push(SeriesExemplars { labels: series.labels.clone(), exemplars });
            }
        }
        found.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(found)
    }
}

impl MemorySeries {
    const fn new(labels: Labels) -> Self {
        Self {
            labels,
            timestamps_ms: Vec::new(),
            values: Vec::new(),
            histograms: Vec::new(),
            starts_ms: BTreeMap::new(),
            exemplars: Vec::new(),
        }
    }

    fn push(&mut self, at_ms: i64, value: f64) -> Result<(), Refusal> {
        let same = self.values.last().is_some_and(|last| last.to_bits() == value.to_bits());
        if self.is_new(at_ms, self.timestamps_ms.last().is_some_and(|last| *last == at_ms) && same)? {
            self.timestamps_ms.push(at_ms);
            self.values.push(value);
        }
        Ok(())
    }

    fn push_histogram(&mut self, at_ms: i64, value: &Arc<Histogram>) -> Result<(), Refusal> {
        let same = |last: &Histogram| last == &**value || (last.is_stale() && value.is_stale());
        if self.is_new(at_ms, self.histograms.last().is_some_and(|(at, last)| *at == at_ms && same(last)))? {
            self.histograms.push((at_ms, Arc::clone(value)));
        }
        Ok(())
    }

    /// Whether a sample is to be stored, given whether it repeats the newest one.
    fn is_new(&self, at_ms: i64, repeats: bool) -> Result<bool, Refusal> {
        let newest = self.timestamps_ms.last().copied().max(self.histograms.last().map(|(at, _)| *at));
        match newest {
            Some(newest) if at_ms < newest => Err(Refusal::OutOfOrder),
            Some(newest) if at_ms == newest && !repeats => Err(Refusal::Duplicate),
            Some(newest) => Ok(newest < at_ms),
            None => Ok(true),
        }
    }

    fn histograms_within(&self, range: TimeRange) -> &[(i64, Arc<Histogram>)] {
        let from = self.histograms.partition_point(|(at, _)| *at < range.start.as_ms());
        let to = self.histograms.partition_point(|(at, _)| *at <= range.end.as_ms());
        &self.histograms[from..to.max(from)]
    }

    fn starts_within(&self, range: TimeRange) -> Vec<(i64, i64)> {
        let within = self.starts_ms.range(range.start.as_ms()..=range.end.as_ms());
        within.map(|(at, start)| (*at, *start)).collect()
    }

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
            let batch = Batch::of_rows(group, Timestamp::from_ms(at_ms), vec![Row { series, value }]);
            assert_eq!(store.append(&[batch]).unwrap().rejected.first().map(|r| r.reason), reason);
        };
        check(1_500, 1.0, Some(Refusal::OutOfOrder));
        check(2_000, 3.0, Some(Refusal::Duplicate));
        check(2_000, 2.0, None);
        check(3_000, 3.0, None);
    }
}
