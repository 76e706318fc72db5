//! The store: what it is made of, and how it is opened and closed.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use catalog::Catalog;
use model::Timestamp;
use parking_lot::{Mutex, RwLock};
use storage::Refusal;

use crate::append::{self, Limits, Workspace};
use crate::config::Config;
use crate::exemplars::Exemplars;
use crate::folder::{relative, segment_files};
use crate::head::Head;
use crate::index_cache::IndexCache;
use crate::keyspace;
use crate::lock::Lock;
use crate::registry::Registry;
use crate::report::{OpenError, OpenReport, Stats};
use crate::segment::{Index, Segment};
use crate::wal::{Moment, Wal};

/// The time of day that is known may be older than the true one by as much, in milliseconds: maintenance may be late.
const MAINTAINED_WITHIN_MS: i64 = 60_000;
/// Damaged files that are shown in an [`OpenReport`].
const DAMAGED_MAX: usize = 100;

/// The store.
pub struct Db {
    pub(crate) config: Config,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) inner: RwLock<Inner>,
    pub(crate) indexes: Mutex<IndexCache>,
    /// Held while a window is written, so that two do not write the same one.
    pub(crate) maintaining: Mutex<Maintenance>,
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
    pub(crate) now_ms: i64,
    pub(crate) appended: u64,
    /// By reason.
    pub(crate) rejected: [u64; 4],
}

pub(crate) struct Maintenance {
    pub(crate) synced_ms: i64,
    pub(crate) checked_disk_ms: i64,
    pub(crate) retention_ms: i64,
    pub(crate) size_max_bytes: u64,
}

impl Inner {
    /// The newest sample that may say how late another is: one from a wrong clock may not.
    pub(crate) fn newest_ms(&self, config: &Config) -> i64 {
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
        let maintaining = Maintenance {
            synced_ms: now.as_ms(),
            checked_disk_ms: i64::MIN,
            retention_ms: config.raw_retention_ms,
            size_max_bytes: config.size_max_bytes,
        };
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

    /// Refuses appends from now on and makes the log durable.
    ///
    /// # Errors
    /// The disk failed; what was acknowledged is in the log all the same.
    pub fn close(&self) -> io::Result<()> {
        self.inner.write().closed = true;
        self.sync()
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
}

fn open_segment(path: &Path, registry: &mut Registry) -> io::Result<(Segment, Index)> {
    let segment = Segment::open(path)?;
    let index = segment.index(&segment.footer()?, registry)?;
    Ok((segment, index))
}
