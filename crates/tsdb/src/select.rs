//! Puts a series' samples together from segments and windows.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use model::{Histogram, Labels, TimeRange};
use storage::{QueryError, SeriesColumns};

use crate::registry::Position;
use crate::segment::{Bases, Entry, Index, Segment};

/// A series' values that were in memory, already cut to the range.
pub(crate) struct HeadPart {
    pub(crate) times_ms: Arc<[i64]>,
    pub(crate) values: Vec<f64>,
}

/// A series' histograms that were in memory, already cut to the range.
pub(crate) type HeadHistograms = Vec<(i64, Arc<Histogram>)>;

/// What a query reads: copied out of the head, so that nothing is locked while segments are read.
pub(crate) struct Plan {
    pub(crate) range: TimeRange,
    pub(crate) series: Vec<(Position, Labels)>,
    /// Oldest first.
    pub(crate) segments: Vec<(Arc<Segment>, Arc<Index>)>,
    /// By series, oldest first.
    pub(crate) floats: HashMap<Position, Vec<HeadPart>>,
    pub(crate) histograms: HashMap<Position, HeadHistograms>,
    /// Samples in both.
    pub(crate) head_samples: usize,
    pub(crate) samples_max: usize,
}

/// Timestamps of a segment's column, and which of them lie in the range.
type CutColumn = (Arc<[i64]>, usize);

/// Columns of segments that were read, cut to the range.
struct Columns(HashMap<(usize, u32), CutColumn>);

impl Columns {
    /// The column of the segment at `position` in the plan.
    fn cut(&mut self, plan: &Plan, position: usize, column: u32) -> Result<CutColumn, QueryError> {
        if let Some(cut) = self.0.get(&(position, column)) {
            return Ok(cut.clone());
        }
        let (segment, index) = &plan.segments[position];
        let cut = cut(&segment.times(index, column).map_err(corrupt)?, plan.range);
        self.0.insert((position, column), cut.clone());
        Ok(cut)
    }
}

/// Reads the segments and gives each series its columns.
pub(crate) fn run(mut plan: Plan) -> Result<Vec<SeriesColumns>, QueryError> {
    check_size(&plan)?;
    let mut columns = Columns(HashMap::new());
    // Series that are made of the same pieces have the same timestamps. The pieces are held, so that no other takes an
    // address of theirs.
    let mut joined: HashMap<Vec<*const i64>, Joined> = HashMap::new();
    let mut found = Vec::with_capacity(plan.series.len());
    let mut decoded = Vec::new();
    let mut bases: Vec<Bases> = plan.segments.iter().map(|_| Bases::new()).collect();
    for (series, labels) in std::mem::take(&mut plan.series) {
        let mut times: Vec<Arc<[i64]>> = Vec::new();
        let mut values: Vec<f64> = Vec::new();
        for (position, bases) in bases.iter_mut().enumerate() {
            let (segment, index) = &plan.segments[position];
            let Some(entry) = index.floats(series) else { continue };
            let (cut, from) = columns.cut(&plan, position, entry.column)?;
            if cut.is_empty() {
                continue;
            }
            if cut.len() == index.count(entry) {
                segment.values(index, entry, bases, &mut values).map_err(corrupt)?;
            } else {
                decoded.clear();
                segment.values(index, entry, bases, &mut decoded).map_err(corrupt)?;
                values.extend_from_slice(&decoded[from..from + cut.len()]);
            }
            times.push(cut);
        }
        for part in plan.floats.remove(&series).unwrap_or_default() {
            values.extend_from_slice(&part.values);
            times.push(part.times_ms);
        }
        let histograms = histograms(&mut plan, &mut columns, series)?;
        if values.is_empty() && histograms.is_empty() {
            continue;
        }
        let timestamps_ms = match &times[..] {
            [only] => Arc::clone(only),
            _ => {
                let key = times.iter().map(|part| part.as_ptr()).collect();
                let join = || {
                    let all = times.iter().flat_map(|part| part.iter().copied()).collect();
                    Joined { all, _parts: times.clone() }
                };
                Arc::clone(&joined.entry(key).or_insert_with(join).all)
            }
        };
        found.push(SeriesColumns { labels, timestamps_ms, values, histograms, starts_ms: Vec::new() });
    }
    found.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(found)
}

/// Timestamps that were put together.
struct Joined {
    all: Arc<[i64]>,
    _parts: Vec<Arc<[i64]>>,
}

/// A series' histograms.
fn histograms(plan: &mut Plan, columns: &mut Columns, series: Position) -> Result<HeadHistograms, QueryError> {
    let mut found = Vec::new();
    let mut decoded = Vec::new();
    for position in 0..plan.segments.len() {
        let (segment, index) = &plan.segments[position];
        let Some(entry) = index.histograms(series) else { continue };
        let (cut, from) = columns.cut(plan, position, entry.column)?;
        if cut.is_empty() {
            continue;
        }
        decoded.clear();
        segment.histograms(index, entry, &mut decoded).map_err(corrupt)?;
        found.extend(cut.iter().copied().zip(decoded[from..from + cut.len()].iter().cloned()));
    }
    found.extend(plan.histograms.remove(&series).unwrap_or_default());
    Ok(found)
}

/// Counts before anything is decoded.
fn check_size(plan: &Plan) -> Result<(), QueryError> {
    let mut samples = plan.head_samples;
    for (segment, index) in &plan.segments {
        // A segment at the range's edge counts for the share that lies in the range, for it is cut.
        let spans = (segment.end_ms - segment.start_ms).max(1) as f64;
        let first_ms = segment.start_ms.max(plan.range.start.as_ms());
        let inside = segment.end_ms.min(plan.range.end.as_ms().saturating_add(1)) - first_ms;
        let share = (inside.max(0) as f64 / spans).min(1.0);
        let count = |entry: Option<&Entry>| entry.map_or(0, |entry| index.count(entry));
        let of_series =
            |(series, _): &(Position, Labels)| count(index.floats(*series)) + count(index.histograms(*series));
        let whole: usize = plan.series.iter().map(of_series).sum();
        samples += (whole as f64 * share) as usize;
    }
    if plan.samples_max < samples { Err(QueryError::TooManySamples) } else { Ok(()) }
}

fn cut(times_ms: &[i64], range: TimeRange) -> CutColumn {
    let from = times_ms.partition_point(|at| *at < range.start.as_ms());
    let to = times_ms.partition_point(|at| *at <= range.end.as_ms());
    (Arc::from(&times_ms[from..to.max(from)]), from)
}

fn corrupt(error: io::Error) -> QueryError {
    if error.kind() == io::ErrorKind::InvalidData {
        QueryError::Corrupt(error.to_string())
    } else {
        QueryError::Io(error)
    }
}
