//! Appending: what is taken, what is refused, and how it gets into the head.

use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;

use model::{Histogram, Labels, TimeRange, Timestamp};
use storage::{AppendError, Appended, Appender, Batch, GroupId, Refusal, Rejected, SeriesId};

use crate::codec::same_histogram;
use crate::db::{Db, Inner};
use crate::head::Head;
use crate::registry::{Last, Position, Registry};
use crate::wal::Moment;

/// Rows whose memory is kept for the next transaction.
const ROWS_KEPT: usize = 1 << 18;

/// The moments that are taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Older samples lie in segments.
    pub(crate) floor_ms: i64,
    /// Samples older than their series' newest, but not older than this, are taken out of order; the end of time if none are.
    pub(crate) late_from_ms: i64,
    /// Newer samples lie too far in the future.
    pub(crate) until_ms: i64,
}

/// What is made of a sample.
enum Verdict {
    Take,
    TakeLate,
    Repeated,
    Refuse(Refusal),
}

/// What an append works with; kept, so that it allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    moments: Vec<Moment>,
    used: usize,
    /// What the registry said of a series before, for when the log cannot be written.
    undo: Vec<(Position, Option<Last>)>,
}

impl Appender for Db {
    fn group(&self, key: &str) -> GroupId {
        if let Some(group) = self.inner.read().registry.find_group(key) {
            return GroupId(u64::from(group));
        }
        GroupId(u64::from(self.inner.write().registry.group(key)))
    }

    fn series_id(&self, group: GroupId, labels: &Labels) -> Result<SeriesId, AppendError> {
        if let Some(position) = self.inner.read().registry.find(labels) {
            return Ok(SeriesId(u64::from(position)));
        }
        let mut inner = self.inner.write();
        if inner.closed {
            return Err(AppendError::Closed);
        }
        if self.config.series_max <= inner.registry.live_count() {
            return Err(AppendError::TooManySeries { limit: self.config.series_max });
        }
        Ok(SeriesId(u64::from(inner.registry.series(group.0 as u32, labels))))
    }

    fn append(&self, batches: &[Batch]) -> Result<Appended, AppendError> {
        let mut inner = self.inner.write();
        let inner = &mut *inner;
        if inner.closed {
            return Err(AppendError::Closed);
        }
        if let Some(why) = &inner.full {
            return Err(AppendError::Full(why.clone()));
        }
        let mut work = std::mem::take(&mut inner.workspace);
        let outcome = self.append_with(inner, &mut work, batches);
        if outcome.is_err() {
            for (series, last) in work.undo.drain(..).rev() {
                inner.registry.set_last(series, last);
            }
        }
        if work.moments.iter().map(|moment| moment.rows.capacity()).sum::<usize>() <= ROWS_KEPT {
            inner.workspace = work;
        }
        outcome
    }
}

impl Db {
    fn append_with(&self, inner: &mut Inner, work: &mut Workspace, batches: &[Batch]) -> Result<Appended, AppendError> {
        work.used = 0;
        work.undo.clear();
        let limits = inner.limits(&self.config);
        let mut done = Appended::default();
        for batch in batches {
            work.take(inner, batch, limits, &mut done)?;
        }
        let moments = &mut work.moments[..work.used];
        if !moments.is_empty() {
            let head = &inner.head;
            inner.wal.write(&inner.registry, moments, |at_ms| head.window_start(at_ms))?;
            for moment in moments {
                inner.place(moment);
            }
        }
        inner.appended += done.stored as u64;
        for rejected in &done.rejected {
            inner.rejected[rejected.reason as usize] += 1;
        }
        Ok(done)
    }
}

impl Workspace {
    /// Judges a batch and puts what is taken into a moment.
    fn take(
        &mut self,
        inner: &mut Inner,
        batch: &Batch,
        limits: Limits,
        done: &mut Appended,
    ) -> Result<(), AppendError> {
        let at_ms = batch.at.as_ms();
        if self.used == self.moments.len() {
            self.moments.push(Moment::default());
        }
        let moment = &mut self.moments[self.used];
        moment.begin(batch.group.0 as u32, at_ms);
        let Inner { registry, head, exemplars, .. } = inner;
        for row in &batch.rows {
            let series = known(registry, row.series)?;
            let last = Last { at_ms, bits: row.value.to_bits(), is_histogram: false };
            match judge(registry, series, last, limits) {
                Verdict::Take => {
                    self.undo.push((series, registry.replace_last(series, last)));
                    moment.rows.push((series, row.value));
                    done.stored += 1;
                }
                Verdict::TakeLate => match late(head, series, at_ms, last, None) {
                    Ok(new) => {
                        if new {
                            moment.late_rows.push((series, row.value));
                        }
                        done.stored += 1;
                    }
                    Err(reason) => done.rejected.push(Rejected { series: row.series, at: batch.at, reason }),
                },
                Verdict::Repeated => done.stored += 1,
                Verdict::Refuse(reason) => done.rejected.push(Rejected { series: row.series, at: batch.at, reason }),
            }
        }
        for row in &batch.histograms {
            let series = known(registry, row.series)?;
            let last = Last { at_ms, bits: hash(&row.value), is_histogram: true };
            match judge(registry, series, last, limits) {
                Verdict::Take => {
                    self.undo.push((series, registry.replace_last(series, last)));
                    moment.histograms.push((series, Arc::clone(&row.value)));
                    done.stored += 1;
                }
                Verdict::TakeLate => match late(head, series, at_ms, last, Some(&row.value)) {
                    Ok(new) => {
                        if new {
                            moment.late_histograms.push((series, Arc::clone(&row.value)));
                        }
                        done.stored += 1;
                    }
                    Err(reason) => done.rejected.push(Rejected { series: row.series, at: batch.at, reason }),
                },
                Verdict::Repeated => done.stored += 1,
                Verdict::Refuse(reason) => done.rejected.push(Rejected { series: row.series, at: batch.at, reason }),
            }
        }
        for row in &batch.exemplars {
            let series = known(registry, row.series)?;
            if exemplars.is_new(series, &row.exemplar) {
                moment.exemplars.push((series, row.exemplar.clone()));
                done.exemplars += 1;
            }
        }
        if !moment.is_empty() {
            self.used += 1;
        }
        Ok(())
    }
}

impl Inner {
    /// Puts samples that are in the log into the head.
    pub(crate) fn place(&mut self, moment: &Moment) {
        let Self { registry, head, exemplars, .. } = self;
        place(head, registry, moment);
        for (series, exemplar) in &moment.exemplars {
            exemplars.push(*series, exemplar.clone());
        }
    }
}

/// Puts a moment into the head; the registry knows already that its samples are its series' newest.
fn place(head: &mut Head, registry: &mut Registry, moment: &Moment) {
    let at_ms = moment.at_ms;
    if !moment.rows.is_empty() || !moment.histograms.is_empty() {
        let window = head.window_mut(at_ms);
        let place = window.place(moment.group, at_ms);
        for (series, value) in &moment.rows {
            registry.saw(*series, at_ms, at_ms);
            window.push_float(*series, moment.group, at_ms, place, *value);
        }
        for (series, histogram) in &moment.histograms {
            registry.saw(*series, at_ms, at_ms);
            window.push_histogram(*series, moment.group, at_ms, place, Arc::clone(histogram));
        }
    }
    if !moment.late_rows.is_empty() || !moment.late_histograms.is_empty() {
        let window = head.window_mut(at_ms);
        for (series, value) in &moment.late_rows {
            registry.saw(*series, at_ms, at_ms);
            window.floats.push_late(*series, at_ms, *value);
        }
        for (series, histogram) in &moment.late_histograms {
            registry.saw(*series, at_ms, at_ms);
            window.histograms.push_late(*series, at_ms, Arc::clone(histogram));
        }
    }
}

/// Puts a moment of the log into the head at a start. What an earlier record has is passed over.
pub(crate) fn replay(head: &mut Head, registry: &mut Registry, moment: &Moment, judged: &mut Moment) {
    judged.begin(moment.group, moment.at_ms);
    // It was taken once: only what is there already is left out.
    let limits = Limits { floor_ms: i64::MIN, late_from_ms: i64::MIN, until_ms: i64::MAX };
    for (series, value) in &moment.rows {
        let last = Last { at_ms: moment.at_ms, bits: value.to_bits(), is_histogram: false };
        match judge(registry, *series, last, limits) {
            Verdict::Take => {
                registry.set_last(*series, Some(last));
                judged.rows.push((*series, *value));
            }
            Verdict::TakeLate if late(head, *series, moment.at_ms, last, None) == Ok(true) => {
                judged.late_rows.push((*series, *value));
            }
            _ => {}
        }
    }
    for (series, histogram) in &moment.histograms {
        let last = Last { at_ms: moment.at_ms, bits: hash(histogram), is_histogram: true };
        match judge(registry, *series, last, limits) {
            Verdict::Take => {
                registry.set_last(*series, Some(last));
                judged.histograms.push((*series, Arc::clone(histogram)));
            }
            Verdict::TakeLate if late(head, *series, moment.at_ms, last, Some(histogram)) == Ok(true) => {
                judged.late_histograms.push((*series, Arc::clone(histogram)));
            }
            _ => {}
        }
    }
    place(head, registry, judged);
}

/// The place of a series that the store knows.
fn known(registry: &Registry, series: SeriesId) -> Result<Position, AppendError> {
    let position = series.0 as Position;
    if registry.is_gone(position) { Err(AppendError::UnknownSeries(series)) } else { Ok(position) }
}

fn judge(registry: &Registry, series: Position, now: Last, limits: Limits) -> Verdict {
    if limits.until_ms < now.at_ms {
        return Verdict::Refuse(Refusal::TooNew);
    }
    let Some(last) = registry.last(series).filter(|last| now.at_ms <= last.at_ms) else {
        return if now.at_ms < limits.floor_ms { Verdict::Refuse(Refusal::TooOld) } else { Verdict::Take };
    };
    if now.at_ms == last.at_ms {
        if now == last { Verdict::Repeated } else { Verdict::Refuse(Refusal::Duplicate) }
    } else if limits.late_from_ms <= now.at_ms && limits.floor_ms <= now.at_ms {
        Verdict::TakeLate
    } else if limits.late_from_ms == i64::MAX {
        Verdict::Refuse(Refusal::OutOfOrder)
    } else {
        Verdict::Refuse(Refusal::TooOld)
    }
}

/// Whether a sample out of order is new; an error if its moment is taken by another, or too many came out of order.
fn late(head: &Head, series: Position, at_ms: i64, now: Last, histogram: Option<&Histogram>) -> Result<bool, Refusal> {
    let Some(window) = head.window(at_ms) else { return Ok(true) };
    let moment = TimeRange::new(Timestamp::from_ms(at_ms), Timestamp::from_ms(at_ms));
    if let Some(known) = window.read_floats(series, moment).and_then(|read| read.values.first().copied()) {
        let repeated = !now.is_histogram && known.to_bits() == now.bits;
        return if repeated { Ok(false) } else { Err(Refusal::Duplicate) };
    }
    if let Some(known) = window.read_histograms(series, moment).and_then(|read| read.values.first().cloned()) {
        let repeated = histogram.is_some_and(|histogram| same_histogram(&known, histogram));
        return if repeated { Ok(false) } else { Err(Refusal::Duplicate) };
    }
    let late = window.floats.late_count(series) + window.histograms.late_count(series);
    if crate::window::LATE_MAX <= late { Err(Refusal::OutOfOrder) } else { Ok(true) }
}

/// A hash of what a histogram counts, to tell a repetition by.
fn hash(histogram: &Histogram) -> u64 {
    let mut hasher = DefaultHasher::new();
    let counts = [histogram.count, histogram.zero_count, histogram.sum, histogram.zero_threshold];
    let buckets = histogram.positive_buckets.iter().chain(&histogram.negative_buckets);
    counts.iter().chain(buckets).for_each(|value| hasher.write_u64(value.to_bits()));
    hasher.write_i8(histogram.schema);
    for span in histogram.positive_spans.iter().chain(&histogram.negative_spans) {
        hasher.write_i32(span.offset);
        hasher.write_u32(span.length);
    }
    for bound in histogram.custom_bounds.as_deref().unwrap_or_default() {
        hasher.write_u64(bound.to_bits());
    }
    hasher.finish()
}
