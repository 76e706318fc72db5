//! The samples of one window of time, in memory. Series of a group share their timestamps.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::registry::Position;

/// A window and its samples.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) start_ms: i64,
    /// The first moment after it.
    pub(crate) end_ms: i64,
    columns: HashMap<u32, Vec<i64>>,
    series: HashMap<Position, SeriesSamples>,
    pub(crate) samples: usize,
}

/// A series' samples in a window.
#[derive(Debug)]
struct SeriesSamples {
    times: Times,
    values: Vec<f64>,
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

/// A series' samples, as a reader sees them.
pub(crate) struct Samples<'a> {
    pub(crate) times_ms: Cow<'a, [i64]>,
    pub(crate) values: &'a [f64],
    /// The group and the first place, if other series have the very same timestamps.
    pub(crate) shared: Option<(u32, usize)>,
}

impl Window {
    pub(crate) fn new(start_ms: i64, end_ms: i64) -> Self {
        Self { start_ms, end_ms, columns: HashMap::new(), series: HashMap::new(), samples: 0 }
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

    /// Adds a sample that is newer than the series' others; `place` is that of its moment in the group's column.
    pub(crate) fn push(&mut self, series: Position, group: u32, at_ms: i64, place: Option<usize>, value: f64) {
        self.samples += 1;
        let samples = self.series.entry(series).or_insert_with(|| SeriesSamples {
            times: match place {
                Some(first) => Times::Run { group, first },
                None => Times::Own(Vec::new()),
            },
            values: Vec::new(),
        });
        let count = samples.values.len();
        samples.values.push(value);
        match (&mut samples.times, place) {
            (Times::Run { group: own, first }, Some(place)) if *own == group && *first + count == place => {}
            (Times::Run { group: own, first }, Some(place)) if *own == group => {
                let places = (*first..*first + count).chain([place]).map(|place| place as u32).collect();
                samples.times = Times::Places { group, places };
            }
            (Times::Places { group: own, places }, Some(place)) if *own == group => places.push(place as u32),
            (Times::Own(times), _) => times.push(at_ms),
            (times, _) => {
                let mut own = times_of(times, count, &self.columns).into_owned();
                own.push(at_ms);
                *times = Times::Own(own);
            }
        }
    }

    /// A series' samples.
    pub(crate) fn samples(&self, series: Position) -> Option<Samples<'_>> {
        let samples = self.series.get(&series)?;
        let shared = match samples.times {
            Times::Run { group, first } => Some((group, first)),
            Times::Places { .. } | Times::Own(_) => None,
        };
        let times_ms = times_of(&samples.times, samples.values.len(), &self.columns);
        Some(Samples { times_ms, values: &samples.values, shared })
    }

    /// The series in it, rising.
    pub(crate) fn series(&self) -> Vec<Position> {
        let mut series: Vec<Position> = self.series.keys().copied().collect();
        series.sort_unstable();
        series
    }
}

fn times_of<'a>(times: &'a Times, count: usize, columns: &'a HashMap<u32, Vec<i64>>) -> Cow<'a, [i64]> {
    let column = |group: &u32| columns.get(group).map_or(&[][..], Vec::as_slice);
    match times {
        Times::Run { group, first } => Cow::Borrowed(&column(group)[*first..*first + count]),
        Times::Places { group, places } => {
            let column = column(group);
            Cow::Owned(places.iter().map(|place| column[*place as usize]).collect())
        }
        Times::Own(times) => Cow::Borrowed(times),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_keep_their_own_moments_in_and_out_of_step() {
        let mut window = Window::new(0, 1_000);
        let mut push = |series, at_ms| {
            let place = window.place(7, at_ms);
            window.push(series, 7, at_ms, place, at_ms as f64);
        };
        for at_ms in [10, 20, 30, 40] {
            push(1, at_ms);
        }
        for at_ms in [20, 40] {
            push(2, at_ms);
        }
        for at_ms in [10, 25, 40] {
            push(3, at_ms);
        }
        push(4, 15);
        for (series, expected, shared) in
            [(1, &[10, 20, 30, 40][..], true), (2, &[20, 40], false), (3, &[10, 25, 40], false), (4, &[15], false)]
        {
            let samples = window.samples(series).unwrap();
            assert_eq!(&samples.times_ms[..], expected);
            assert_eq!(samples.values, expected.iter().map(|at| *at as f64).collect::<Vec<_>>());
            assert_eq!(samples.shared.is_some(), shared);
        }
    }
}
