//! The store: opening, appending, asking, and what is done from time to time.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::Catalog;
use model::{Labels, Timestamp};
use parking_lot::{Mutex, RwLock};
use storage::Refusal;
use thiserror::Error;

use crate::append::{self, Limits, Workspace};
use crate::exemplars::Exemplars;
use crate::head::Head;
use crate::index_cache::IndexCache;
use crate::keyspace;
use crate::lock::Lock;
use crate::registry::{Position, Registry};
use crate::segment::{self, Index, Segment};
use crate::wal::{Moment, Wal};
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
/// The time of day that is known may be older than the true one by as much, in milliseconds: maintenance may be late.
const MAINTAINED_WITHIN_MS: i64 = 60_000;
/// Damaged files that are shown in an [`OpenReport`].
const DAMAGED_MAX: usize = 100;

/// How the store behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data folder.
    pub dir: PathBuf,
    /// How often the log is made durable against a power cut, in milliseconds.
    pub wal_sync_interval_ms: i64,
    /// The length of a window, which becomes a segment, in milliseconds.
    pub segment_ms: i64,
    /// How long raw samples are kept, in milliseconds.
    pub raw_retention_ms: i64,
    /// Series that there may be at once.
    pub series_max: usize,
    /// How far in the future a sample may lie, in milliseconds.
    pub future_max_ms: i64,
    /// Samples that are older than their series' newest are taken if they are no older than this, in milliseconds, against
    /// the newest of the store; 0 takes none. A window stays in memory for as long after its end.
    pub out_of_order_ms: i64,
    /// Exemplars that are kept, the latest; after a restart those that the log still holds.
    pub exemplars_max: usize,
}

impl Config {
    /// The defaults, for a folder.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            wal_sync_interval_ms: 1_000,
            segment_ms: 2 * 3_600_000,
            raw_retention_ms: 14 * 24 * 3_600_000,
            series_max: 2_000_000,
            future_max_ms: 10 * 60_000,
            out_of_order_ms: 10 * 60_000,
            exemplars_max: 100_000,
        }
    }
}

/// Why the store does not open.
#[derive(Debug, Error)]
pub enum OpenError {
    /// It was written by a later version.
    #[error("{} was written by a newer version (layout {found}, this program knows {known})", dir.display())]
    Newer {
        /// The folder.
        dir: PathBuf,
        /// Its layout.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// The disk failed.
    #[error("cannot open {}: {source}", dir.display())]
    Io {
        /// The folder.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
}

/// What opening found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Segments that can be read.
    pub segments: usize,
    /// Files that cannot, set aside with the ending `.damaged`, and why.
    pub damaged: Vec<String>,
    /// Records of the log that were replayed.
    pub wal_records: usize,
    /// Records of the log that were damaged and skipped.
    pub wal_bad_records: usize,
    /// Bytes at the end of the log that were cut off, as after a crash.
    pub wal_torn_bytes: u64,
    /// The catalog did not say what the folder holds and was mended.
    pub catalog_mended: bool,
}

/// What [`Db::maintain`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintained {
    /// Windows that became segments.
    pub segments_written: usize,
    /// Segments that were too old.
    pub segments_removed: usize,
}

/// Why maintenance could not do all it should; it is tried again.
#[derive(Debug, Error)]
pub enum MaintainError {
    /// The disk failed.
    #[error("storage maintenance: {0}")]
    Io(#[from] io::Error),
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
}

/// How the store is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Series with samples.
    pub series: usize,
    /// Samples in memory.
    pub head_samples: usize,
    /// Samples taken since the start.
    pub appended: u64,
    /// Samples refused since the start.
    pub rejected: u64,
    /// Of those: out of order.
    pub rejected_out_of_order: u64,
    /// Of those: another value was there.
    pub rejected_duplicate: u64,
    /// Of those: older than what is still taken.
    pub rejected_too_old: u64,
    /// Of those: too far in the future.
    pub rejected_too_new: u64,
    /// Exemplars that are kept.
    pub exemplars: usize,
    /// Roughly the memory that samples take, in bytes.
    pub head_bytes: usize,
    /// Bytes of the log.
    pub wal_bytes: u64,
    /// Segments.
    pub segments: usize,
    /// Bytes of the segments.
    pub segment_bytes: u64,
}

/// The store.
pub struct Db {
    pub(crate) config: Config,
    catalog: Arc<Catalog>,
    pub(crate) inner: RwLock<Inner>,
    pub(crate) indexes: Mutex<IndexCache>,
    /// Held while a window is written, so that two do not write the same one.
    maintaining: Mutex<Maintenance>,
    _lock: Lock,
}

pub(crate) struct Inner {
    pub(crate) registry: Registry,
    pub(crate) head: Head,
    pub(crate) wal: Wal,
    pub(crate) exemplars: Exemplars,
    /// By start.
    pub(crate) segments: BTreeMap<i64, Arc<Segment>>,
    pub(crate) workspace: Workspace,
    pub(crate) closed: bool,
    /// Why nothing is written at present.
    pub(crate) full: Option<String>,
    /// The time of day, as the last call of [`Db::maintain`] gave it.
    now_ms: i64,
    pub(crate) appended: u64,
    /// By reason.
    pub(crate) rejected: [u64; 4],
}

struct Maintenance {
    synced_ms: i64,
    checked_disk_ms: i64,
    retention_ms: i64,
}

impl Inner {
    /// The newest sample that may say how late another is: one from a wrong clock may not.
    fn newest_ms(&self, config: &Config) -> i64 {
        self.head.newest_ms.min(self.now_ms.saturating_add(config.future_max_ms))
    }

    pub(crate) fn limits(&self, config: &Config) -> Limits {
        let late_from_ms = match config.out_of_order_ms {
            0 => i64::MAX,
            window_ms => self.newest_ms(config).saturating_sub(window_ms),
        };
        let until_ms = self.now_ms.saturating_add(config.future_max_ms).saturating_add(MAINTAINED_WITHIN_MS);
        Limits { floor_ms: self.head.floor_ms, late_from_ms, until_ms }
    }
}

impl Db {
    /// Opens the store: reads the segments' footers and replays the log. `lock` is the folder's.
    ///
    /// # Errors
    /// A newer version wrote it, or the disk failed. Damaged files are no error; the report names
    /// them.
    pub fn open(
        config: Config,
        lock: Lock,
        catalog: Arc<Catalog>,
        now: Timestamp,
    ) -> Result<(Self, OpenReport), OpenError> {
        let dir = config.dir.clone();
        let io = |source| OpenError::Io { dir: dir.clone(), source };
        if let Some(found) = keyspace::format_version(&catalog)?.filter(|found| keyspace::FORMAT_VERSION < *found) {
            return Err(OpenError::Newer { dir, found, known: keyspace::FORMAT_VERSION });
        }
        let mut report = OpenReport::default();
        let mut registry = Registry::default();
        let mut indexes = IndexCache::default();
        let mut segments = BTreeMap::new();
        for path in segment_files(&dir.join("raw")).map_err(io)? {
            match open_segment(&path, &mut registry) {
                Ok((segment, index)) => {
                    for series in index.series() {
                        registry.saw(series, segment.start_ms, segment.end_ms - 1);
                    }
                    indexes.put(segment.start_ms, Arc::new(index));
                    segments.insert(segment.start_ms, Arc::new(segment));
                }
                Err(error) => {
                    tracing::error!(%error, "a segment is damaged and set aside");
                    std::fs::rename(&path, path.with_extension("damaged")).map_err(io)?;
                    if report.damaged.len() < DAMAGED_MAX {
                        report.damaged.push(error.to_string());
                    }
                }
            }
        }
        report.segments = segments.len();
        let listed: Vec<(i64, String)> =
            segments.iter().map(|(start, segment)| (*start, relative(&dir, &segment.path))).collect();
        report.catalog_mended = keyspace::reconcile(&catalog, &listed)?;

        let floor_ms = segments.values().map(|segment| segment.end_ms).max().unwrap_or(i64::MIN);
        let mut head = Head::new(config.segment_ms, floor_ms);
        let placing = Head::new(config.segment_ms, floor_ms);
        let mut exemplars = Exemplars::new(config.exemplars_max);
        let mut judged = Moment::default();
        // A window that is a segment already was written before its log could be dropped: its samples are there.
        let in_segment = |at_ms: i64| {
            segments.range(..=at_ms).next_back().is_some_and(|(_, segment): (_, &Arc<Segment>)| at_ms < segment.end_ms)
        };
        let window_start = |at_ms| placing.window_start(at_ms);
        let (wal, replayed) = Wal::open(&dir.join("wal"), &mut registry, window_start, |registry, moment| {
            if !in_segment(moment.at_ms) {
                append::replay(&mut head, registry, moment, &mut judged);
            }
            for (series, exemplar) in &moment.exemplars {
                if exemplars.is_new(*series, exemplar) {
                    exemplars.push(*series, exemplar.clone());
                }
            }
        })
        .map_err(io)?;
        report.wal_records = replayed.records;
        report.wal_bad_records = replayed.bad_records;
        report.wal_torn_bytes = replayed.torn_bytes;
        if 0 < replayed.bad_records || 0 < replayed.unknown_rows {
            tracing::warn!(
                records = replayed.bad_records,
                rows = replayed.unknown_rows,
                "the log has damaged records; they and what builds on them are skipped"
            );
        }
        let inner = Inner {
            registry,
            head,
            wal,
            exemplars,
            segments,
            workspace: Workspace::default(),
            closed: false,
            full: None,
            now_ms: now.as_ms(),
            appended: 0,
            rejected: [0; 4],
        };
        let maintaining =
            Maintenance { synced_ms: now.as_ms(), checked_disk_ms: i64::MIN, retention_ms: config.raw_retention_ms };
        let db = Self {
            config,
            catalog,
            inner: RwLock::new(inner),
            indexes: Mutex::new(indexes),
            maintaining: Mutex::new(maintaining),
            _lock: lock,
        };
        Ok((db, report))
    }

    /// Keeps raw samples for this long from now on, in milliseconds.
    pub fn set_retention_ms(&self, retention_ms: i64) {
        self.maintaining.lock().retention_ms = retention_ms;
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
            let file = self.inner.read().wal.file();
            file.sync_data()?;
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
        done.segments_removed = self.remove_before(oldest_ms)?;
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
            let moved = inner.head.split(until_ms, &inner.registry);
            // What stays in memory is written to a log of its own, so that the files before it can go.
            inner.wal.rotate()?;
            for moments in moved.chunks(MOMENTS_PER_RECORD) {
                let head = &inner.head;
                inner.wal.write(&inner.registry, moments, |at_ms| head.window_start(at_ms))?;
            }
            until_ms
        };
        Ok(Maintained { segments_written: self.cut(until_ms)?, segments_removed: 0 })
    }

    /// Refuses appends from now on and makes the log durable.
    ///
    /// # Errors
    /// The disk failed; what was acknowledged is in the log all the same.
    pub fn close(&self) -> io::Result<()> {
        let file = {
            let mut inner = self.inner.write();
            inner.closed = true;
            inner.wal.file()
        };
        file.sync_all()
    }

    /// How the store is.
    pub fn stats(&self) -> Stats {
        let inner = self.inner.read();
        Stats {
            series: inner.registry.live_count(),
            head_samples: inner.head.samples(),
            appended: inner.appended,
            rejected: inner.rejected.iter().sum(),
            rejected_out_of_order: inner.rejected[Refusal::OutOfOrder as usize],
            rejected_duplicate: inner.rejected[Refusal::Duplicate as usize],
            rejected_too_old: inner.rejected[Refusal::TooOld as usize],
            rejected_too_new: inner.rejected[Refusal::TooNew as usize],
            exemplars: inner.exemplars.len(),
            head_bytes: inner.head.memory_bytes(),
            wal_bytes: inner.wal.total_bytes(),
            segments: inner.segments.len(),
            segment_bytes: inner.segments.values().map(|segment| segment.bytes).sum(),
        }
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
            keyspace::remove_segment(&self.catalog, segment.start_ms)?;
            std::fs::remove_file(&segment.path)?;
            let mut inner = self.inner.write();
            inner.segments.remove(&segment.start_ms);
            self.indexes.lock().remove(segment.start_ms);
        }
        if !old.is_empty() {
            self.inner.write().registry.forget_before(oldest_ms);
        }
        Ok(old.len())
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

fn open_segment(path: &Path, registry: &mut Registry) -> io::Result<(Segment, Index)> {
    let segment = Segment::open(path)?;
    let index = segment.index(&segment.footer()?, registry)?;
    Ok((segment, index))
}

/// The segments of a tier, sorted. Files that were not finished before a crash are removed: their window is in the log.
fn segment_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if !folder.exists() {
        return Ok(found);
    }
    for day in std::fs::read_dir(folder)? {
        for entry in std::fs::read_dir(day?.path())? {
            let path = entry?.path();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("seg") => found.push(path),
                Some("tmp") => std::fs::remove_file(path)?,
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

fn relative(dir: &Path, path: &Path) -> String {
    path.strip_prefix(dir).unwrap_or(path).display().to_string()
}

/// `yyyymmdd` of a moment, in UTC. Era arithmetic of the Gregorian calendar: 400 years have 146,097 days.
fn day(at_ms: i64) -> String {
    let days = at_ms.div_euclid(86_400_000) + 719_468; // from 0000-03-01
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (at_ms, expected) in [(0, "19700101"), (951_782_400_000, "20000229"), (1_795_478_400_000, "20261124")] {
            assert_eq!(day(at_ms), expected);
        }
    }
}
