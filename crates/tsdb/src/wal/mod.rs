//! The write-ahead log: `data/wal/<sequence>.wal`. What it holds is acknowledged.
//!
//! ```text
//! file    = magic "PWWAL001" | record*
//! record  = length u32 | crc32c u32 of the payload | payload           (little endian)
//! payload = kind u8 | entry*        kind 1: a transaction, replayed as a whole or not at all
//! entry   = 1 group      | id varint | key
//!         | 2 series     | id varint | group id varint | label count varint | (name | value)*         first layout
//!         | 3 floats     | group id varint | timestamp zigzag | row count varint | row*               first layout
//!         | 4 histograms | group id varint | timestamp zigzag | row count varint | (series id varint | length varint
//!                        | histogram)*                                                      histogram.rs
//!         | 5 exemplars  | row count varint | (series id varint | timestamp zigzag | value u64 | label count varint
//!                        | (name | value)*)*
//!         | 6 metadata, 7 tombstones: reserved
//!         | 8 series     | id varint | group id varint | label count varint | (name term | value term)*
//!         | 9 values     | group id varint | timestamp zigzag | row count varint | rows | changed | length varint | codes
//! row     = key varint (zigzag of series id - previous id - 1, shifted by 4, and the number n of value bytes)
//!           | the n highest bytes of the value's bits
//! term    = number varint of a text defined before | 0 varint | number varint | text
//! rows    = 0 u8: the series of the group's `values` before | 1 u8 | (zigzag of series id - previous id - 1)*
//! changed = a bit for each row, low bits first: whether its value differs from the series' one before
//! codes   = of those that changed: chain.rs
//! ```
//! Ids and numbers belong to the file: each file defines what it uses, so that a file can go when the windows it speaks of
//! are segments. Texts have their length before them.
//!
//! Values are told by what changed since the one before. Every [`KEYFRAME_EVERY`] entries of a group its values stand for
//! themselves again; what follows a damaged record, up to then, is counted and not believed.

mod chain;
mod encode;
mod histogram;
mod replay;

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::{Exemplar, Histogram};

use self::encode::Encoder;
use crate::registry::{Position, Registry};

const MAGIC: &[u8; 8] = b"PWWAL001";
const KIND_TRANSACTION: u8 = 1;
const ENTRY_GROUP: u8 = 1;
const ENTRY_SERIES_SPELLED: u8 = 2;
const ENTRY_FLOATS: u8 = 3;
const ENTRY_HISTOGRAMS: u8 = 4;
const ENTRY_EXEMPLARS: u8 = 5;
const ENTRY_SERIES: u8 = 8;
const ENTRY_VALUES: u8 = 9;
/// The series are those of the group's values before.
const ROWS_AS_BEFORE: u8 = 0;
/// The series are listed.
const ROWS_LISTED: u8 = 1;
/// After this many entries of a group its values are written in full, which bounds what a damaged record costs.
const KEYFRAME_EVERY: u32 = 240;
/// A new file is begun when one is this large, in bytes.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// A record larger than this is damage, not data, in bytes.
const RECORD_BYTES_MAX: usize = 256 << 20;

/// One moment of one group, by positions in the registry.
#[derive(Debug, Default)]
pub(crate) struct Moment {
    pub(crate) group: u32,
    pub(crate) at_ms: i64,
    pub(crate) rows: Vec<(Position, f64)>,
    pub(crate) histograms: Vec<(Position, Arc<Histogram>)>,
    pub(crate) exemplars: Vec<(Position, Exemplar)>,
    /// Values that are older than their series' newest; histograms likewise.
    pub(crate) late_rows: Vec<(Position, f64)>,
    pub(crate) late_histograms: Vec<(Position, Arc<Histogram>)>,
}

impl Moment {
    /// Makes it that of another moment, with nothing in it.
    pub(crate) fn begin(&mut self, group: u32, at_ms: i64) {
        (self.group, self.at_ms) = (group, at_ms);
        self.rows.clear();
        self.histograms.clear();
        self.exemplars.clear();
        self.late_rows.clear();
        self.late_histograms.clear();
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
            && self.histograms.is_empty()
            && self.exemplars.is_empty()
            && self.late_rows.is_empty()
            && self.late_histograms.is_empty()
    }
}

/// A file that takes no more records.
#[derive(Debug)]
struct ClosedFile {
    path: PathBuf,
    /// Starts of the windows it speaks of.
    windows: BTreeSet<i64>,
    bytes: u64,
}

#[derive(Debug)]
pub(crate) struct Wal {
    folder: PathBuf,
    file: Arc<File>,
    path: PathBuf,
    sequence: u64,
    bytes: u64,
    windows: BTreeSet<i64>,
    closed: Vec<ClosedFile>,
    /// Closed files that are not durable yet, with their sequence.
    unsynced: Vec<(u64, Arc<File>)>,
    encoder: Encoder,
    buffer: Vec<u8>,
}

/// What a replay came upon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Replayed {
    pub(crate) records: usize,
    pub(crate) bad_records: usize,
    pub(crate) torn_bytes: u64,
    pub(crate) unknown_rows: usize,
}

impl Wal {
    /// Replays every file into `take`, oldest first, and begins a new one.
    pub(crate) fn open(
        folder: &Path,
        registry: &mut Registry,
        window_start: impl Fn(i64) -> i64,
        mut take: impl FnMut(&mut Registry, &Moment),
    ) -> io::Result<(Self, Replayed)> {
        std::fs::create_dir_all(folder)?;
        let mut files: Vec<(u64, PathBuf)> = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let sequence = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            if let (Some(sequence), Some("wal")) = (sequence, path.extension().and_then(|e| e.to_str())) {
                files.push((sequence, path));
            }
        }
        files.sort();
        let mut replayed = Replayed::default();
        let mut closed = Vec::new();
        let count = files.len();
        let next = files.last().map_or(1, |(sequence, _)| sequence + 1);
        for (position, (_, path)) in files.into_iter().enumerate() {
            let mut windows = BTreeSet::new();
            let is_last = position + 1 == count;
            let bytes = replay::file(&path, is_last, &mut replayed, registry, |registry, moment| {
                windows.insert(window_start(moment.at_ms));
                take(registry, moment);
            })?;
            closed.push(ClosedFile { path, windows, bytes });
        }
        let (file, path) = create(folder, next)?;
        let wal = Self {
            folder: folder.to_owned(),
            file,
            path,
            sequence: next,
            bytes: MAGIC.len() as u64,
            windows: BTreeSet::new(),
            closed,
            unsynced: Vec::new(),
            encoder: Encoder::default(),
            buffer: Vec::new(),
        };
        Ok((wal, replayed))
    }

    /// Writes a transaction in one piece; on return it survives the end of the process.
    pub(crate) fn write(
        &mut self,
        registry: &Registry,
        moments: &[Moment],
        window_start: impl Fn(i64) -> i64,
    ) -> io::Result<()> {
        let mut opens_window = moments.iter().any(|moment| !self.windows.contains(&window_start(moment.at_ms)));
        if FILE_BYTES_MAX < self.bytes || (opens_window && 1 < self.windows.len()) {
            self.rotate()?;
            opens_window = true;
        }
        self.buffer.clear();
        self.buffer.extend([0; 8]);
        self.buffer.push(KIND_TRANSACTION);
        moments.iter().for_each(|moment| self.encoder.put(registry, moment, &mut self.buffer));
        let written = seal_record(&mut self.buffer).and_then(|()| (&*self.file).write_all(&self.buffer));
        let length = self.buffer.len() as u64;
        self.buffer.shrink_to(RECORD_BYTES_KEPT);
        if let Err(error) = written {
            // What was written in part must not stand before a later record; and what it defined is not defined.
            self.file.set_len(self.bytes)?;
            self.rotate()?;
            return Err(error);
        }
        self.bytes += length;
        if opens_window {
            self.windows.extend(moments.iter().map(|moment| window_start(moment.at_ms)));
        }
        Ok(())
    }

    /// Closes the file and begins the next.
    pub(crate) fn rotate(&mut self) -> io::Result<()> {
        // What follows must stand for itself even if the next file cannot be made.
        self.encoder.restart();
        let (file, path) = create(&self.folder, self.sequence + 1)?;
        self.unsynced.push((self.sequence, std::mem::replace(&mut self.file, file)));
        self.sequence += 1;
        let path = std::mem::replace(&mut self.path, path);
        let windows = std::mem::take(&mut self.windows);
        self.closed.push(ClosedFile { path, windows, bytes: self.bytes });
        self.bytes = MAGIC.len() as u64;
        Ok(())
    }

    /// The files to make durable, oldest first, and the present one's sequence. Syncing them needs no lock on the log.
    pub(crate) fn unsynced(&self) -> (u64, Vec<Arc<File>>) {
        let closed = self.unsynced.iter().map(|(_, file)| file);
        (self.sequence, closed.chain([&self.file]).map(Arc::clone).collect())
    }

    /// Files before this sequence are durable.
    pub(crate) fn synced_before(&mut self, sequence: u64) {
        self.unsynced.retain(|(unsynced, _)| sequence <= *unsynced);
    }

    /// Keeps the closed files for as long as the window is in memory, too; how many there are.
    pub(crate) fn hold_closed(&mut self, window_start_ms: i64) -> usize {
        for file in &mut self.closed {
            file.windows.insert(window_start_ms);
        }
        self.closed.len()
    }

    /// The first `held` closed files need not be kept for the window any more: later files have all of it.
    pub(crate) fn release_closed(&mut self, held: usize, window_start_ms: i64) {
        for file in self.closed.iter_mut().take(held) {
            file.windows.remove(&window_start_ms);
        }
    }

    /// Removes closed files that speak only of windows that are not in memory any more.
    pub(crate) fn drop_covered(&mut self, in_memory: impl Fn(i64) -> bool) -> io::Result<()> {
        if !self.windows.is_empty() && !self.windows.iter().any(|window| in_memory(*window)) {
            self.rotate()?;
        }
        let (keep, covered): (Vec<_>, Vec<_>) = std::mem::take(&mut self.closed)
            .into_iter()
            .partition(|file| file.windows.iter().any(|window| in_memory(*window)));
        self.closed = keep;
        for file in covered {
            std::fs::remove_file(&file.path)?;
        }
        Ok(())
    }

    pub(crate) fn total_bytes(&self) -> u64 {
        self.bytes + self.closed.iter().map(|file| file.bytes).sum::<u64>()
    }
}

/// The buffer keeps this much between records, in bytes.
const RECORD_BYTES_KEPT: usize = 4 << 20;

/// Fills in length and checksum.
fn seal_record(record: &mut [u8]) -> io::Result<()> {
    let payload = &record[8..];
    if RECORD_BYTES_MAX < payload.len() {
        let bytes = payload.len();
        return Err(io::Error::other(format!("a transaction of {bytes} bytes is larger than {RECORD_BYTES_MAX}")));
    }
    let (length, crc) = (payload.len() as u32, crc32c::crc32c(payload));
    record[..4].copy_from_slice(&length.to_le_bytes());
    record[4..8].copy_from_slice(&crc.to_le_bytes());
    Ok(())
}

fn create(folder: &Path, sequence: u64) -> io::Result<(Arc<File>, PathBuf)> {
    let path = folder.join(format!("{sequence:010}.wal"));
    let mut file = OpenOptions::new().append(true).create_new(true).open(&path)?;
    file.write_all(MAGIC)?;
    File::open(folder)?.sync_all()?;
    Ok((Arc::new(file), path))
}
