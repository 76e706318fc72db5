//! What a segment's footer lists, with series as positions in the registry.

use std::sync::Arc;

use model::Labels;

use super::{KIND_FLOATS, KIND_HISTOGRAMS, NAMES_BYTES_MAX};
use crate::bytes::Reader;
use crate::codec::{CHUNK_SAMPLES_MAX, Codec};
use crate::registry::{Position, Registry};

#[derive(Debug)]
pub(crate) struct Index {
    pub(super) columns: Vec<Column>,
    /// By position.
    pub(super) floats: Vec<(Position, Entry)>,
    /// By position.
    pub(super) histograms: Vec<(Position, Entry)>,
    /// The segment's series in the order of their labels, by which a chunk names its base.
    names: Arc<[Position]>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) offset: u64,
    pub(super) length: u32,
    pub(super) count: u32,
    pub(super) crc: u32,
}

/// Where a series' chunk lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) column: u32,
    pub(super) codec: Codec,
    pub(super) length: u32,
    pub(super) crc: u32,
    /// Where in the file; the bits of a constant that needs no chunk, whose length is 0.
    pub(super) offset: u64,
}

impl Index {
    /// A series' values.
    pub(crate) fn floats(&self, series: Position) -> Option<&Entry> {
        find(&self.floats, series)
    }

    /// A series' histograms.
    pub(crate) fn histograms(&self, series: Position) -> Option<&Entry> {
        find(&self.histograms, series)
    }

    /// The series at a place in the segment.
    pub(super) fn series_at(&self, place: u64) -> Option<Position> {
        self.names.get(usize::try_from(place).ok()?).copied()
    }

    /// The series in the segment; one with values and histograms twice.
    pub(crate) fn series(&self) -> impl Iterator<Item = Position> + '_ {
        self.floats.iter().chain(&self.histograms).map(|(position, _)| *position)
    }

    /// Samples in a chunk.
    pub(crate) fn count(&self, entry: &Entry) -> usize {
        self.columns[entry.column as usize].count as usize
    }

    /// Roughly the memory it takes, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        let entries = self.floats.capacity() + self.histograms.capacity();
        self.columns.capacity() * size_of::<Column>() + entries * size_of::<(Position, Entry)>()
    }

    /// From the entries of a footer; `None` if they make no sense.
    pub(super) fn build(
        columns: Vec<Column>,
        entries: Vec<(Position, u8, Entry)>,
        names: Arc<[Position]>,
    ) -> Option<Self> {
        if columns.iter().any(|column| CHUNK_SAMPLES_MAX < column.count as usize) {
            return None;
        }
        let mut index = Self { columns, floats: Vec::new(), histograms: Vec::new(), names };
        for (position, kind, entry) in entries {
            if index.columns.len() <= entry.column as usize {
                return None;
            }
            match kind {
                KIND_FLOATS => index.floats.push((position, entry)),
                KIND_HISTOGRAMS => index.histograms.push((position, entry)),
                _ => {}
            }
        }
        for entries in [&mut index.floats, &mut index.histograms] {
            entries.sort_unstable_by_key(|(position, _)| *position);
            entries.shrink_to_fit();
        }
        Some(index)
    }

    /// From a footer; series that the registry does not know enter it.
    pub(super) fn parse(footer: &[u8], registry: &mut Registry) -> Option<Self> {
        let mut reader = Reader::new(footer);
        let names_bytes = usize::try_from(reader.varint()?).ok().filter(|bytes| *bytes <= NAMES_BYTES_MAX)?;
        let compressed = reader.bytes()?;
        let series = names(compressed, names_bytes, registry)?;
        let column_count = reader.count()?;
        let mut columns = Vec::with_capacity(column_count);
        let mut end = 0u64;
        for _ in 0..column_count {
            let offset = end.checked_add_signed(reader.signed()?)?;
            let length = u32::try_from(reader.varint()?).ok()?;
            let count = u32::try_from(reader.varint()?).ok()?;
            columns.push(Column { offset, length, count, crc: reader.u32()? });
            end = offset.checked_add(u64::from(length))?;
        }
        let chunk_count = reader.count()?;
        let mut entries = Vec::with_capacity(chunk_count);
        let (mut place, mut column, mut end) = (0usize, 0i64, 0u64);
        for _ in 0..chunk_count {
            place = place.checked_add(usize::try_from(reader.varint()?).ok()?)?;
            let byte = reader.byte()?;
            let codec = Codec::from_byte(byte & 15)?;
            column = column.checked_add(reader.signed()?)?;
            let mut entry = Entry { column: u32::try_from(column).ok()?, codec, length: 0, crc: 0, offset: 0 };
            if codec == Codec::Constant {
                entry.offset = reader.varint()?.swap_bytes();
            } else {
                entry.offset = end.checked_add_signed(reader.signed()?)?;
                entry.length = u32::try_from(reader.varint()?).ok()?;
                entry.crc = reader.u32()?;
                end = entry.offset.checked_add(u64::from(entry.length))?;
            }
            entries.push((*series.get(place)?, byte >> 4, entry));
        }
        Self::build(columns, entries, series)
    }
}

fn find(entries: &[(Position, Entry)], series: Position) -> Option<&Entry> {
    entries.binary_search_by_key(&series, |(position, _)| *position).ok().map(|at| &entries[at].1)
}

/// The positions of the series that a table names. Segments that follow each other mostly have the same table.
fn names(compressed: &[u8], bytes: usize, registry: &mut Registry) -> Option<Arc<[Position]>> {
    if let Some(known) = registry.tables.get(compressed) {
        return Some(known);
    }
    let table = zstd::bulk::decompress(compressed, bytes).ok()?;
    let mut reader = Reader::new(&table);
    let text_count = reader.count()?;
    let texts = (0..text_count).map(|_| reader.text()).collect::<Option<Vec<&str>>>()?;
    let text = |place: u64| texts.get(usize::try_from(place).ok()?).copied();
    let count = reader.count()?;
    let mut series = Vec::with_capacity(count);
    let mut pairs = Vec::new();
    for _ in 0..count {
        let group = text(reader.varint()?)?;
        pairs.clear();
        for _ in 0..reader.count()? {
            pairs.push((text(reader.varint()?)?, text(reader.varint()?)?));
        }
        let in_order = pairs.windows(2).all(|pair| pair[0].0 < pair[1].0) && pairs.iter().all(|(_, v)| !v.is_empty());
        if !in_order {
            return None;
        }
        let group = registry.group(group);
        series.push(registry.series(group, &Labels::from_sorted(pairs.iter().copied())));
    }
    let series: Arc<[Position]> = series.into();
    registry.tables.put(compressed, &series);
    Some(series)
}
