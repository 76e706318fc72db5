//! Asking: which series match, and which parts of memory and of which segments have their samples.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::Arc;

use model::{Labels, Matcher, TimeRange};
use storage::{QueryError, Queryable, Select, SeriesColumns, SeriesExemplars};

use crate::db::{Db, Inner};
use crate::registry::Position;
use crate::segment::{Index, Segment};
use crate::select::{self, HeadHistograms, HeadPart, Plan};
use crate::window::Window;

impl Db {
    /// The index of a segment, from the cache or from its footer.
    fn index(&self, segment: &Segment) -> Result<Arc<Index>, QueryError> {
        if let Some(index) = self.indexes.lock().get(segment.start_ms) {
            return Ok(index);
        }
        let read = || {
            let footer = segment.footer()?;
            segment.index(&footer, &mut self.inner.write().registry)
        };
        let index = Arc::new(read().map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => QueryError::Corrupt(error.to_string()),
            _ => QueryError::Io(error),
        })?);
        self.indexes.lock().put(segment.start_ms, Arc::clone(&index));
        Ok(index)
    }

    /// The live series that any of the selectors wants and that may have samples in the range.
    fn matching(inner: &Inner, selectors: &[&[Matcher]], range: TimeRange) -> Vec<Position> {
        let registry = &inner.registry;
        let mut found: Vec<Position> = if selectors.is_empty() {
            registry.all()
        } else {
            let resolve = |matchers: &&[Matcher]| {
                registry.postings.resolve(matchers, || registry.all(), |position| registry.labels(position))
            };
            selectors.iter().flat_map(resolve).collect()
        };
        found.sort_unstable();
        found.dedup();
        found.retain(|position| registry.may_have(*position, range));
        found
    }
}

fn slices(selectors: &[Vec<Matcher>]) -> Vec<&[Matcher]> {
    selectors.iter().map(Vec::as_slice).collect()
}

/// The parts of a window that a query wants.
#[derive(Default)]
struct FromHead {
    floats: HashMap<Position, Vec<HeadPart>>,
    histograms: HashMap<Position, HeadHistograms>,
    samples: usize,
}

impl FromHead {
    fn read(&mut self, window: &Window, positions: &[Position], select: &Select<'_>) -> Result<(), QueryError> {
        let mut shared: HashMap<(u32, usize, usize), Arc<[i64]>> = HashMap::new();
        for position in positions {
            if let Some(read) = window.read_floats(*position, select.range) {
                self.samples += read.values.len();
                let times_ms = match read.shared {
                    Some((group, first)) => Arc::clone(
                        shared
                            .entry((group, first, read.times_ms.len()))
                            .or_insert_with(|| Arc::from(&read.times_ms[..])),
                    ),
                    None => Arc::from(&read.times_ms[..]),
                };
                self.floats.entry(*position).or_default().push(HeadPart { times_ms, values: read.values });
            }
            if let Some(read) = window.read_histograms(*position, select.range) {
                self.samples += read.values.len();
                let parts = self.histograms.entry(*position).or_default();
                parts.extend(read.times_ms.iter().copied().zip(read.values));
            }
            if select.samples_max < self.samples {
                return Err(QueryError::TooManySamples);
            }
        }
        Ok(())
    }
}

impl Queryable for Db {
    fn select(&self, select: &Select<'_>) -> Result<Vec<SeriesColumns>, QueryError> {
        let segments: Vec<Arc<Segment>> = {
            let inner = self.inner.read();
            let (start_ms, end_ms) = (select.range.start.as_ms(), select.range.end.as_ms());
            inner.segments.values().filter(|s| s.start_ms <= end_ms && start_ms < s.end_ms).cloned().collect()
        };
        let indexed = segments.into_iter().map(|segment| Ok((Arc::clone(&segment), self.index(&segment)?)));
        let mut segments = indexed.collect::<Result<Vec<_>, QueryError>>()?;
        let inner = self.inner.read();
        let positions = Self::matching(&inner, &[select.matchers], select.range);
        let series: Vec<(Position, Labels)> =
            positions.iter().map(|position| (*position, inner.registry.labels(*position).clone())).collect();
        let mut head = FromHead::default();
        for window in inner.head.windows() {
            if window.end_ms <= select.range.start.as_ms() || select.range.end.as_ms() < window.start_ms {
                continue;
            }
            // A window that became a segment between the two locks is read once, from memory.
            segments.retain(|(segment, _)| segment.start_ms != window.start_ms);
            head.read(window, &positions, select)?;
        }
        // A window that became a segment after the first lock, and left memory before the second.
        let missed: Vec<Arc<Segment>> = inner
            .segments
            .values()
            .filter(|s| s.start_ms <= select.range.end.as_ms() && select.range.start.as_ms() < s.end_ms)
            .filter(|s| !segments.iter().any(|(known, _)| known.start_ms == s.start_ms))
            .filter(|s| !inner.head.holds(s.start_ms))
            .cloned()
            .collect();
        drop(inner);
        for segment in missed {
            let index = self.index(&segment)?;
            segments.push((segment, index));
        }
        segments.sort_by_key(|(segment, _)| segment.start_ms);
        select::run(Plan {
            range: select.range,
            series,
            segments,
            floats: head.floats,
            histograms: head.histograms,
            head_samples: head.samples,
            samples_max: select.samples_max,
        })
    }

    fn series(&self, selectors: &[Vec<Matcher>], range: TimeRange) -> Result<Vec<Labels>, QueryError> {
        let inner = self.inner.read();
        let positions = Self::matching(&inner, &slices(selectors), range);
        let mut found: Vec<Labels> = positions.into_iter().map(|p| inner.registry.labels(p).clone()).collect();
        found.sort();
        Ok(found)
    }

    fn label_names(&self, selectors: &[Vec<Matcher>], range: TimeRange) -> Result<Vec<String>, QueryError> {
        let inner = self.inner.read();
        if selectors.is_empty() && range == TimeRange::ALL {
            return Ok(inner.registry.postings.names().map(str::to_owned).collect());
        }
        let positions = Self::matching(&inner, &slices(selectors), range);
        let labels = positions.iter().map(|position| inner.registry.labels(*position));
        let names: BTreeSet<&str> = labels.flat_map(Labels::iter).map(|(name, _)| name).collect();
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    fn label_values(
        &self,
        name: &str,
        selectors: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryError> {
        let inner = self.inner.read();
        let wanted = (!selectors.is_empty()).then(|| Self::matching(&inner, &slices(selectors), range));
        let has = |position: &Position| match &wanted {
            Some(wanted) => wanted.binary_search(position).is_ok(),
            None => inner.registry.may_have(*position, range),
        };
        let values = inner.registry.postings.values(name).filter(|(_, positions)| positions.iter().any(has));
        Ok(values.map(|(value, _)| value.to_owned()).collect())
    }

    fn exemplars(&self, selectors: &[Vec<Matcher>], range: TimeRange) -> Result<Vec<SeriesExemplars>, QueryError> {
        let inner = self.inner.read();
        if selectors.is_empty() {
            return Ok(Vec::new());
        }
        // An exemplar has a moment of its own, so that of its series' samples says nothing.
        let positions = Self::matching(&inner, &slices(selectors), TimeRange::ALL);
        let found = inner.exemplars.find(&positions, range).into_iter();
        let mut found: Vec<SeriesExemplars> = found
            .map(|(series, exemplars)| SeriesExemplars { labels: inner.registry.labels(series).clone(), exemplars })
            .collect();
        found.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(found)
    }
}
