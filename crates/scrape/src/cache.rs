//! What the previous scrape of a target taught: which bytes stand for which series, in which order they came.
//!
//! A page that is unchanged but for its values costs a comparison of bytes a line: no labels are parsed, nothing is
//! allocated.

use std::collections::HashMap;
use std::sync::Arc;

use storage::SeriesId;

/// Lines that have not been seen lately are forgotten once they outnumber those of the last page by this factor.
const FORGET_FACTOR: usize = 2;
/// Below this many lines nothing is forgotten.
const FORGET_LINES_MIN: usize = 1_000;

/// A line as it was written, and its series.
#[derive(Debug)]
struct Line {
    raw: Arc<[u8]>,
    series: SeriesId,
    /// The scrape that saw it last.
    round: u64,
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
}

/// Where a line stands in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LineId(usize);

impl Cache {
    /// A new page begins.
    pub(crate) fn begin(&mut self) {
        self.round += 1;
        self.at = 0;
        std::mem::swap(&mut self.previous, &mut self.current);
        self.current.clear();
        if FORGET_LINES_MIN.max(FORGET_FACTOR * self.previous.len()) < self.lines.len() {
            self.forget();
        }
    }

    /// The line that comes next if the page repeats the previous one.
    pub(crate) fn expected(&self) -> Option<(LineId, &[u8])> {
        let line = *self.previous.get(self.at)?;
        let raw = &self.lines[line].raw;
        (!raw.is_empty()).then_some((LineId(line), raw))
    }

    /// A line by its bytes.
    pub(crate) fn find(&self, raw: &[u8]) -> Option<LineId> {
        self.by_raw.get(raw).copied().map(LineId)
    }

    /// Learns a line.
    pub(crate) fn learn(&mut self, raw: &[u8], series: SeriesId) -> LineId {
        let raw: Arc<[u8]> = Arc::from(raw);
        // The same series in another spelling is the same line.
        let line = *self.by_series.entry(series).or_insert_with(|| {
            self.lines.push(Line { raw: Arc::clone(&raw), series, round: 0, timestamped: false });
            self.lines.len() - 1
        });
        if self.lines[line].raw.is_empty() {
            self.lines[line].raw = Arc::clone(&raw);
        }
        self.by_raw.insert(raw, line);
        LineId(line)
    }

    /// The page has this line. Its series, unless the page had it before, and whether the previous page did not have it.
    pub(crate) fn see(&mut self, LineId(line): LineId, timestamped: bool) -> Option<(SeriesId, bool)> {
        if self.previous.get(self.at) == Some(&line) {
            self.at += 1;
        } else if let Some(ahead) =
            self.previous[self.at.min(self.previous.len())..].iter().take(64).position(|next| *next == line)
        {
            // Lines in between are gone; go on behind this one.
            self.at += ahead + 1;
        }
        let seen = &mut self.lines[line];
        if seen.round == self.round {
            return None;
        }
        let new = seen.round + 1 != self.round || self.round == 1;
        seen.round = self.round;
        seen.timestamped = timestamped;
        self.current.push(line);
        Some((seen.series, new))
    }

    /// Series of the previous page that this one does not have.
    pub(crate) fn vanished(&self) -> impl Iterator<Item = SeriesId> + '_ {
        let gone = self.previous.iter().map(|line| &self.lines[*line]);
        gone.filter(|line| line.round != self.round && !line.timestamped).map(|line| line.series)
    }

    /// The page failed: it counts as empty.
    pub(crate) fn discard_page(&mut self) {
        // Lines seen so far are of a page that does not count; they must count as vanished.
        for line in std::mem::take(&mut self.current) {
            self.lines[line].round = 0;
        }
    }

    /// Lines may stand for other series from now on; which series the last page had is still known.
    pub(crate) fn unlearn(&mut self) {
        self.by_raw.clear();
        for line in &mut self.lines {
            // Nothing is expected of a line until it is learned again.
            line.raw = Arc::from([]);
        }
    }

    fn forget(&mut self) {
        let keep = self.round.saturating_sub(1);
        let mut moved = HashMap::new();
        let mut kept = Vec::with_capacity(self.previous.len());
        for (position, line) in std::mem::take(&mut self.lines).into_iter().enumerate() {
            if keep <= line.round {
                moved.insert(position, kept.len());
                kept.push(line);
            }
        }
        self.lines = kept;
        self.previous = self.previous.iter().filter_map(|line| moved.get(line).copied()).collect();
        self.by_series = self.lines.iter().enumerate().map(|(position, line)| (line.series, position)).collect();
        self.by_raw = self.lines.iter().enumerate().map(|(position, line)| (Arc::clone(&line.raw), position)).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_vanish_and_return() {
        let mut cache = Cache::default();
        let page = |cache: &mut Cache, lines: &[(&str, u64)]| {
            cache.begin();
            let mut new = 0;
            for (raw, id) in lines {
                let line = match cache.find(raw.as_bytes()) {
                    Some(line) => line,
                    None => cache.learn(raw.as_bytes(), SeriesId(*id)),
                };
                new += usize::from(cache.see(line, false).is_some_and(|(_, new)| new));
            }
            let gone: Vec<u64> = cache.vanished().map(|series| series.0).collect();
            (new, gone)
        };
        assert_eq!(page(&mut cache, &[("a", 1), ("b", 2), ("c", 3)]), (3, vec![]));
        assert_eq!(page(&mut cache, &[("a", 1), ("c", 3), ("a ", 1)]), (0, vec![2]));
        assert_eq!(page(&mut cache, &[("b", 2)]), (1, vec![1, 3]));
        cache.begin();
        let line = cache.find(b"b").unwrap();
        cache.see(line, false);
        cache.discard_page();
        assert_eq!(cache.vanished().map(|series| series.0).collect::<Vec<_>>(), [2]);
        assert_eq!(page(&mut cache, &[("b", 2)]), (1, vec![]));
        // The same line may stand for another series; the one that it stood for is gone then.
        cache.unlearn();
        assert_eq!(page(&mut cache, &[("b", 4), ("a", 1)]), (2, vec![2]));
        assert_eq!(page(&mut cache, &[("b", 4), ("a", 1)]), (0, vec![]));
        cache.begin();
        assert_eq!(cache.expected().map(|(_, raw)| raw.to_vec()), Some(b"b".to_vec()));
    }
}
