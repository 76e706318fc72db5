//! The store: opening, appending, asking, and what is done from time to time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::Catalog;
use model::{Labels, Matcher, TimeRange, Timestamp};
use parking_lot::{Mutex, RwLock};
use storage::{
    AppendError, Appended, Appender, Batch, GroupId, QueryError, Queryable, Refusal, Rejected, Select, SeriesColumns,
    SeriesExemplars, SeriesId,
};
use thiserror::Error;

use crate::head::Head;
use crate::keyspace;
use crate::lock::Lock;
use crate::registry::{Position, Registry};
use crate::segment::{self, Index, Segment};
use crate::select::{self, HeadPart, Plan};
use crate::wal::{Floats, Wal};
use crate::window::Window;

/// A window is closed when the newest sample is this much past its end, in milliseconds: senders and slow targets may be
/// late by as much.
const GRACE_MS: i64 = 30 * 60_000;
/// Indexes of segments that are kept in memory, in bytes.
const INDEX_BYTES_MAX: usize = 48 << 20;
/// Writing stops when the disk has less than this many bytes left; what is there stays readable.
const DISK_FREE_BYTES_MIN: u64 = 200 << 20;
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
    /// Bytes of the log.
    pub wal_bytes: u64,
    /// Segments.
    pub segments: usize,
    /// Bytes of the segments.
    pub segment_bytes: u64,
}

/// The store.
pub struct Db {
    config: Config,
    catalog: Arc<Catalog>,
    inner: RwLock<Inner>,
    indexes: Mutex<IndexCache>,
    /// Held while a window is written, so that two do not write the same one.
    maintaining: Mutex<Maintenance>,
    _lock: Lock,
}

struct Inner {
    registry: Registry,
    head: Head,
    wal: Wal,
    /// By start.
    segments: BTreeMap<i64, Arc<Segment>>,
    closed: bool,
    /// Why nothing is written at present.
    full: Option<String>,
    appended: u64,
    rejected: u64,
}

struct Maintenance {
    synced_ms: i64,
    checked_disk_ms: i64,
    retention_ms: i64,
}

/// Indexes by a segment's start, the most recently used last.
#[derive(Default)]
struct IndexCache {
    indexes: Vec<(i64, Arc<Index>)>,
    bytes: usize,
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

        let mut head = Head::new(config.segment_ms);
        // A window that is a segment already was written before its log could be dropped: its samples are there.
        let written: BTreeSet<i64> = segments.keys().copied().collect();
        head.floor_ms = segments.values().map(|segment| segment.end_ms).max().unwrap_or(i64::MIN);
        let placing = Head::new(config.segment_ms);
        let window_start = |at_ms| placing.window_start(at_ms);
        let (wal, replayed) = Wal::open(&dir.join("wal"), &mut registry, window_start, |registry, floats| {
            if !written.contains(&window_start(floats.at_ms)) {
                place(&mut head, registry, &floats);
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
                "the log has damaged records; they are skipped"
            );
        }
        let inner = Inner { registry, head, wal, segments, closed: false, full: None, appended: 0, rejected: 0 };
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
        let newest_ms = self.inner.read().head.newest_ms;
        let mut done =
            Maintained { segments_written: self.cut(newest_ms.saturating_sub(GRACE_MS))?, segments_removed: 0 };
        let oldest_ms = now_ms.saturating_sub(maintenance.retention_ms);
        done.segments_removed = self.remove_before(oldest_ms)?;
        Ok(done)
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
            rejected: inner.rejected,
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

    /// The index of a segment, from the cache or from its footer.
    fn index(&self, segment: &Segment) -> Result<Arc<Index>, QueryError> {
        if let Some(index) = self.indexes.lock().get(segment.start_ms) {
            return Ok(index);
        }
        let index = segment.index(&mut self.inner.write().registry).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => QueryError::Corrupt(error.to_string()),
            _ => QueryError::Io(error),
        })?;
        let index = Arc::new(index);
        self.indexes.lock().put(segment.start_ms, Arc::clone(&index));
        Ok(index)
    }

    /// The live series that any of the selectors wants and that may have samples in the range.
    fn matching(inner: &Inner, selectors: &[Vec<Matcher>], range: TimeRange) -> Vec<Position> {
        let registry = &inner.registry;
        let mut found: Vec<Position> = if selectors.is_empty() {
            registry.all()
        } else {
            let resolve = |matchers: &Vec<Matcher>| {
                registry.postings.resolve(matchers, || registry.all(), |position| registry.labels(position))
            };
            selectors.iter().flat_map(resolve).collect()
        };
        found.sort_unstable();
        found.dedup();
        found.retain(|position| registry.may_have(*position, range));
        found
    }
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
        let mut done = Appended::default();
        let mut accepted = Vec::with_capacity(batches.len());
        let mut newest: HashMap<Position, (i64, u64)> = HashMap::new();
        let one_batch = batches.len() == 1;
        for batch in batches {
            let at_ms = batch.at.as_ms();
            let mut rows = Vec::with_capacity(batch.rows.len());
            for row in &batch.rows {
                let series = row.series.0 as Position;
                if inner.registry.is_gone(series) {
                    return Err(AppendError::UnknownSeries(row.series));
                }
                // Within one transaction a series may have several moments; the registry knows only those before it.
                let last = newest.get(&series).copied().or(inner.registry.get(series).and_then(|known| known.last));
                match judge(last, at_ms, row.value, inner.head.floor_ms) {
                    Verdict::Take => {
                        rows.push((series, row.value));
                        if !one_batch {
                            newest.insert(series, (at_ms, row.value.to_bits()));
                        }
                        done.stored += 1;
                    }
                    Verdict::Repeated => done.stored += 1,
                    Verdict::Refuse(reason) => {
                        done.rejected.push(Rejected { series: row.series, at: batch.at, reason })
                    }
                }
            }
            if !rows.is_empty() {
                accepted.push(Floats { group: batch.group.0 as u32, at_ms, rows });
            }
        }
        if !accepted.is_empty() {
            let head = &inner.head;
            inner.wal.write(&inner.registry, &accepted, |at_ms| head.window_start(at_ms))?;
            for floats in &accepted {
                place(&mut inner.head, &mut inner.registry, floats);
            }
        }
        inner.appended += done.stored as u64;
        inner.rejected += done.rejected.len() as u64;
        Ok(done)
    }
}

enum Verdict {
    Take,
    Repeated,
    Refuse(Refusal),
}

fn judge(last: Option<(i64, u64)>, at_ms: i64, value: f64, floor_ms: i64) -> Verdict {
    match last {
        Some((last_ms, _)) if at_ms < last_ms => Verdict::Refuse(Refusal::OutOfOrder),
        Some((last_ms, bits)) if at_ms == last_ms => {
            if bits == value.to_bits() {
                Verdict::Repeated
            } else {
                Verdict::Refuse(Refusal::Duplicate)
            }
        }
        _ if at_ms < floor_ms => Verdict::Refuse(Refusal::TooOld),
        _ => Verdict::Take,
    }
}

/// Puts samples that are in the log into the head.
fn place(head: &mut Head, registry: &mut Registry, floats: &Floats) {
    let window = head.window_mut(floats.at_ms);
    let place = window.place(floats.group, floats.at_ms);
    for (series, value) in &floats.rows {
        let Some(known) = registry.get_mut(*series) else { continue };
        if known.last.is_some_and(|(last_ms, _)| floats.at_ms <= last_ms) {
            continue; // a replay of what a segment or an earlier record has
        }
        known.last = Some((floats.at_ms, value.to_bits()));
        registry.saw(*series, floats.at_ms, floats.at_ms);
        window.push(*series, floats.group, floats.at_ms, place, *value);
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

impl Queryable for Db {
    fn select(&self, select: &Select<'_>) -> Result<Vec<SeriesColumns>, QueryError> {
        let segments: Vec<Arc<Segment>> = {
            let inner = self.inner.read();
            let (start_ms, end_ms) = (select.range.start.as_ms(), select.range.end.as_ms());
            inner.segments.values().filter(|s| s.start_ms <= end_ms && start_ms < s.end_ms).cloned().collect()
        };
        let indexed = segments.into_iter().map(|segment| Ok((Arc::clone(&segment), self.index(&segment)?)));
        let mut segments = indexed.collect::<Result<Vec<_>, QueryError>>()?;
        let inner = self.inner.read();
        let positions = Self::matching(&inner, std::slice::from_ref(&select.matchers.to_vec()), select.range);
        let series: Vec<(Position, Labels)> =
            positions.iter().map(|position| (*position, inner.registry.labels(*position).clone())).collect();
        let mut head: HashMap<Position, Vec<HeadPart>> = HashMap::new();
        for window in inner.head.windows() {
            if window.end_ms <= select.range.start.as_ms() || select.range.end.as_ms() < window.start_ms {
                continue;
            }
            // A window that became a segment between the two locks is read once, from memory.
            segments.retain(|(segment, _)| segment.start_ms != window.start_ms);
            let mut shared: HashMap<(u32, usize, usize), Arc<[i64]>> = HashMap::new();
            for position in &positions {
                let Some(samples) = window.samples(*position) else { continue };
                let times = &samples.times_ms;
                let from = times.partition_point(|at| *at < select.range.start.as_ms());
                let to = times.partition_point(|at| *at <= select.range.end.as_ms());
                if to <= from {
                    continue;
                }
                let cut = || Arc::from(&times[from..to]);
                let times_ms = match samples.shared {
                    Some((group, first)) => {
                        Arc::clone(shared.entry((group, first + from, to - from)).or_insert_with(cut))
                    }
                    None => cut(),
                };
                let part = HeadPart { series: *position, times_ms, values: samples.values[from..to].to_vec() };
                head.entry(part.series).or_default().push(part);
            }
        }
        // A window that became a segment after the first lock, and left memory before the second.
        let missed: Vec<Arc<Segment>> = inner
            .segments
            .values()
            .filter(|s| s.start_ms <= select.range.end.as_ms() && select.range.start.as_ms() < s.end_ms)
            .filter(|s| !segments.iter().any(|(known, _)| known.start_ms == s.start_ms))
            .filter(|s| !inner.head.holds(s.start_ms))
            .cloned()
            .collect();
        drop(inner);
        for segment in missed {
            let index = self.index(&segment)?;
            segments.push((segment, index));
        }
        segments.sort_by_key(|(segment, _)| segment.start_ms);
        select::run(Plan { range: select.range, series, segments, head, samples_max: select.samples_max })
    }

    fn series(&self, selectors: &[Vec<Matcher>], range: TimeRange) -> Result<Vec<Labels>, QueryError> {
        let inner = self.inner.read();
        let positions = Self::matching(&inner, selectors, range);
        let mut found: Vec<Labels> = positions.into_iter().map(|p| inner.registry.labels(p).clone()).collect();
        found.sort();
        Ok(found)
    }

    fn label_names(&self, selectors: &[Vec<Matcher>], range: TimeRange) -> Result<Vec<String>, QueryError> {
        let inner = self.inner.read();
        if selectors.is_empty() && range == TimeRange::ALL {
            return Ok(inner.registry.postings.names().map(str::to_owned).collect());
        }
        let positions = Self::matching(&inner, selectors, range);
        let labels = positions.iter().map(|position| inner.registry.labels(*position));
        let names: BTreeSet<&str> = labels.flat_map(Labels::iter).map(|(name, _)| name).collect();
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    fn label_values(
        &self,
        name: &str,
        selectors: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryError> {
        let inner = self.inner.read();
        let wanted = (!selectors.is_empty()).then(|| Self::matching(&inner, selectors, range));
        let has = |position: &Position| match &wanted {
            Some(wanted) => wanted.binary_search(position).is_ok(),
            None => inner.registry.may_have(*position, range),
        };
        let values = inner.registry.postings.values(name).filter(|(_, positions)| positions.iter().any(has));
        Ok(values.map(|(value, _)| value.to_owned()).collect())
    }

    fn exemplars(&self, _selectors: &[Vec<Matcher>], _range: TimeRange) -> Result<Vec<SeriesExemplars>, QueryError> {
        Ok(Vec::new())
    }
}

impl IndexCache {
    fn get(&mut self, start_ms: i64) -> Option<Arc<Index>> {
        let at = self.indexes.iter().position(|(start, _)| *start == start_ms)?;
        let entry = self.indexes.remove(at);
        let index = Arc::clone(&entry.1);
        self.indexes.push(entry);
        Some(index)
    }

    fn put(&mut self, start_ms: i64, index: Arc<Index>) {
        self.remove(start_ms);
        self.bytes += index.memory_bytes();
        self.indexes.push((start_ms, index));
        while INDEX_BYTES_MAX < self.bytes && 1 < self.indexes.len() {
            let (_, oldest) = self.indexes.remove(0);
            self.bytes -= oldest.memory_bytes();
        }
    }

    fn remove(&mut self, start_ms: i64) {
        if let Some(at) = self.indexes.iter().position(|(start, _)| *start == start_ms) {
            let (_, index) = self.indexes.remove(at);
            self.bytes -= index.memory_bytes();
        }
    }
}

fn open_segment(path: &Path, registry: &mut Registry) -> io::Result<(Segment, Index)> {
    let segment = Segment::open(path)?;
    let index = segment.index(registry)?;
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
