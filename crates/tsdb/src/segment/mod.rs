//! Segments: files that hold a window of time and never change.
//!
//! ```text
//! file    = header | column* | chunk* | footer | trailer
//! header  = magic "PWSEG001" | tier u8 | 3 zero bytes | crc32c u32 of the header with zeros in its place
//!         | start i64 | end i64 (the first moment after it)
//! column  = timestamps (codec/times.rs), each distinct column once, however many series share it
//! chunk   = a series' values (codec/)
//! footer  = text count varint | text*                      names and values of labels, each once
//!         | column count varint | (offset varint | length varint | count varint | crc32c u32)*
//!         | series count varint | series*                   in the order of their labels
//! series  = group text | label count varint | (name text | value text)*
//!         | kind u8 (0 floats; 1 histograms, 2 exemplars, 3 metadata reserved) | codec u8 | column varint
//!         | offset varint | length varint | crc32c u32
//! trailer = footer offset u64 | footer length u64 | crc32c u32 of the footer | magic "PWSEGEND"
//! ```
//! Fixed numbers are little endian; a text in a series is the varint of its place in the list.

mod read;
mod write;

pub(crate) use read::{Index, Segment};
pub(crate) use write::write;

const MAGIC: &[u8; 8] = b"PWSEG001";
const MAGIC_END: &[u8; 8] = b"PWSEGEND";
const HEADER_BYTES: usize = 32;
const TRAILER_BYTES: usize = 28;
const KIND_FLOATS: u8 = 0;

/// The header of a window of a tier.
fn header(tier: u8, start_ms: i64, end_ms: i64) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(MAGIC);
    header[8] = tier;
    header[16..24].copy_from_slice(&start_ms.to_le_bytes());
    header[24..].copy_from_slice(&end_ms.to_le_bytes());
    let crc = crc32c::crc32c(&header);
    header[12..16].copy_from_slice(&crc.to_le_bytes());
    header
}
