//! Writes a window as a segment.

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::fs::File;
use std::hash::{DefaultHasher, Hasher as _};
use std::io::{self, BufWriter};
use std::path::Path;

use model::{Labels, TimeRange};

use super::{KIND_FLOATS, KIND_HISTOGRAMS, MAGIC, MAGIC_END, family};
use crate::bytes::{put_bytes, put_signed, put_varint};
use crate::codec::{Base, Codec, Scratch, encode_histograms, encode_times, encode_values};
use crate::window::{Read, Window};

/// zstd's level for the table of names.
const ZSTD_LEVEL: i32 = 9;

/// Writes `window` to `path`: first beside it, made durable, then renamed. `series` are its series, in the order of their
/// labels, with the key of their group. How many bytes.
pub(crate) fn write(path: &Path, tier: u8, window: &Window, series: &[(u32, Labels, String)]) -> io::Result<u64> {
    let temporary = path.with_extension("tmp");
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let file = File::create(&temporary)?;
    let mut out = BufWriter::with_capacity(1 << 18, file);
    let bytes = write_body(&mut out, tier, window, series)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_data()?;
    drop(file);
    std::fs::rename(&temporary, path)?;
    File::open(folder)?.sync_all()?;
    if let Some(parent) = folder.parent() {
        File::open(parent)?.sync_all()?;
    }
    Ok(bytes)
}

fn write_body(
    out: &mut impl io::Write,
    tier: u8,
    window: &Window,
    series: &[(u32, Labels, String)],
) -> io::Result<u64> {
    let header = super::header(*MAGIC, tier, window.start_ms, window.end_ms);
    out.write_all(&header)?;
    let mut body = Body { out, at: header.len() as u64, written: HashMap::new(), columns: Columns::default() };
    let (mut entries, mut chunks) = (Vec::new(), 0u64);
    let mut before = Before::default();
    let mut scratch = Scratch::default();
    let mut bytes = Vec::new();
    let bases = family::bases(series);
    let mut base_values: HashMap<usize, Option<(usize, Vec<f64>)>> = HashMap::new();
    for (place, (position, _, _)) in series.iter().enumerate() {
        if let Some(read) = window.read_floats(*position, TimeRange::ALL) {
            let column = body.column(&read)?;
            let mut base = None;
            if let Some(place) = bases[place] {
                let known = match base_values.entry(place) {
                    Occupied(known) => known.into_mut(),
                    Vacant(unknown) => unknown.insert(match window.read_floats(series[place].0, TimeRange::ALL) {
                        Some(read) => Some((body.column(&read)?, read.values)),
                        None => None,
                    }),
                };
                let same = known.as_ref().filter(|(other, _)| *other == column);
                base = same.map(|(_, values)| Base { place: place as u64, values });
            }
            let codec = encode_values(&read.values, base, &mut scratch, false, &mut bytes);
            before.put_head(place, KIND_FLOATS, codec, column, &mut entries);
            if codec == Codec::Constant {
                put_varint(&mut entries, read.values[0].to_bits().swap_bytes());
            } else {
                before.put_place(body.chunk(codec, &bytes)?, &mut entries);
            }
            chunks += 1;
        }
        if let Some(read) = window.read_histograms(*position, TimeRange::ALL) {
            let column = body.column(&read)?;
            encode_histograms(&read.values, &mut scratch, false, &mut bytes);
            before.put_head(place, KIND_HISTOGRAMS, Codec::Histograms, column, &mut entries);
            before.put_place(body.chunk(Codec::Histograms, &bytes)?, &mut entries);
            chunks += 1;
        }
    }

    let names = names(series);
    let mut footer = Vec::new();
    put_varint(&mut footer, names.len() as u64);
    put_bytes(&mut footer, &zstd::bulk::compress(&names, ZSTD_LEVEL)?);
    put_varint(&mut footer, body.columns.list.len() as u64);
    let mut end = 0;
    for (place, count) in &body.columns.list {
        put_signed(&mut footer, place.offset.wrapping_sub(end).cast_signed());
        put_varint(&mut footer, u64::from(place.length));
        put_varint(&mut footer, *count as u64);
        footer.extend(place.crc.to_le_bytes());
        end = place.offset + u64::from(place.length);
    }
    put_varint(&mut footer, chunks);
    footer.extend(entries);
    body.out.write_all(&footer)?;
    let mut trailer = body.at.to_le_bytes().to_vec();
    trailer.extend((footer.len() as u64).to_le_bytes());
    trailer.extend(crc32c::crc32c(&footer).to_le_bytes());
    trailer.extend(MAGIC_END);
    body.out.write_all(&trailer)?;
    Ok(body.at + (footer.len() + trailer.len()) as u64)
}

/// Where bytes lie.
#[derive(Clone, Copy)]
struct Place {
    offset: u64,
    length: u32,
    crc: u32,
}

/// The part of the file before the footer.
struct Body<'a, W> {
    out: &'a mut W,
    at: u64,
    /// Chunks by codec, length, checksum and another hash: two that agree in all are the same.
    written: HashMap<(Codec, u32, u32, u64), Place>,
    columns: Columns,
}

/// Timestamp columns, with their number of timestamps.
#[derive(Default)]
struct Columns {
    list: Vec<(Place, usize)>,
    by_bytes: HashMap<Vec<u8>, usize>,
    /// Series of a group in step need not be compared byte by byte.
    shared: HashMap<(u32, usize, usize), usize>,
}

impl<W: io::Write> Body<'_, W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<Place> {
        self.out.write_all(bytes)?;
        let place = Place { offset: self.at, length: bytes.len() as u32, crc: crc32c::crc32c(bytes) };
        self.at += bytes.len() as u64;
        Ok(place)
    }

    /// The column of the timestamps, which is written if it is new.
    fn column<T>(&mut self, read: &Read<'_, T>) -> io::Result<usize> {
        let key = read.shared.map(|(group, first)| (group, first, read.times_ms.len()));
        if let Some(column) = key.and_then(|key| self.columns.shared.get(&key)) {
            return Ok(*column);
        }
        let mut bytes = Vec::new();
        encode_times(&read.times_ms, &mut bytes);
        let column = match self.columns.by_bytes.get(&bytes) {
            Some(column) => *column,
            None => {
                let place = self.put(&bytes)?;
                self.columns.list.push((place, read.times_ms.len()));
                self.columns.by_bytes.insert(bytes, self.columns.list.len() - 1);
                self.columns.list.len() - 1
            }
        };
        if let Some(key) = key {
            self.columns.shared.insert(key, column);
        }
        Ok(column)
    }

    fn chunk(&mut self, codec: Codec, bytes: &[u8]) -> io::Result<Place> {
        let mut hasher = DefaultHasher::new();
        hasher.write(bytes);
        let key = (codec, bytes.len() as u32, crc32c::crc32c(bytes), hasher.finish());
        if let Some(place) = self.written.get(&key) {
            return Ok(*place);
        }
        let place = self.put(bytes)?;
        self.written.insert(key, place);
        Ok(place)
    }
}

/// What the entry before said.
#[derive(Default)]
struct Before {
    series: usize,
    column: i64,
    end: u64,
}

impl Before {
    fn put_head(&mut self, series: usize, kind: u8, codec: Codec, column: usize, out: &mut Vec<u8>) {
        put_varint(out, (series - self.series) as u64);
        out.push(kind << 4 | codec as u8);
        put_signed(out, column as i64 - self.column);
        (self.series, self.column) = (series, column as i64);
    }

    fn put_place(&mut self, place: Place, out: &mut Vec<u8>) {
        put_signed(out, place.offset.wrapping_sub(self.end).cast_signed());
        put_varint(out, u64::from(place.length));
        out.extend(place.crc.to_le_bytes());
        self.end = place.offset + u64::from(place.length);
    }
}

/// The table of names: texts in the order of their first use, and the series by them.
fn names(series: &[(u32, Labels, String)]) -> Vec<u8> {
    let mut texts: Vec<&str> = Vec::new();
    let mut places: HashMap<&str, u64> = HashMap::new();
    let mut lines = Vec::new();
    let mut put = |text, lines: &mut Vec<u8>| {
        let place = *places.entry(text).or_insert_with(|| {
            texts.push(text);
            texts.len() as u64 - 1
        });
        put_varint(lines, place);
    };
    for (_, labels, group) in series {
        put(group.as_str(), &mut lines);
        put_varint(&mut lines, labels.len() as u64);
        for (name, value) in labels {
            put(name, &mut lines);
            put(value, &mut lines);
        }
    }
    let mut table = Vec::new();
    put_varint(&mut table, texts.len() as u64);
    texts.iter().for_each(|text| put_bytes(&mut table, text.as_bytes()));
    put_varint(&mut table, series.len() as u64);
    table.extend(lines);
    table
}
