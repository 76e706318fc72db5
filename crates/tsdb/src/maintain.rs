//! What is done from time to time: the log made durable, windows written, old segments removed, the disk watched.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use model::{Labels, Timestamp};

use crate::db::{Db, Inner};
use crate::folder::{day, relative};
use crate::keyspace;
use crate::registry::{Position, Registry};
use crate::report::{MaintainError, Maintained};
use crate::segment::{self, Segment};
use crate::window::Window;

/// A window is closed when the newest sample is this much past its end, in milliseconds: senders and slow targets may be
/// late by as much.
const GRACE_MS: i64 = 30 * 60_000;
/// When the store is compacted, the newest samples stay in memory for at least as long, in milliseconds: a scrape that is
/// under way is not too old when it arrives.
const COMPACT_KEEP_MIN_MS: i64 = 60_000;
/// Moments in a record, where many are written at once.
const MOMENTS_PER_RECORD: usize = 1_024;
/// Writing stops when the disk has less than this many bytes left; what is there stays readable.
const DISK_FREE_BYTES_MIN: u64 = 200 << 20;

impl Db {
    /// Keeps raw samples for this long from now on, in milliseconds.
    pub fn set_retention_ms(&self, retention_ms: i64) {
        self.maintaining.lock().retention_ms = retention_ms;
    }

    /// Lets log and segments take this many bytes from now on; 0 sets no limit.
    pub fn set_size_max_bytes(&self, size_max_bytes: u64) {
        self.maintaining.lock().size_max_bytes = size_max_bytes;
    }

    /// Does what is due: makes the log durable, writes windows that are over, removes what is too old. To be called about
    /// once a second.
    ///
    /// # Errors
    /// Something could not be done; nothing is lost, and the next call tries again.
    pub fn maintain(&self, now: Timestamp) -> Result<Maintained, MaintainError> {
        let mut maintenance = self.maintaining.lock();
        let now_ms = now.as_ms();
        if self.config.wal_sync_interval_ms <= (now_ms - maintenance.synced_ms).abs() {
            self.sync()?;
            maintenance.synced_ms = now_ms;
        }
        if 10_000 <= now_ms.saturating_sub(maintenance.checked_disk_ms) {
            self.check_disk()?;
            maintenance.checked_disk_ms = now_ms;
        }
        let newest_ms = {
            let mut inner = self.inner.write();
            inner.now_ms = now_ms;
            inner.newest_ms(&self.config)
        };
        let grace_ms = GRACE_MS.max(self.config.out_of_order_ms);
        let mut done =
            Maintained { segments_written: self.cut(newest_ms.saturating_sub(grace_ms))?, segments_removed: 0 };
        let oldest_ms = now_ms.saturating_sub(maintenance.retention_ms);
        done.segments_removed = self.remove_before(oldest_ms)? + self.remove_beyond(maintenance.size_max_bytes)?;
        Ok(done)
    }

    /// Writes what is in memory as segments, but for the newest samples (those that may still come out of order, a minute
    /// at least), and drops the log of what was written. Blocks for as long as that takes; samples are taken meanwhile.
    ///
    /// # Errors
    /// Something could not be done; nothing is lost, and [`Db::maintain`] goes on with it.
    pub fn compact(&self) -> Result<Maintained, MaintainError> {
        let _maintaining = self.maintaining.lock();
        let until_ms = {
            let mut inner = self.inner.write();
            let inner = &mut *inner;
            let keep_ms = COMPACT_KEEP_MIN_MS.max(self.config.out_of_order_ms);
            if inner.head.newest_ms == i64::MIN {
                return Ok(Maintained::default());
            }
            let until_ms = inner.newest_ms(&self.config).saturating_sub(keep_ms);
            if inner.head.is_inside(until_ms) {
                // What stays in memory is written to a log of its own, so that the files before it can go; only then.
                inner.wal.rotate()?;
                let moved = inner.head.split(until_ms, &inner.registry);
                let held = inner.wal.hold_closed(until_ms);
                for moments in moved.chunks(MOMENTS_PER_RECORD) {
                    let head = &inner.head;
                    inner.wal.write(&inner.registry, moments, |at_ms| head.window_start(at_ms))?;
                }
                inner.wal.release_closed(held, until_ms);
            }
            until_ms
        };
        Ok(Maintained { segments_written: self.cut(until_ms)?, segments_removed: 0 })
    }

    /// Writes windows that end at or before `until_ms`, oldest first. A window stays readable, and its log on disk, until
    /// its segment is durable and known.
    fn cut(&self, until_ms: i64) -> Result<usize, MaintainError> {
        let mut written = 0;
        loop {
            let (window, series) = {
                let mut inner = self.inner.write();
                let Some(window) = inner.head.close_next(until_ms) else { break };
                let series = described(&inner.registry, &window);
                (window, series)
            };
            let path = self.segment_path(window.start_ms);
            if self.inner.read().segments.contains_key(&window.start_ms) {
                return Err(io::Error::other(format!("{} exists already", path.display())).into());
            }
            segment::write(&path, keyspace::TIER_RAW, &window, &series)?;
            let segment = Segment::open(&path)?;
            keyspace::put_segment(&self.catalog, window.start_ms, &relative(&self.config.dir, &path))?;
            let mut inner = self.inner.write();
            inner.segments.insert(window.start_ms, Arc::new(segment));
            inner.head.drop_closed(window.start_ms);
            let Inner { wal, head, .. } = &mut *inner;
            wal.drop_covered(|start_ms| head.holds(start_ms))?;
            written += 1;
        }
        Ok(written)
    }

    fn remove_before(&self, oldest_ms: i64) -> Result<usize, MaintainError> {
        let old: Vec<Arc<Segment>> = {
            let inner = self.inner.read();
            inner.segments.values().filter(|segment| segment.end_ms <= oldest_ms).cloned().collect()
        };
        for segment in &old {
            self.remove(segment)?;
        }
        if !old.is_empty() {
            self.inner.write().registry.forget_before(oldest_ms);
        }
        Ok(old.len())
    }

    /// Removes the oldest segments until log and segments fit.
    fn remove_beyond(&self, size_max_bytes: u64) -> Result<usize, MaintainError> {
        let mut removed = 0;
        loop {
            let oldest = {
                let inner = self.inner.read();
                let bytes: u64 = inner.segments.values().map(|segment| segment.bytes).sum();
                let too_large = 0 < size_max_bytes && size_max_bytes < bytes + inner.wal.total_bytes();
                inner.segments.values().next().filter(|_| too_large).cloned()
            };
            let Some(oldest) = oldest else { break };
            self.remove(&oldest)?;
            let mut inner = self.inner.write();
            let kept_ms = inner.segments.keys().next().copied().unwrap_or(oldest.end_ms);
            inner.registry.forget_before(kept_ms);
            removed += 1;
        }
        Ok(removed)
    }

    /// Removes a segment, first from the catalog, and its folder if it was the last of its day.
    fn remove(&self, segment: &Segment) -> Result<(), MaintainError> {
        keyspace::remove_segment(&self.catalog, segment.start_ms)?;
        std::fs::remove_file(&segment.path)?;
        if let Some(day) = segment.path.parent() {
            match std::fs::remove_dir(day) {
                Err(error) if error.kind() != io::ErrorKind::DirectoryNotEmpty => return Err(error.into()),
                _ => {}
            }
        }
        self.inner.write().segments.remove(&segment.start_ms);
        self.indexes.lock().remove(segment.start_ms);
        Ok(())
    }

    /// Makes the log durable. Appends go on meanwhile.
    pub(crate) fn sync(&self) -> io::Result<()> {
        let (sequence, files) = self.inner.read().wal.unsynced();
        for file in &files {
            file.sync_data()?;
        }
        self.inner.write().wal.synced_before(sequence);
        Ok(())
    }

    /// Stops writing, loudly, before the disk is full, and goes on by itself when there is room again.
    fn check_disk(&self) -> io::Result<()> {
        let about = rustix::fs::statvfs(&self.config.dir)?;
        let free = about.f_bavail.saturating_mul(about.f_frsize);
        let full = (free < DISK_FREE_BYTES_MIN).then(|| format!("{} MiB are free on its disk", free >> 20));
        let mut inner = self.inner.write();
        if full.is_some() != inner.full.is_some() {
            match &full {
                Some(why) => tracing::error!(why, "the storage takes no more samples"),
                None => tracing::info!("the storage takes samples again"),
            }
        }
        inner.full = full;
        Ok(())
    }

    fn segment_path(&self, start_ms: i64) -> PathBuf {
        self.config.dir.join("raw").join(day(start_ms)).join(format!("{start_ms}.seg"))
    }
}

/// A window's series with labels and group, in the order of the labels.
fn described(registry: &Registry, window: &Window) -> Vec<(Position, Labels, String)> {
    let describe = |position: Position| {
        let known = registry.get(position)?;
        Some((position, known.labels.clone(), registry.group_key(known.group)?.to_owned()))
    };
    let mut series: Vec<_> = window.series().into_iter().filter_map(describe).collect();
    series.sort_by(|a, b| a.1.cmp(&b.1));
    series
}
