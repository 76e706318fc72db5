//! Puts a series' samples together from segments and windows.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use model::{Labels, TimeRange};
use storage::{QueryError, SeriesColumns};

use crate::registry::Position;
use crate::segment::{Index, Segment};

/// A series' samples that were in memory, already cut to the range.
pub(crate) struct HeadPart {
    pub(crate) series: Position,
    pub(crate) times_ms: Arc<[i64]>,
    pub(crate) values: Vec<f64>,
}

/// What a query reads: copied out of the head, so that nothing is locked while segments are read.
pub(crate) struct Plan {
    pub(crate) range: TimeRange,
    pub(crate) series: Vec<(Position, Labels)>,
    /// Oldest first.
    pub(crate) segments: Vec<(Arc<Segment>, Arc<Index>)>,
    /// By series, oldest first.
    pub(crate) head: HashMap<Position, Vec<HeadPart>>,
    pub(crate) samples_max: usize,
}

/// Timestamps of a segment's column, and which of them lie in the range.
type CutColumn = (Arc<[i64]>, usize);

/// Reads the segments and gives each series its columns.
pub(crate) fn run(mut plan: Plan) -> Result<Vec<SeriesColumns>, QueryError> {
    check_size(&plan)?;
    let mut columns: HashMap<(usize, u32), CutColumn> = HashMap::new();
    // Series that are made of the same pieces have the same timestamps.
    let mut joined: HashMap<Vec<*const i64>, Arc<[i64]>> = HashMap::new();
    let mut found = Vec::with_capacity(plan.series.len());
    for (series, labels) in plan.series {
        let mut times: Vec<Arc<[i64]>> = Vec::new();
        let mut values: Vec<f64> = Vec::new();
        for (position, (segment, index)) in plan.segments.iter().enumerate() {
            let Some(entry) = index.entry(series) else { continue };
            let (cut, from) = match columns.get(&(position, entry.column)) {
                Some(cut) => cut.clone(),
                None => {
                    let cut = cut(&segment.times(index, entry.column).map_err(corrupt)?, plan.range);
                    columns.insert((position, entry.column), cut.clone());
                    cut
                }
            };
            if cut.is_empty() {
                continue;
            }
            let decoded = segment.values(index, entry).map_err(corrupt)?;
            values.extend_from_slice(&decoded[from..from + cut.len()]);
            times.push(cut);
        }
        for part in plan.head.remove(&series).unwrap_or_default() {
            values.extend_from_slice(&part.values);
            times.push(part.times_ms);
        }
        if values.is_empty() {
            continue;
        }
        let timestamps_ms = match &times[..] {
            [only] => Arc::clone(only),
            _ => {
                let key = times.iter().map(|part| part.as_ptr()).collect();
                let join = || times.iter().flat_map(|part| part.iter().copied()).collect();
                Arc::clone(joined.entry(key).or_insert_with(join))
            }
        };
        found.push(SeriesColumns { labels, timestamps_ms, values, histograms: Vec::new() });
    }
    found.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(found)
}

/// Counts before anything is decoded.
fn check_size(plan: &Plan) -> Result<(), QueryError> {
    let mut samples: usize = plan.head.values().flatten().map(|part| part.values.len()).sum();
    for (segment, index) in &plan.segments {
        // A segment at the range's edge counts for the share that lies in the range, for it is cut.
        let spans = (segment.end_ms - segment.start_ms).max(1) as f64;
        let inside = segment.end_ms.min(plan.range.end.as_ms()) - segment.start_ms.max(plan.range.start.as_ms());
        let share = (inside.max(0) as f64 / spans).min(1.0);
        let chunks = plan.series.iter().filter_map(|(series, _)| index.entry(*series));
        let whole: usize = chunks.map(|entry| index.count(entry)).sum();
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
