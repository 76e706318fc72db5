//! Reads segments: the footer when it is asked for, chunks by themselves.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::Histogram;

use super::index::{Entry, Index};
use super::{HEADER_BYTES, MAGIC, MAGIC_END, MAGIC_FIRST, TRAILER_BYTES, read_first};
use crate::bytes::Reader;
use crate::codec::{Codec, base_of, decode_histograms, decode_times, decode_values};
use crate::registry::Registry;

/// A segment's file, open for reading.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) bytes: u64,
    is_first_layout: bool,
    file: File,
    footer_at: u64,
    footer_bytes: usize,
    footer_crc: u32,
}

/// Values that chunks of a segment are told by, by their series' place.
pub(crate) type Bases = HashMap<u64, Arc<[f64]>>;

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
        let is_first_layout = header[..8] == *MAGIC_FIRST;
        let magic = if is_first_layout { *MAGIC_FIRST } else { *MAGIC };
        if header != super::header(magic, header[8], start_ms, end_ms) {
            return Err(damaged(path, "the header is damaged"));
        }
        if footer_at.checked_add(footer_bytes) != Some(bytes - TRAILER_BYTES as u64) {
            return Err(damaged(path, "the footer is not where it should be"));
        }
        let footer_bytes = usize::try_from(footer_bytes).map_err(io::Error::other)?;
        let path = path.to_owned();
        Ok(Self { path, start_ms, end_ms, bytes, is_first_layout, file, footer_at, footer_bytes, footer_crc })
    }

    /// The footer's bytes.
    pub(crate) fn footer(&self) -> io::Result<Vec<u8>> {
        let mut footer = vec![0; self.footer_bytes];
        self.file.read_exact_at(&mut footer, self.footer_at)?;
        if crc32c::crc32c(&footer) == self.footer_crc {
            Ok(footer)
        } else {
            Err(damaged(&self.path, "the footer is damaged"))
        }
    }

    /// Understands a footer; new series enter the registry.
    pub(crate) fn index(&self, footer: &[u8], registry: &mut Registry) -> io::Result<Index> {
        let index =
            if self.is_first_layout { read_first::parse(footer, registry) } else { Index::parse(footer, registry) };
        index.ok_or_else(|| damaged(&self.path, "the footer makes no sense"))
    }

    /// A timestamp column.
    pub(crate) fn times(&self, index: &Index, column: u32) -> io::Result<Vec<i64>> {
        let column = index.columns[column as usize];
        let bytes = self.checked(column.offset, column.length, column.crc)?;
        decode_times(&bytes, column.count as usize)
            .ok_or_else(|| damaged(&self.path, "a timestamp column makes no sense"))
    }

    /// Appends a series' values. `bases` keeps what other chunks are told by; it belongs to this segment.
    pub(crate) fn values(&self, index: &Index, entry: &Entry, bases: &mut Bases, out: &mut Vec<f64>) -> io::Result<()> {
        let count = index.count(entry);
        if entry.codec == Codec::Constant && entry.length == 0 {
            out.resize(out.len() + count, f64::from_bits(entry.offset));
            return Ok(());
        }
        let bytes = self.checked(entry.offset, entry.length, entry.crc)?;
        let base = match base_of(entry.codec, &bytes) {
            None => None,
            Some(place) => Some(self.base(index, place, entry.column, bases)?),
        };
        let base = base.as_deref().unwrap_or_default();
        decode_values(entry.codec, &bytes, count, base, out)
            .ok_or_else(|| damaged(&self.path, "a chunk makes no sense"))
    }

    /// The values of the series at a place, which follow no others.
    fn base(&self, index: &Index, place: u64, column: u32, bases: &mut Bases) -> io::Result<Arc<[f64]>> {
        if let Some(values) = bases.get(&place) {
            return Ok(Arc::clone(values));
        }
        let entry = index.series_at(place).and_then(|series| index.floats(series));
        let entry = entry.filter(|entry| entry.column == column && 0 < entry.length);
        let entry = entry.ok_or_else(|| damaged(&self.path, "a chunk is told by another that is not there"))?;
        let bytes = self.checked(entry.offset, entry.length, entry.crc)?;
        let mut values = Vec::new();
        decode_values(entry.codec, &bytes, index.count(entry), &[], &mut values)
            .ok_or_else(|| damaged(&self.path, "a chunk makes no sense"))?;
        let values: Arc<[f64]> = values.into();
        bases.insert(place, Arc::clone(&values));
        Ok(values)
    }

    /// Appends a series' histograms.
    pub(crate) fn histograms(&self, index: &Index, entry: &Entry, out: &mut Vec<Arc<Histogram>>) -> io::Result<()> {
        let bytes = self.checked(entry.offset, entry.length, entry.crc)?;
        decode_histograms(&bytes, index.count(entry), out)
            .ok_or_else(|| damaged(&self.path, "a chunk of histograms makes no sense"))
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
