//! Footers of the first layout.
//!
//! ```text
//! footer  = text count varint | text*
//!         | column count varint | (offset varint | length varint | count varint | crc32c u32)*
//!         | series count varint | series*
//! series  = group text | label count varint | (name text | value text)*
//!         | kind u8 | codec u8 | column varint | offset varint | length varint | crc32c u32
//! ```

use model::Labels;

use super::index::{Column, Entry, Index};
use crate::bytes::Reader;
use crate::codec::Codec;
use crate::registry::Registry;

/// From a footer; `None` if it makes no sense.
pub(super) fn parse(footer: &[u8], registry: &mut Registry) -> Option<Index> {
    let mut reader = Reader::new(footer);
    let text_count = reader.count()?;
    let texts = (0..text_count).map(|_| reader.text()).collect::<Option<Vec<&str>>>()?;
    let text = |place: u64| texts.get(usize::try_from(place).ok()?).copied();
    let column_count = reader.count()?;
    let mut columns = Vec::with_capacity(column_count);
    for _ in 0..column_count {
        columns.push(Column {
            offset: reader.varint()?,
            length: u32::try_from(reader.varint()?).ok()?,
            count: u32::try_from(reader.varint()?).ok()?,
            crc: reader.u32()?,
        });
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
        let entry = Entry {
            column: u32::try_from(reader.varint()?).ok()?,
            codec,
            offset: reader.varint()?,
            length: u32::try_from(reader.varint()?).ok()?,
            crc: reader.u32()?,
        };
        let group = registry.group(group);
        entries.push((registry.series(group, &Labels::from_pairs(pairs)), kind, entry));
    }
    Index::build(columns, entries, [].into())
}
