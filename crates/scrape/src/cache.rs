//! What the previous scrape of a target taught: which bytes stand for what, in which order they came.
//!
//! A page that is unchanged but for its values costs a comparison of bytes a line: no labels are parsed, nothing is
//! allocated.

use std::collections::HashMap;
use std::sync::Arc;

use model::MetricType;
use storage::SeriesId;

/// Lines that have not been seen lately are forgotten once there are this many times the lines of the last good page …
const FORGET_FACTOR: usize = 2;
/// … and this many more (Prometheus' `scrapeCache.iterDone`).
const FORGET_LINES_MIN: usize = 1_000;
/// How far ahead in the previous page a line is looked for, in lines.
const LOOK_AHEAD_LINES: usize = 64;

/// What a line means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A value of this series.
    Sample(SeriesId),
    /// A native histogram of this series.
    Native(SeriesId),
    /// The job's rules drop the series.
    Dropped,
    /// It is part of a classic histogram that is stored as a native one.
    Part {
        /// The histogram's number among the target's.
        histogram: usize,
        /// Which part.
        part: Part,
        /// The series of its own, if it is stored as well.
        series: Option<SeriesId>,
    },
    /// It says something about a family, and sets the type for the lines that follow.
    Metadata(Option<MetricType>),
}

/// Which sample of a classic histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Part {
    /// A bucket up to a bound.
    Bucket(f64),
    /// The count.
    Count,
    /// The sum.
    Sum,
}

/// Bounds that were read from labels are never NaN.
impl Eq for Part {}

/// A line as it was written, and what it means.
#[derive(Debug)]
struct Line {
    raw: Arc<[u8]>,
    meaning: Meaning,
    /// The scrape whose page had it last, 0 if that page does not count.
    round: u64,
    /// The scrape that saw it last, whatever came of it.
    seen: u64,
    /// It came with a moment of its own, so nobody says when it ends.
    timestamped: bool,
}

/// The lines of a target.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    lines: Vec<Line>,
    by_raw: HashMap<Arc<[u8]>, usize>,
    by_series: HashMap<SeriesId, usize>,
    /// Positions in `lines` in the order of the previous page, and of this one.
    previous: Vec<usize>,
    current: Vec<usize>,
    /// Where in `previous` this page is.
    at: usize,
    round: u64,
    /// The last good page, and how many lines it had.
    good_round: u64,
    good_lines: usize,
}

/// Where a line stands in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LineId(usize);

/// What a page's line is to the page before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The page before had it, or one that failed since.
    Again,
    /// It is new.
    New,
    /// This page had it already.
    Twice,
}

impl Cache {
    /// A new page begins.
    pub(crate) fn begin(&mut self) {
        self.round += 1;
        self.at = 0;
        std::mem::swap(&mut self.previous, &mut self.current);
        self.current.clear();
        if FORGET_LINES_MIN + FORGET_FACTOR * self.good_lines < self.lines.len() {
            self.forget();
        }
    }

    /// The line that comes next if the page repeats the previous one.
    #[inline]
    pub(crate) fn expected(&self) -> Option<(LineId, Meaning, &[u8])> {
        let at = *self.previous.get(self.at)?;
        let line = &self.lines[at];
        (!line.raw.is_empty()).then_some((LineId(at), line.meaning, &line.raw))
    }

    /// A line by its bytes.
    pub(crate) fn find(&self, raw: &[u8]) -> Option<(LineId, Meaning)> {
        let at = *self.by_raw.get(raw)?;
        Some((LineId(at), self.lines[at].meaning))
    }

    /// Learns a line.
    pub(crate) fn learn(&mut self, raw: &[u8], meaning: Meaning) -> LineId {
        let raw: Arc<[u8]> = Arc::from(raw);
        let next = self.lines.len();
        // The same series in another spelling is the same line.
        let at = match meaning {
            Meaning::Sample(series) | Meaning::Native(series) => *self.by_series.entry(series).or_insert(next),
            _ => next,
        };
        if at == next {
            self.lines.push(Line { raw: Arc::clone(&raw), meaning, round: 0, seen: 0, timestamped: false });
        }
        let line = &mut self.lines[at];
        if line.raw.is_empty() {
            line.raw = Arc::clone(&raw);
        }
        line.meaning = meaning;
        self.by_raw.insert(raw, at);
        LineId(at)
    }

    /// The page has this line.
    #[inline]
    pub(crate) fn see(&mut self, LineId(line): LineId, timestamped: bool) -> Seen {
        if self.previous.get(self.at) == Some(&line) {
            self.at += 1;
        } else {
            let rest = &self.previous[self.at.min(self.previous.len())..];
            if let Some(ahead) = rest.iter().take(LOOK_AHEAD_LINES).position(|next| *next == line) {
                // Lines in between are gone; go on behind this one.
                self.at += ahead + 1;
            }
        }
        let (round, good_round) = (self.round, self.good_round);
        let seen = &mut self.lines[line];
        if seen.round == round {
            return Seen::Twice;
        }
        // What a good page did not have is new when it comes back.
        let new = seen.seen == 0 || seen.seen < good_round;
        seen.round = round;
        seen.seen = round;
        seen.timestamped = timestamped;
        self.current.push(line);
        if new { Seen::New } else { Seen::Again }
    }

    /// What this page does not have of the previous one and must be ended.
    pub(crate) fn vanished(&self) -> impl Iterator<Item = Meaning> + '_ {
        let gone = self.previous.iter().map(|line| &self.lines[*line]);
        gone.filter(|line| line.round != self.round && !line.timestamped).map(|line| line.meaning)
    }

    /// Whether the page has the same lines about families as the previous one, given that none was learned.
    pub(crate) fn lost_metadata(&self) -> bool {
        let gone = self.previous.iter().map(|line| &self.lines[*line]);
        gone.filter(|line| line.round != self.round).any(|line| matches!(line.meaning, Meaning::Metadata(_)))
    }

    /// The page is good.
    pub(crate) fn accept_page(&mut self) {
        self.good_round = self.round;
        self.good_lines = self.current.len();
    }

    /// The page failed: it counts as empty.
    pub(crate) fn discard_page(&mut self) {
        // Lines seen so far are of a page that does not count; they must count as vanished.
        for line in std::mem::take(&mut self.current) {
            self.lines[line].round = 0;
        }
    }

    /// Lines may mean something else from now on; which series the last page had is still known.
    pub(crate) fn unlearn(&mut self) {
        self.by_raw.clear();
        for line in &mut self.lines {
            // Nothing is expected of a line until it is learned again.
            line.raw = Arc::from([]);
        }
    }

    fn forget(&mut self) {
        let last = self.round.saturating_sub(1);
        let mut moved = HashMap::new();
        let mut kept = Vec::with_capacity(self.previous.len());
        for (position, line) in std::mem::take(&mut self.lines).into_iter().enumerate() {
            if last <= line.seen {
                moved.insert(position, kept.len());
                kept.push(line);
            }
        }
        self.lines = kept;
        self.previous = self.previous.iter().filter_map(|line| moved.get(line).copied()).collect();
        let lines = || self.lines.iter().enumerate();
        self.by_series = lines()
            .filter_map(|(position, line)| match line.meaning {
                Meaning::Sample(series) | Meaning::Native(series) => Some((series, position)),
                _ => None,
            })
            .collect();
        let known = lines().filter(|(_, line)| !line.raw.is_empty());
        self.by_raw = known.map(|(position, line)| (Arc::clone(&line.raw), position)).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a page of one-letter series; how many are new, and which are gone.
    fn page(cache: &mut Cache, lines: &[(&str, u64)]) -> (usize, Vec<u64>) {
        cache.begin();
        let mut new = 0;
        for (raw, id) in lines {
            let line = match cache.find(raw.as_bytes()) {
                Some((line, _)) => line,
                None => cache.learn(raw.as_bytes(), Meaning::Sample(SeriesId(*id))),
            };
            new += usize::from(cache.see(line, false) == Seen::New);
        }
        cache.accept_page();
        (new, gone(cache))
    }

    fn gone(cache: &Cache) -> Vec<u64> {
        let ids = cache.vanished().map(|meaning| match meaning {
            Meaning::Sample(series) => series.0,
            other => panic!("{other:?}"),
        });
        ids.collect()
    }

    #[test]
    fn lines_come_vanish_and_return() {
        let mut cache = Cache::default();
        assert_eq!(page(&mut cache, &[("a", 1), ("b", 2), ("c", 3)]), (3, vec![]));
        assert_eq!(page(&mut cache, &[("a", 1), ("c", 3), ("a ", 1)]), (0, vec![2]));
        assert_eq!(page(&mut cache, &[("b", 2)]), (1, vec![1, 3]));
        cache.begin();
        let (line, _) = cache.find(b"b").unwrap();
        cache.see(line, false);
        cache.discard_page();
        assert_eq!(gone(&cache), [2]);
        // A page that failed makes nobody new.
        assert_eq!(page(&mut cache, &[("b", 2)]), (0, vec![]));
        // The same line may stand for another series; the one that it stood for is gone then.
        cache.unlearn();
        assert_eq!(page(&mut cache, &[("b", 4), ("a", 1)]), (2, vec![2]));
        assert_eq!(page(&mut cache, &[("b", 4), ("a", 1)]), (0, vec![]));
        cache.begin();
        assert_eq!(cache.expected().map(|(_, _, raw)| raw.to_vec()), Some(b"b".to_vec()));
    }

    #[test]
    fn what_is_not_seen_any_more_is_forgotten() {
        let mut cache = Cache::default();
        let names: Vec<String> = (0..4 * FORGET_LINES_MIN).map(|n| n.to_string()).collect();
        let lines: Vec<(&str, u64)> = names.iter().map(String::as_str).zip(0..).collect();
        for part in lines.chunks(FORGET_LINES_MIN) {
            assert_eq!(page(&mut cache, part).0, FORGET_LINES_MIN);
        }
        assert_eq!(cache.lines.len(), 4 * FORGET_LINES_MIN);
        // Those of the page before are still needed.
        page(&mut cache, &lines[..1]);
        let left = FORGET_LINES_MIN + 1;
        assert_eq!((cache.lines.len(), cache.by_raw.len(), cache.by_series.len()), (left, left, left));
        assert_eq!(page(&mut cache, &lines[..1]), (0, vec![]));
    }

    #[test]
    fn lines_about_families_are_missed() {
        let mut cache = Cache::default();
        cache.begin();
        let line = cache.learn(b"# TYPE a counter\n", Meaning::Metadata(Some(MetricType::Counter)));
        assert_eq!(cache.see(line, false), Seen::New);
        cache.accept_page();
        cache.begin();
        assert!(cache.lost_metadata());
        cache.see(line, false);
        assert!(!cache.lost_metadata());
    }
}
