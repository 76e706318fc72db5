//! The write-ahead log: `data/wal/<sequence>.wal`. What it holds is acknowledged.
//!
//! ```text
//! file    = magic "PWWAL001" | record*
//! record  = length u32 | crc32c u32 of the payload | payload           (little endian)
//! payload = kind u8 | entry*        kind 1: a transaction, replayed as a whole or not at all
//! entry   = 1 group   | id varint | key
//!         | 2 series  | id varint | group id varint | label count varint | (name | value)*
//!         | 3 floats  | group id varint | timestamp zigzag | row count varint | row*
//!         | 4 histograms, 5 exemplars, 6 metadata, 7 tombstones: reserved
//! row     = key varint (zigzag of series id - previous id - 1, shifted by 4, and the number n of value bytes)
//!           | the n highest bytes of the value's bits
//! ```
//! Ids belong to the file: each file defines what it uses, so that a file can go when the windows it speaks of are
//! segments. Texts have their length before them. A record stands for itself: one that is damaged costs its own samples
//! and no others'.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::Labels;

use crate::bytes::{Reader, put_bytes, put_signed, put_varint};
use crate::registry::{Position, Registry};

const MAGIC: &[u8; 8] = b"PWWAL001";
const KIND_TRANSACTION: u8 = 1;
const ENTRY_GROUP: u8 = 1;
const ENTRY_SERIES: u8 = 2;
const ENTRY_FLOATS: u8 = 3;
/// A new file is begun when one is this large, in bytes.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// A record larger than this is damage, not data, in bytes.
const RECORD_BYTES_MAX: usize = 256 << 20;

/// One moment of one group, by positions in the registry.
#[derive(Debug)]
pub(crate) struct Floats {
    pub(crate) group: u32,
    pub(crate) at_ms: i64,
    pub(crate) rows: Vec<(Position, f64)>,
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
    groups_defined: HashSet<u32>,
    series_defined: HashSet<Position>,
    closed: Vec<ClosedFile>,
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
        mut take: impl FnMut(&mut Registry, Floats),
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
            let bytes = replay(
                &path,
                is_last,
                &mut replayed,
                |floats_registry, floats| {
                    windows.insert(window_start(floats.at_ms));
                    take(floats_registry, floats);
                },
                registry,
            )?;
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
            groups_defined: HashSet::new(),
            series_defined: HashSet::new(),
            closed,
            buffer: Vec::new(),
        };
        Ok((wal, replayed))
    }

    /// Writes a transaction; on return it survives the end of the process.
    pub(crate) fn write(
        &mut self,
        registry: &Registry,
        floats: &[Floats],
        window_start: impl Fn(i64) -> i64,
    ) -> io::Result<()> {
        let opens_window = floats.iter().any(|batch| !self.windows.contains(&window_start(batch.at_ms)));
        if FILE_BYTES_MAX < self.bytes || (opens_window && 1 < self.windows.len()) {
            self.rotate()?;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        self.encode(registry, floats, &mut buffer);
        let written = (&*self.file).write_all(&buffer);
        let length = buffer.len() as u64;
        self.buffer = buffer;
        if let Err(error) = written {
            // What was written in part must not stand before a later record; and what it defined is not defined.
            self.file.set_len(self.bytes)?;
            self.rotate()?;
            return Err(error);
        }
        self.bytes += length;
        self.windows.extend(floats.iter().map(|batch| window_start(batch.at_ms)));
        Ok(())
    }

    fn encode(&mut self, registry: &Registry, floats: &[Floats], out: &mut Vec<u8>) {
        out.clear();
        out.extend([0; 8]);
        out.push(KIND_TRANSACTION);
        for batch in floats {
            self.define_group(registry, batch.group, out);
            for (series, _) in &batch.rows {
                if self.series_defined.insert(*series) {
                    let Some(known) = registry.get(*series) else { continue };
                    self.define_group(registry, known.group, out);
                    out.push(ENTRY_SERIES);
                    put_varint(out, u64::from(*series));
                    put_varint(out, u64::from(known.group));
                    put_varint(out, known.labels.len() as u64);
                    for (name, value) in &known.labels {
                        put_bytes(out, name.as_bytes());
                        put_bytes(out, value.as_bytes());
                    }
                }
            }
            out.push(ENTRY_FLOATS);
            put_varint(out, u64::from(batch.group));
            put_signed(out, batch.at_ms);
            put_varint(out, batch.rows.len() as u64);
            let mut before = -1i64;
            for (series, value) in &batch.rows {
                let bits = value.to_bits();
                let bytes = 8 - bits.trailing_zeros().min(64) / 8;
                let distance = i64::from(*series) - before - 1;
                before = i64::from(*series);
                let key = ((distance << 1) ^ (distance >> 63)).cast_unsigned() << 4 | u64::from(bytes);
                put_varint(out, key);
                out.extend_from_slice(&bits.to_be_bytes()[..bytes as usize]);
            }
        }
        let crc = crc32c::crc32c(&out[8..]);
        let length = (out.len() - 8) as u32;
        out[..4].copy_from_slice(&length.to_le_bytes());
        out[4..8].copy_from_slice(&crc.to_le_bytes());
    }

    fn define_group(&mut self, registry: &Registry, group: u32, out: &mut Vec<u8>) {
        if self.groups_defined.insert(group) {
            out.push(ENTRY_GROUP);
            put_varint(out, u64::from(group));
            put_bytes(out, registry.group_key(group).unwrap_or_default().as_bytes());
        }
    }

    /// Closes the file and begins the next.
    pub(crate) fn rotate(&mut self) -> io::Result<()> {
        let (file, path) = create(&self.folder, self.sequence + 1)?;
        self.file.sync_data()?;
        self.sequence += 1;
        self.file = file;
        let path = std::mem::replace(&mut self.path, path);
        let windows = std::mem::take(&mut self.windows);
        self.closed.push(ClosedFile { path, windows, bytes: self.bytes });
        self.bytes = MAGIC.len() as u64;
        self.groups_defined.clear();
        self.series_defined.clear();
        Ok(())
    }

    /// The file to make durable. Syncing it needs no lock on the log.
    pub(crate) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
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

fn create(folder: &Path, sequence: u64) -> io::Result<(Arc<File>, PathBuf)> {
    let path = folder.join(format!("{sequence:010}.wal"));
    let mut file = OpenOptions::new().append(true).create_new(true).open(&path)?;
    file.write_all(MAGIC)?;
    File::open(folder)?.sync_all()?;
    Ok((Arc::new(file), path))
}

/// Replays a file, record by record; its sound length. The end of the last file may be torn: it is cut. Elsewhere a bad
/// record is skipped.
fn replay(
    path: &Path,
    is_last: bool,
    replayed: &mut Replayed,
    mut take: impl FnMut(&mut Registry, Floats),
    registry: &mut Registry,
) -> io::Result<u64> {
    let file = File::open(path)?;
    let total = file.metadata()?.len();
    let mut input = BufReader::with_capacity(1 << 16, file);
    let mut names = Names::default();
    let mut magic = [0; MAGIC.len()];
    let mut at = MAGIC.len() as u64;
    if total < at || input.read_exact(&mut magic).is_err() || magic != *MAGIC {
        replayed.bad_records += usize::from(0 < total);
        replayed.torn_bytes += if is_last { total } else { 0 };
        return Ok(total);
    }
    let mut payload = Vec::new();
    while at < total {
        let mut head = [0; 8];
        let whole = at + 8 <= total && input.read_exact(&mut head).is_ok();
        let [l0, l1, l2, l3, c0, c1, c2, c3] = head;
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let crc = u32::from_le_bytes([c0, c1, c2, c3]);
        if !whole || RECORD_BYTES_MAX < length || total < at + 8 + length as u64 {
            // The length cannot be believed, so nothing behind it can be found.
            if is_last {
                replayed.torn_bytes += total - at;
                OpenOptions::new().write(true).open(path)?.set_len(at)?;
            } else {
                replayed.bad_records += 1;
            }
            return Ok(at);
        }
        payload.resize(length, 0);
        input.read_exact(&mut payload)?;
        let end = at + 8 + length as u64;
        let entries = (crc32c::crc32c(&payload) == crc).then(|| names.read(&payload, registry)).flatten();
        match entries {
            Some((floats, unknown)) => {
                replayed.records += 1;
                replayed.unknown_rows += unknown;
                floats.into_iter().for_each(|floats| take(registry, floats));
            }
            None if is_last && end == total => {
                replayed.torn_bytes += total - at;
                OpenOptions::new().write(true).open(path)?.set_len(at)?;
                return Ok(at);
            }
            None => replayed.bad_records += 1,
        }
        at = end;
    }
    Ok(at)
}

/// A file's ids, as positions in the registry.
#[derive(Default)]
struct Names {
    groups: HashMap<u64, u32>,
    series: HashMap<i64, Position>,
}

impl Names {
    /// Reads a payload; `None` if it is not what its checksum promised. Also counts rows of series that nobody defined.
    fn read(&mut self, payload: &[u8], registry: &mut Registry) -> Option<(Vec<Floats>, usize)> {
        let mut reader = Reader::new(payload);
        if reader.byte()? != KIND_TRANSACTION {
            return None;
        }
        let (mut batches, mut unknown) = (Vec::new(), 0);
        while !reader.rest.is_empty() {
            match reader.byte()? {
                ENTRY_GROUP => {
                    let id = reader.varint()?;
                    self.groups.insert(id, registry.group(reader.text()?));
                }
                ENTRY_SERIES => {
                    let id = i64::try_from(reader.varint()?).ok()?;
                    let group = self.groups.get(&reader.varint()?).copied();
                    let count = reader.count()?;
                    let mut pairs = Vec::with_capacity(count);
                    for _ in 0..count {
                        pairs.push((reader.text()?, reader.text()?));
                    }
                    let group = group.unwrap_or_else(|| registry.group(""));
                    self.series.insert(id, registry.series(group, &Labels::from_pairs(pairs)));
                }
                ENTRY_FLOATS => {
                    let group = self.groups.get(&reader.varint()?).copied();
                    let at_ms = reader.signed()?;
                    let count = reader.count()?;
                    let mut rows = Vec::with_capacity(count);
                    let mut id = -1i64;
                    for _ in 0..count {
                        let key = reader.varint()?;
                        let distance = (key >> 5).cast_signed() ^ -(key >> 4 & 1).cast_signed();
                        id = id.wrapping_add(distance).wrapping_add(1);
                        let bytes = reader.take((key & 15) as usize)?;
                        let mut bits = [0; 8];
                        bits.get_mut(..bytes.len())?.copy_from_slice(bytes);
                        match self.series.get(&id) {
                            Some(series) => rows.push((*series, f64::from_be_bytes(bits))),
                            None => unknown += 1,
                        }
                    }
                    let group = group.unwrap_or_else(|| registry.group(""));
                    batches.push(Floats { group, at_ms, rows });
                }
                _ => return None,
            }
        }
        Some((batches, unknown))
    }
}
