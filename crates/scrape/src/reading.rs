//! What the lines of a page become.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _};

use exposition::{Entry, FoundExemplar, Parser};
use model::{Exemplar, Histogram, Labels, MetricType, Timestamp};
use storage::SeriesId;

use crate::batches::Batches;
use crate::cache::{LineId, Meaning, Part, Seen};
use crate::classic_to_native::part_of;
use crate::native;
use crate::scrape_loop::Scraper;
use crate::series_rules::stored_labels;

/// Why a page with too many samples fails.
pub(crate) const SAMPLE_LIMIT: &str = "sample limit exceeded";
/// Why a page fails whose native histograms have too many buckets and cannot be made coarser.
pub(crate) const BUCKET_LIMIT: &str = "histogram bucket limit exceeded";
/// Series whose last exemplars are remembered; when there are more, all are forgotten.
const EXEMPLAR_SERIES_MAX: usize = 10_000;
/// Characters that the labels of an exemplar may have, as OpenMetrics says.
const EXEMPLAR_CHARS_MAX: usize = 128;

/// A page under way.
pub(crate) struct Reading {
    pub(crate) at: Timestamp,
    pub(crate) batches: Batches,
    pub(crate) samples: usize,
    pub(crate) kept: usize,
    pub(crate) added: usize,
    /// Samples that count for the limit.
    pub(crate) appended: usize,
    pub(crate) duplicates: u64,
    pub(crate) over_samples: bool,
    pub(crate) over_buckets: bool,
    pub(crate) metadata_changed: bool,
    pub(crate) metadata_hasher: DefaultHasher,
    /// Series that have a native histogram of their own.
    pub(crate) native: HashSet<SeriesId>,
}

impl Reading {
    pub(crate) fn new(at: Timestamp, batches: Batches) -> Self {
        Self {
            at,
            batches,
            samples: 0,
            kept: 0,
            added: 0,
            appended: 0,
            duplicates: 0,
            over_samples: false,
            over_buckets: false,
            metadata_changed: false,
            metadata_hasher: DefaultHasher::new(),
            native: HashSet::new(),
        }
    }
}

impl Scraper {
    /// Reads a page.
    ///
    /// # Errors
    /// It counts as empty.
    pub(crate) fn read_page(&mut self, mut parser: Parser<'_>, reading: &mut Reading) -> Result<(), String> {
        loop {
            if self.read_known(&mut parser, reading) {
                continue;
            }
            match parser.next() {
                None => break,
                Some(Err(error)) => return Err(error.to_string()),
                Some(Ok(Entry::Series { raw, value, timestamp_ms })) => {
                    let known = self.line(&raw, &parser, false, reading)?;
                    self.take(known, value, timestamp_ms, reading);
                    self.take_exemplars(known, &mut parser, reading);
                }
                Some(Ok(Entry::Histogram { raw, value, timestamp_ms })) => {
                    let known = self.line(&raw, &parser, true, reading)?;
                    self.take_histogram(known, *value, timestamp_ms, reading);
                    self.take_exemplars(known, &mut parser, reading);
                }
                Some(Ok(entry)) => self.take_metadata(&entry, &parser, reading),
            }
        }
        self.take_conversions(reading);
        match (reading.over_samples, reading.over_buckets) {
            (true, _) => Err(SAMPLE_LIMIT.to_owned()),
            (false, true) => Err(BUCKET_LIMIT.to_owned()),
            (false, false) => Ok(()),
        }
    }

    /// Reads the next line if it is the one that came next on the page before.
    #[inline]
    fn read_known(&mut self, parser: &mut Parser<'_>, reading: &mut Reading) -> bool {
        let Some((line, meaning, raw)) = self.cache.expected() else { return false };
        if let Meaning::Metadata(kind) = meaning {
            let known = parser.skip_known(raw, kind);
            if known {
                self.cache.see(line, false);
            }
            return known;
        }
        let Some((value, timestamp_ms)) = parser.next_known(raw) else { return false };
        let known = Some((line, meaning));
        self.take(known, value, timestamp_ms, reading);
        self.take_exemplars(known, parser, reading);
        true
    }

    fn line(
        &mut self,
        raw: &[u8],
        parser: &Parser<'_>,
        native: bool,
        reading: &Reading,
    ) -> Result<Option<(LineId, Meaning)>, String> {
        let fits = |meaning| match meaning {
            Meaning::Native(_) => native,
            Meaning::Sample(_) | Meaning::Part { .. } => !native,
            Meaning::Dropped => true,
            Meaning::Metadata(_) => false,
        };
        if let Some((line, meaning)) = self.cache.find(raw).filter(|(_, meaning)| fits(*meaning)) {
            return Ok(Some((line, meaning)));
        }
        let labels =
            exposition::labels_of(raw, parser.kind()).map_err(|why| format!("line {}: {why}", parser.line()))?;
        if !native
            && self.target.job.classic_to_native
            && parser.kind() == MetricType::Histogram
            && let Some((part, of)) = part_of(&labels, parser.family())
        {
            return self.learn_part(raw, &labels, part, of).map(Some);
        }
        self.learn(raw, &labels, native, reading)
    }

    /// Finds out what a line that was never seen means; `None` if it is one too many, for which nothing is made in the
    /// store any more.
    pub(crate) fn learn(
        &mut self,
        raw: &[u8],
        labels: &Labels,
        native: bool,
        reading: &Reading,
    ) -> Result<Option<(LineId, Meaning)>, String> {
        let meaning = match stored_labels(&self.target, labels)? {
            None => Meaning::Dropped,
            Some(_) if self.target.limits.samples_max.is_some_and(|max| max <= reading.appended) => return Ok(None),
            Some(labels) => {
                let series = self.appender.series_id(self.group, &labels).map_err(|error| error.to_string())?;
                if native { Meaning::Native(series) } else { Meaning::Sample(series) }
            }
        };
        Ok(Some((self.cache.learn(raw, meaning), meaning)))
    }

    /// Learns a line that is a part of a classic histogram with the labels `of`.
    fn learn_part(&mut self, raw: &[u8], own: &Labels, part: Part, of: Labels) -> Result<(LineId, Meaning), String> {
        let (target, appender, group) = (&self.target, &self.appender, self.group);
        let stored = |labels: &Labels| {
            let labels = stored_labels(target, labels)?;
            let series = labels.map(|labels| appender.series_id(group, &labels)).transpose();
            series.map_err(|error| error.to_string())
        };
        let series = if target.job.classic_histograms { stored(own)? } else { None };
        let histogram = self.conversions.learn(of, stored)?;
        let meaning = Meaning::Part { histogram, part, series };
        Ok((self.cache.learn(raw, meaning), meaning))
    }

    /// Takes a value of a line; `None` is one too many.
    #[inline]
    pub(crate) fn take(
        &mut self,
        known: Option<(LineId, Meaning)>,
        value: f64,
        timestamp_ms: Option<i64>,
        reading: &mut Reading,
    ) {
        let timestamp_ms = timestamp_ms.filter(|_| self.target.honor_timestamps);
        if let Some((_, Meaning::Part { histogram, part, .. })) = known {
            self.conversions.add(histogram, part, value, timestamp_ms);
        }
        if let Some(series) = self.admit(known, timestamp_ms, reading) {
            reading.batches.push(series, value, timestamp_ms);
        }
    }

    fn take_histogram(
        &mut self,
        known: Option<(LineId, Meaning)>,
        mut value: Histogram,
        timestamp_ms: Option<i64>,
        reading: &mut Reading,
    ) {
        let timestamp_ms = timestamp_ms.filter(|_| self.target.honor_timestamps);
        let Some(series) = self.admit(known, timestamp_ms, reading) else { return };
        if self.target.job.classic_to_native {
            reading.native.insert(series);
        }
        if native::fit(&mut value, &self.target.limits) {
            reading.batches.push_histogram(series, value, timestamp_ms);
        } else {
            reading.over_buckets = true;
        }
    }

    /// Counts a sample; the series under which it is to be appended.
    #[inline]
    fn admit(
        &mut self,
        known: Option<(LineId, Meaning)>,
        timestamp_ms: Option<i64>,
        reading: &mut Reading,
    ) -> Option<SeriesId> {
        let Some((line, meaning)) = known else {
            reading.samples += 1;
            reading.kept += 1;
            reading.over_samples = true;
            return None;
        };
        let unended = timestamp_ms.is_some() && !self.target.job.track_timestamps_staleness;
        let seen = self.cache.see(line, unended);
        let series = match meaning {
            Meaning::Sample(series) | Meaning::Native(series) | Meaning::Part { series: Some(series), .. } => series,
            // It counts with the histogram that it is part of.
            Meaning::Part { series: None, .. } | Meaning::Metadata(_) => return None,
            Meaning::Dropped => {
                reading.samples += 1;
                return None;
            }
        };
        reading.samples += 1;
        reading.kept += 1;
        let first = match timestamp_ms {
            None => seen != Seen::Twice,
            Some(at_ms) => reading.batches.is_first(series, at_ms),
        };
        if !first {
            reading.duplicates += 1;
            return None;
        }
        reading.appended += 1;
        if self.target.limits.samples_max.is_some_and(|max| max < reading.appended) {
            reading.over_samples = true;
            return None;
        }
        reading.added += usize::from(seen == Seen::New);
        Some(series)
    }

    /// The classic histograms that the page has whole.
    fn take_conversions(&mut self, reading: &mut Reading) {
        for converted in self.conversions.finish() {
            reading.samples += 1;
            let Some(series) = converted.series else { continue };
            reading.kept += 1;
            if reading.native.contains(&series) {
                reading.duplicates += 1;
                continue;
            }
            reading.appended += 1;
            if self.target.limits.samples_max.is_some_and(|max| max < reading.appended) {
                reading.over_samples = true;
                continue;
            }
            let mut value = converted.value;
            if !native::fit(&mut value, &self.target.limits) {
                reading.over_buckets = true;
                continue;
            }
            reading.added += usize::from(converted.new);
            reading.batches.push_histogram(series, value, converted.timestamp_ms);
        }
    }

    #[inline]
    fn take_exemplars(&mut self, known: Option<(LineId, Meaning)>, parser: &mut Parser<'_>, reading: &mut Reading) {
        if let Some(first) = parser.take_exemplar() {
            let series = match known {
                Some((_, Meaning::Sample(series) | Meaning::Native(series))) => Some(series),
                Some((_, Meaning::Part { histogram, .. })) => self.conversions.series(histogram),
                _ => None,
            };
            let mut found = vec![first];
            found.extend(std::iter::from_fn(|| parser.take_exemplar()));
            if let Some(series) = series {
                self.append_exemplars(series, found, reading);
            }
        }
    }

    /// Appends those that the page did not have before.
    fn append_exemplars(&mut self, series: SeriesId, found: Vec<FoundExemplar>, reading: &mut Reading) {
        if EXEMPLAR_SERIES_MAX <= self.exemplars.len() {
            self.exemplars.clear();
        }
        let last = self.exemplars.entry(series).or_default();
        for new in found.iter().filter(|found| !last.contains(found)) {
            let chars = new.labels.iter().map(|(name, value)| name.chars().count() + value.chars().count());
            if chars.sum::<usize>() <= EXEMPLAR_CHARS_MAX {
                let at = new.at_ms.map_or(reading.at, Timestamp::from_ms);
                let exemplar = Exemplar { labels: new.labels.clone(), value: new.value, at };
                reading.batches.push_exemplar(series, exemplar);
            }
        }
        *last = found;
    }

    fn take_metadata(&mut self, entry: &Entry<'_>, parser: &Parser<'_>, reading: &mut Reading) {
        let kind = match entry {
            Entry::Type { kind, .. } => Some(*kind),
            Entry::Help { .. } | Entry::Unit { .. } => None,
            Entry::Series { .. } | Entry::Histogram { .. } | Entry::Comment(_) => return,
        };
        let Some(raw) = parser.last_line() else {
            match entry {
                Entry::Type { name, kind } => (name, kind.as_str()).hash(&mut reading.metadata_hasher),
                Entry::Help { name, text } => (name, text).hash(&mut reading.metadata_hasher),
                Entry::Unit { name, unit } => (name, unit).hash(&mut reading.metadata_hasher),
                _ => {}
            }
            return;
        };
        let line = match self.cache.find(raw) {
            Some((line, _)) => line,
            None => self.cache.learn(raw, Meaning::Metadata(kind)),
        };
        reading.metadata_changed |= self.cache.see(line, false) == Seen::New;
    }
}
