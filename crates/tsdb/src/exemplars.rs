//! The latest exemplars, in a ring of fixed size.

use std::collections::{HashMap, VecDeque};

use model::{Exemplar, TimeRange};

use crate::registry::Position;

/// An exemplar whose labels have more characters than this is not kept, as OpenMetrics allows no more.
const LABEL_CHARACTERS_MAX: usize = 128;

/// The latest exemplars.
#[derive(Debug)]
pub(crate) struct Exemplars {
    max: usize,
    /// In the order in which they came.
    ring: VecDeque<(Position, Exemplar)>,
    /// How many have left the ring.
    left: u64,
    /// Of each series, where its newest is: its place counted from the first that ever came.
    newest: HashMap<Position, u64>,
}

impl Exemplars {
    pub(crate) fn new(max: usize) -> Self {
        Self { max, ring: VecDeque::new(), left: 0, newest: HashMap::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether it says something new: a target shows the same exemplar until there is another.
    pub(crate) fn is_new(&self, series: Position, exemplar: &Exemplar) -> bool {
        let characters: usize =
            exemplar.labels.iter().map(|(name, value)| name.chars().count() + value.chars().count()).sum();
        let newest = self.newest.get(&series).and_then(|place| self.ring.get((place - self.left) as usize));
        characters <= LABEL_CHARACTERS_MAX && 0 < self.max && newest.is_none_or(|(_, newest)| newest.at < exemplar.at)
    }

    /// Keeps it, and forgets the oldest if there is no room.
    pub(crate) fn push(&mut self, series: Position, exemplar: Exemplar) {
        if self.max <= self.ring.len()
            && let Some((oldest, _)) = self.ring.pop_front()
        {
            if self.newest.get(&oldest) == Some(&self.left) {
                self.newest.remove(&oldest);
            }
            self.left += 1;
        }
        self.newest.insert(series, self.left + self.ring.len() as u64);
        self.ring.push_back((series, exemplar));
    }

    /// Those of the series, in order of position, that lie in the range, each series' by moment.
    pub(crate) fn find(&self, series: &[Position], range: TimeRange) -> Vec<(Position, Vec<Exemplar>)> {
        let mut found: Vec<(Position, Vec<Exemplar>)> = series.iter().map(|series| (*series, Vec::new())).collect();
        for (position, exemplar) in &self.ring {
            if range.contains(exemplar.at)
                && let Ok(place) = found.binary_search_by_key(position, |(series, _)| *series)
            {
                found[place].1.push(exemplar.clone());
            }
        }
        found.retain(|(_, exemplars)| !exemplars.is_empty());
        found.iter_mut().for_each(|(_, exemplars)| exemplars.sort_by_key(|exemplar| exemplar.at));
        found
    }
}

#[cfg(test)]
mod tests {
    use model::{Labels, Timestamp};

    use super::*;

    #[test]
    fn the_oldest_go_and_repetitions_do_not_come() {
        let exemplar = |at_ms| Exemplar {
            labels: Labels::from_pairs([("trace_id", "t")]),
            value: 1.0,
            at: Timestamp::from_ms(at_ms),
        };
        let mut exemplars = Exemplars::new(3);
        for (series, at_ms, expected) in [(1, 10, true), (1, 10, false), (2, 5, true), (1, 9, false), (1, 11, true)] {
            let is_new = exemplars.is_new(series, &exemplar(at_ms));
            assert_eq!(is_new, expected, "{series} {at_ms}");
            if is_new {
                exemplars.push(series, exemplar(at_ms));
            }
        }
        exemplars.push(2, exemplar(12));
        let times = |series: &[Position]| {
            let found = exemplars.find(series, TimeRange::ALL).into_iter();
            found
                .map(|(series, found)| (series, found.iter().map(|e| e.at.as_ms()).collect()))
                .collect::<Vec<(_, Vec<_>)>>()
        };
        assert_eq!(times(&[1, 2, 3]), [(1, vec![11]), (2, vec![5, 12])]);
        assert_eq!(exemplars.len(), 3);
        let long = Exemplar { labels: Labels::from_pairs([("a", "x".repeat(128))]), ..exemplar(99) };
        assert!(!exemplars.is_new(1, &long));
    }
}
