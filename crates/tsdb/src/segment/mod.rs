//! Segments: files that hold a window of time and never change.
//!
//! ```text
//! file    = header | (column | chunk)* | footer | trailer
//! header  = magic "PWSEG002" | tier u8 | 3 zero bytes | crc32c u32 of the header with zeros in its place
//!         | start i64 | end i64 (the first moment after it)
//! column  = timestamps (codec/times.rs), each distinct column once, however many series share it
//! chunk   = a series' values or histograms (codec/); a constant has none, and equal bytes are written once
//! footer  = series | column count varint | (gap zigzag | length varint | count varint | crc32c u32)*
//!         | chunk count varint | entry*
//! series  = length varint | compressed length varint | zstd of names
//! names   = text count varint | text* | series count varint
//!         | (group text | label count varint | (name text | value text)*)*       in the order of their labels
//! entry   = steps varint from the series of the entry before | kind and codec u8 | column zigzag, from the entry before
//!         | varint of a constant's bits, bytes reversed; or gap zigzag | length varint | crc32c u32
//! trailer = footer offset u64 | footer length u64 | crc32c u32 of the footer | magic "PWSEGEND"
//! ```
//! A chunk may be told by another, its base, whose place among the series it names (codec/share.rs): the base has the same
//! column. Fixed numbers are little endian; a text in a series is the varint of its place in the list; a gap is the distance from
//! the end of the column, or of the chunk, before; kind (0 floats, 1 histograms, 2 exemplars and 3 metadata reserved)
//! stands in the four high bits.
//!
//! The first layout, "PWSEG001", is read: `read_first.rs`.

mod family;
mod index;
mod read;
mod read_first;
mod write;

pub(crate) use index::{Entry, Index};
pub(crate) use read::{Bases, Segment};
pub(crate) use write::write;

const MAGIC_FIRST: &[u8; 8] = b"PWSEG001";
const MAGIC: &[u8; 8] = b"PWSEG002";
const MAGIC_END: &[u8; 8] = b"PWSEGEND";
const HEADER_BYTES: usize = 32;
const TRAILER_BYTES: usize = 28;
const KIND_FLOATS: u8 = 0;
const KIND_HISTOGRAMS: u8 = 1;
/// The table of names is no larger than this, in bytes; a length beyond it is damage.
const NAMES_BYTES_MAX: usize = 1 << 30;

/// The header of a window of a tier.
fn header(magic: [u8; 8], tier: u8, start_ms: i64, end_ms: i64) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&magic);
    header[8] = tier;
    header[16..24].copy_from_slice(&start_ms.to_le_bytes());
    header[24..].copy_from_slice(&end_ms.to_le_bytes());
    let crc = crc32c::crc32c(&header);
    header[12..16].copy_from_slice(&crc.to_le_bytes());
    header
}
