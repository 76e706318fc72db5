//! The samples of one window of time, in memory. Series of a group share their timestamps; all but the newest values of
//! a series are encoded.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use model::{Histogram, TimeRange};

use crate::column::{Column, Stored};
use crate::registry::Position;

/// Samples out of order that a series may have in a window; more are refused.
pub(crate) const LATE_MAX: usize = 4_096;
/// The slot of a series without samples.
const EMPTY: u32 = u32::MAX;

/// A window and its samples.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) start_ms: i64,
    /// The first moment after it.
    pub(crate) end_ms: i64,
    columns: HashMap<u32, Vec<i64>>,
    pub(crate) floats: Track<f64>,
    pub(crate) histograms: Track<Arc<Histogram>>,
}

/// The samples of one kind.
#[derive(Debug)]
pub(crate) struct Track<T> {
    /// By position, where in `series` it is.
    slots: Vec<u32>,
    series: Vec<Samples<T>>,
    pub(crate) samples: usize,
}

/// A series' samples in a window.
#[derive(Debug)]
struct Samples<T> {
    position: Position,
    times: Times,
    values: Column<T>,
    /// Those that came out of order, by moment.
    late: BTreeMap<i64, T>,
}

/// Where a series' timestamps are.
#[derive(Debug)]
enum Times {
    /// In the group's column, one after the other from here.
    Run { group: u32, first: usize },
    /// In the group's column, at these places.
    Places { group: u32, places: Vec<u32> },
    /// The series came out of step with its group.
    Own(Vec<i64>),
}

/// A series' samples in a range, as a reader sees them.
pub(crate) struct Read<'a, T> {
    pub(crate) times_ms: Cow<'a, [i64]>,
    pub(crate) values: Vec<T>,
    /// The group and the first place, if other series have the very same timestamps.
    pub(crate) shared: Option<(u32, usize)>,
}

impl Window {
    pub(crate) fn new(start_ms: i64, end_ms: i64) -> Self {
        Self { start_ms, end_ms, columns: HashMap::new(), floats: Track::new(), histograms: Track::new() }
    }

    /// The place of a moment in a group's column; `None` if it lies before the column's end and is not in it.
    pub(crate) fn place(&mut self, group: u32, at_ms: i64) -> Option<usize> {
        let column = self.columns.entry(group).or_default();
        match column.last() {
            Some(last) if at_ms <= *last => column.binary_search(&at_ms).ok(),
            _ => {
                column.push(at_ms);
                Some(column.len() - 1)
            }
        }
    }

    /// Adds a value that is newer than the series' others; `place` is that of its moment in the group's column.
    pub(crate) fn push_float(&mut self, series: Position, group: u32, at_ms: i64, place: Option<usize>, value: f64) {
        self.floats.push(&self.columns, series, group, at_ms, place, value);
    }

    /// Adds a histogram likewise.
    pub(crate) fn push_histogram(
        &mut self,
        series: Position,
        group: u32,
        at_ms: i64,
        place: Option<usize>,
        value: Arc<Histogram>,
    ) {
        self.histograms.push(&self.columns, series, group, at_ms, place, value);
    }

    /// A series' values in the part of `range` that lies in the window.
    pub(crate) fn read_floats(&self, series: Position, range: TimeRange) -> Option<Read<'_, f64>> {
        self.floats.read(&self.columns, series, self.inside(range))
    }

    /// A series' histograms likewise.
    pub(crate) fn read_histograms(&self, series: Position, range: TimeRange) -> Option<Read<'_, Arc<Histogram>>> {
        self.histograms.read(&self.columns, series, self.inside(range))
    }

    /// From the first moment wanted to the first after the last one.
    fn inside(&self, range: TimeRange) -> (i64, i64) {
        (range.start.as_ms().max(self.start_ms), range.end.as_ms().saturating_add(1).min(self.end_ms))
    }

    /// The series in it, rising.
    pub(crate) fn series(&self) -> Vec<Position> {
        let mut series: Vec<Position> = self.floats.positions().chain(self.histograms.positions()).collect();
        series.sort_unstable();
        series.dedup();
        series
    }

    pub(crate) const fn samples(&self) -> usize {
        self.floats.samples + self.histograms.samples
    }

    /// Roughly the memory that the samples take, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        let columns: usize = self.columns.values().map(|column| column.capacity() * size_of::<i64>()).sum();
        columns + self.floats.memory_bytes() + self.histograms.memory_bytes()
    }
}

impl<T: Stored> Track<T> {
    const fn new() -> Self {
        Self { slots: Vec::new(), series: Vec::new(), samples: 0 }
    }

    fn get(&self, series: Position) -> Option<&Samples<T>> {
        self.slots.get(series as usize).and_then(|slot| self.series.get(*slot as usize))
    }

    fn positions(&self) -> impl Iterator<Item = Position> + '_ {
        self.series.iter().map(|samples| samples.position)
    }

    /// The series' samples, made with `times` if there are none yet.
    fn entry(&mut self, series: Position, times: impl FnOnce() -> Times) -> &mut Samples<T> {
        let place = series as usize;
        if self.slots.len() <= place {
            self.slots.resize(place + 1, EMPTY);
        }
        if self.slots[place] == EMPTY {
            self.slots[place] = self.series.len() as u32;
            let values = Column::default();
            self.series.push(Samples { position: series, times: times(), values, late: BTreeMap::new() });
        }
        &mut self.series[self.slots[place] as usize]
    }

    fn push(
        &mut self,
        columns: &HashMap<u32, Vec<i64>>,
        series: Position,
        group: u32,
        at_ms: i64,
        place: Option<usize>,
        value: T,
    ) {
        self.samples += 1;
        let samples = self.entry(series, || match place {
            Some(first) => Times::Run { group, first },
            None => Times::Own(Vec::new()),
        });
        let count = samples.values.len();
        samples.values.push(value);
        match (&mut samples.times, place) {
            (Times::Run { group: own, first }, Some(place)) if *own == group && *first + count == place => {}
            (times @ Times::Run { .. }, Some(place)) if count == 0 => *times = Times::Run { group, first: place },
            (Times::Run { group: own, first }, Some(place)) if *own == group => {
                let places = (*first..*first + count).chain([place]).map(|place| place as u32).collect();
                samples.times = Times::Places { group, places };
            }
            (Times::Places { group: own, places }, Some(place)) if *own == group => places.push(place as u32),
            (Times::Own(times), _) => times.push(at_ms),
            (times, _) => {
                let mut own = times_of(times, 0, count, columns).into_owned();
                own.push(at_ms);
                *times = Times::Own(own);
            }
        }
    }

    /// Adds a value that is older than another; false if its moment is taken or there are too many such.
    pub(crate) fn push_late(&mut self, series: Position, at_ms: i64, value: T) -> bool {
        let samples = self.entry(series, || Times::Own(Vec::new()));
        if LATE_MAX <= samples.late.len() || samples.late.contains_key(&at_ms) {
            return false;
        }
        samples.late.insert(at_ms, value);
        self.samples += 1;
        true
    }

    /// How many samples of a series came late.
    pub(crate) fn late_count(&self, series: Position) -> usize {
        self.get(series).map_or(0, |samples| samples.late.len())
    }

    fn read<'a>(
        &'a self,
        columns: &'a HashMap<u32, Vec<i64>>,
        series: Position,
        (start_ms, end_ms): (i64, i64),
    ) -> Option<Read<'a, T>> {
        let samples = self.get(series)?;
        let count = samples.values.len();
        let all = times_of(&samples.times, 0, count, columns);
        let from = all.partition_point(|at| *at < start_ms);
        let to = all.partition_point(|at| *at < end_ms).max(from);
        let mut values = Vec::with_capacity(to - from);
        samples.values.read(from, to, &mut values);
        let times_ms = match all {
            Cow::Borrowed(all) => Cow::Borrowed(&all[from..to]),
            Cow::Owned(all) => Cow::Owned(all[from..to].to_vec()),
        };
        let shared = match samples.times {
            Times::Run { group, first } => Some((group, first + from)),
            Times::Places { .. } | Times::Own(_) => None,
        };
        let mut late = samples.late.range(start_ms..end_ms.max(start_ms)).peekable();
        if late.peek().is_none() {
            return (from < to).then_some(Read { times_ms, values, shared });
        }
        let mut merged: BTreeMap<i64, T> = late.map(|(at, value)| (*at, value.clone())).collect();
        merged.extend(times_ms.iter().copied().zip(values));
        let (times_ms, values): (Vec<i64>, Vec<T>) = merged.into_iter().unzip();
        Some(Read { times_ms: Cow::Owned(times_ms), values, shared: None })
    }

    fn memory_bytes(&self) -> usize {
        let places = |times: &Times| match times {
            Times::Run { .. } => 0,
            Times::Places { places, .. } => places.capacity() * size_of::<u32>(),
            Times::Own(times) => times.capacity() * size_of::<i64>(),
        };
        let of_series = |samples: &Samples<T>| places(&samples.times) + samples.values.memory_bytes();
        self.slots.capacity() * size_of::<u32>()
            + self.series.capacity() * size_of::<Samples<T>>()
            + self.series.iter().map(of_series).sum::<usize>()
    }
}

fn times_of<'a>(times: &'a Times, from: usize, to: usize, columns: &'a HashMap<u32, Vec<i64>>) -> Cow<'a, [i64]> {
    let column = |group: &u32| columns.get(group).map_or(&[][..], Vec::as_slice);
    match times {
        Times::Run { group, first } => Cow::Borrowed(&column(group)[*first + from..*first + to]),
        Times::Places { group, places } => {
            let column = column(group);
            Cow::Owned(places[from..to].iter().map(|place| column[*place as usize]).collect())
        }
        Times::Own(times) => Cow::Borrowed(&times[from..to]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_keep_their_own_moments_in_and_out_of_step() {
        let mut window = Window::new(0, 1_000);
        let push = |window: &mut Window, series, at_ms| {
            let place = window.place(7, at_ms);
            window.push_float(series, 7, at_ms, place, at_ms as f64);
        };
        for at_ms in [10, 20, 30, 40] {
            push(&mut window, 1, at_ms);
        }
        for at_ms in [20, 40] {
            push(&mut window, 2, at_ms);
        }
        for at_ms in [10, 25, 40] {
            push(&mut window, 3, at_ms);
        }
        push(&mut window, 4, 15);
        assert!(window.floats.push_late(1, 15, 15.0) && !window.floats.push_late(1, 15, 15.0));
        assert!(window.floats.push_late(5, 15, 15.0));
        push(&mut window, 5, 40);
        for (series, expected, shared) in [
            (1, &[10, 15, 20, 30, 40][..], false),
            (2, &[20, 40], false),
            (3, &[10, 25, 40], false),
            (4, &[15], false),
            (5, &[15, 40], false),
        ] {
            let samples = window.read_floats(series, TimeRange::ALL).unwrap();
            assert_eq!(&samples.times_ms[..], expected);
            assert_eq!(samples.values, expected.iter().map(|at| *at as f64).collect::<Vec<_>>());
            assert_eq!(samples.shared.is_some(), shared);
        }
    }

    #[test]
    fn a_range_is_cut_out_of_what_is_encoded() {
        let mut window = Window::new(0, 10_000);
        for n in 0..200 {
            let place = window.place(1, n * 10);
            window.push_float(3, 1, n * 10, place, n as f64 * 0.5);
        }
        for (start_ms, end_ms, expected) in
            [(0, 5, 0..1), (305, 1_990, 31..200), (640, 640, 64..65), (-5, 9_999, 0..200)]
        {
            let range = TimeRange::new(model::Timestamp::from_ms(start_ms), model::Timestamp::from_ms(end_ms));
            let read = window.read_floats(3, range).unwrap();
            assert_eq!(read.values, expected.clone().map(|n| n as f64 * 0.5).collect::<Vec<_>>());
            assert_eq!(read.shared, Some((1, expected.start as usize)));
        }
        let bytes = window.floats.memory_bytes();
        assert!(bytes < 200 * 8 * 2 / 3, "{bytes} bytes");
    }
}
