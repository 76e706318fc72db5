//! Reads segments: the footer when it is asked for, chunks by themselves.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use model::Labels;

use super::{HEADER_BYTES, KIND_FLOATS, MAGIC_END, TRAILER_BYTES};
use crate::bytes::Reader;
use crate::codec::{CHUNK_SAMPLES_MAX, Codec, decode_times, decode_values};
use crate::registry::{Position, Registry};

/// A segment's file, open for reading.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) bytes: u64,
    file: File,
    footer_at: u64,
    footer_bytes: usize,
    footer_crc: u32,
}

/// What a footer lists, with series as positions in the registry.
#[derive(Debug)]
pub(crate) struct Index {
    columns: Vec<Column>,
    /// By position.
    entries: Vec<(Position, Entry)>,
}

#[derive(Clone, Copy, Debug)]
struct Column {
    offset: u64,
    length: u32,
    count: u32,
    crc: u32,
}

/// Where a series' chunk lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) column: u32,
    offset: u64,
    length: u32,
    crc: u32,
    codec: Codec,
}

/// Damage, as an error with the file's name.
fn damaged(path: &Path, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {what}", path.display()))
}

impl Segment {
    /// Opens a file and checks its ends.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        if bytes < (HEADER_BYTES + TRAILER_BYTES) as u64 {
            return Err(damaged(path, "too short for a segment"));
        }
        let mut header = [0; HEADER_BYTES];
        file.read_exact_at(&mut header, 0)?;
        let mut trailer = [0; TRAILER_BYTES];
        file.read_exact_at(&mut trailer, bytes - TRAILER_BYTES as u64)?;
        if trailer[20..] != *MAGIC_END {
            return Err(damaged(path, "not a segment"));
        }
        let mut ends = Reader::new(&header[16..]);
        let mut foot = Reader::new(&trailer);
        let parts =
            (|| Some((ends.u64()?.cast_signed(), ends.u64()?.cast_signed(), foot.u64()?, foot.u64()?, foot.u32()?)))();
        let Some((start_ms, end_ms, footer_at, footer_bytes, footer_crc)) = parts else {
            return Err(damaged(path, "not a segment"));
        };
        if header != super::header(header[8], start_ms, end_ms) {
            return Err(damaged(path, "the header is damaged"));
        }
        if footer_at.checked_add(footer_bytes) != Some(bytes - TRAILER_BYTES as u64) {
            return Err(damaged(path, "the footer is not where it should be"));
        }
        let footer_bytes = usize::try_from(footer_bytes).map_err(io::Error::other)?;
        Ok(Self { path: path.to_owned(), start_ms, end_ms, bytes, file, footer_at, footer_bytes, footer_crc })
    }

    /// Reads the footer; new series enter the registry.
    pub(crate) fn index(&self, registry: &mut Registry) -> io::Result<Index> {
        let mut footer = vec![0; self.footer_bytes];
        self.file.read_exact_at(&mut footer, self.footer_at)?;
        if crc32c::crc32c(&footer) != self.footer_crc {
            return Err(damaged(&self.path, "the footer is damaged"));
        }
        parse_footer(&footer, registry).ok_or_else(|| damaged(&self.path, "the footer makes no sense"))
    }

    /// A timestamp column.
    pub(crate) fn times(&self, index: &Index, column: u32) -> io::Result<Vec<i64>> {
        let column = index.columns[column as usize];
        let bytes = self.checked(column.offset, column.length, column.crc)?;
        decode_times(&bytes, column.count as usize)
            .ok_or_else(|| damaged(&self.path, "a timestamp column makes no sense"))
    }

    /// A series' values.
    pub(crate) fn values(&self, index: &Index, entry: &Entry) -> io::Result<Vec<f64>> {
        let bytes = self.checked(entry.offset, entry.length, entry.crc)?;
        decode_values(entry.codec, &bytes, index.count(entry))
            .ok_or_else(|| damaged(&self.path, "a chunk makes no sense"))
    }

    fn checked(&self, offset: u64, length: u32, crc: u32) -> io::Result<Vec<u8>> {
        if self.footer_at < offset.saturating_add(u64::from(length)) {
            return Err(damaged(&self.path, "a chunk lies outside the file"));
        }
        let mut bytes = vec![0; length as usize];
        self.file.read_exact_at(&mut bytes, offset)?;
        if crc32c::crc32c(&bytes) == crc { Ok(bytes) } else { Err(damaged(&self.path, "a chunk is damaged")) }
    }
}

impl Index {
    /// A series' chunk.
    pub(crate) fn entry(&self, series: Position) -> Option<&Entry> {
        self.entries.binary_search_by_key(&series, |(position, _)| *position).ok().map(|at| &self.entries[at].1)
    }

    /// The series in the segment.
    pub(crate) fn series(&self) -> impl Iterator<Item = Position> + '_ {
        self.entries.iter().map(|(position, _)| *position)
    }

    /// Samples in a chunk.
    pub(crate) fn count(&self, entry: &Entry) -> usize {
        self.columns[entry.column as usize].count as usize
    }

    /// Roughly the memory it takes, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.columns.len() * size_of::<Column>() + self.entries.len() * size_of::<(Position, Entry)>()
    }
}

fn parse_footer(footer: &[u8], registry: &mut Registry) -> Option<Index> {
    let mut reader = Reader::new(footer);
    let text_count = reader.count()?;
    let texts = (0..text_count).map(|_| reader.text()).collect::<Option<Vec<&str>>>()?;
    let text = |place: u64| texts.get(usize::try_from(place).ok()?).copied();
    let column_count = reader.count()?;
    let mut columns = Vec::with_capacity(column_count);
    for _ in 0..column_count {
        let column = Column {
            offset: reader.varint()?,
            length: u32::try_from(reader.varint()?).ok()?,
            count: u32::try_from(reader.varint()?).ok()?,
            crc: reader.u32()?,
        };
        if CHUNK_SAMPLES_MAX < column.count as usize {
            return None;
        }
        columns.push(column);
    }
    let series_count = reader.count()?;
    let mut entries = Vec::with_capacity(series_count);
    for _ in 0..series_count {
        let group = text(reader.varint()?)?;
        let label_count = reader.count()?;
        let mut pairs = Vec::with_capacity(label_count);
        for _ in 0..label_count {
            pairs.push((text(reader.varint()?)?, text(reader.varint()?)?));
        }
        let kind = reader.byte()?;
        let codec = Codec::from_byte(reader.byte()?)?;
        let column = u32::try_from(reader.varint()?).ok()?;
        let entry = Entry {
            column,
            offset: reader.varint()?,
            length: u32::try_from(reader.varint()?).ok()?,
            crc: reader.u32()?,
            codec,
        };
        if columns.len() <= column as usize {
            return None;
        }
        if kind == KIND_FLOATS {
            let group = registry.group(group);
            entries.push((registry.series(group, &Labels::from_pairs(pairs)), entry));
        }
    }
    entries.sort_unstable_by_key(|(position, _)| *position);
    Some(Index { columns, entries })
}
