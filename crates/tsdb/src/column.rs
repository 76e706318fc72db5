//! A series' values in the head: the newest as they are, the others encoded in blocks.

use std::fmt::Debug;
use std::sync::Arc;

use model::Histogram;

use crate::bytes::{Reader, put_bytes};
use crate::codec::{Codec, Scratch, decode_histograms, decode_values, encode_histograms, encode_values};

/// Values that are encoded together. Larger blocks take less memory, and more while they are not full.
const BLOCK: usize = 32;

/// What a column can hold.
pub(crate) trait Stored: Clone + Debug {
    /// Encodes a block; the codec's byte.
    fn encode(values: &[Self], scratch: &mut Scratch, out: &mut Vec<u8>) -> u8;
    /// Appends `count` decoded values.
    fn decode(codec: u8, bytes: &[u8], count: usize, out: &mut Vec<Self>) -> Option<()>;
}

impl Stored for f64 {
    fn encode(values: &[Self], scratch: &mut Scratch, out: &mut Vec<u8>) -> u8 {
        encode_values(values, None, scratch, true, out) as u8
    }

    fn decode(codec: u8, bytes: &[u8], count: usize, out: &mut Vec<Self>) -> Option<()> {
        decode_values(Codec::from_byte(codec)?, bytes, count, &[], out)
    }
}

impl Stored for Arc<Histogram> {
    fn encode(values: &[Self], scratch: &mut Scratch, out: &mut Vec<u8>) -> u8 {
        encode_histograms(values, scratch, true, out);
        Codec::Histograms as u8
    }

    fn decode(_codec: u8, bytes: &[u8], count: usize, out: &mut Vec<Self>) -> Option<()> {
        decode_histograms(bytes, count, out)
    }
}

/// Values in the order in which they came.
#[derive(Debug)]
pub(crate) struct Column<T> {
    /// Blocks of [`BLOCK`] values: codec u8, length varint, bytes.
    sealed: Vec<u8>,
    sealed_blocks: u32,
    tail: Vec<T>,
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self { sealed: Vec::new(), sealed_blocks: 0, tail: Vec::new() }
    }
}

thread_local! {
    /// The encoder's buffers, one set a thread.
    static BUFFERS: std::cell::RefCell<(Scratch, Vec<u8>)> = std::cell::RefCell::default();
}

impl<T: Stored> Column<T> {
    pub(crate) const fn len(&self) -> usize {
        self.sealed_blocks as usize * BLOCK + self.tail.len()
    }

    pub(crate) fn push(&mut self, value: T) {
        if self.tail.len() == BLOCK {
            self.seal();
        }
        self.tail.push(value);
    }

    fn seal(&mut self) {
        BUFFERS.with_borrow_mut(|(scratch, bytes)| {
            let codec = T::encode(&self.tail, scratch, bytes);
            // Grown by what a block takes, not doubled: there are many columns.
            self.sealed.reserve_exact(bytes.len() + 3);
            self.sealed.push(codec);
            put_bytes(&mut self.sealed, bytes);
        });
        self.sealed_blocks += 1;
        self.tail.clear();
    }

    /// Appends the values from the place `from` to before `to`.
    pub(crate) fn read(&self, from: usize, to: usize, out: &mut Vec<T>) {
        let mut reader = Reader::new(&self.sealed);
        let sealed = self.sealed_blocks as usize * BLOCK;
        let mut block = Vec::new();
        let mut start = 0;
        while start < to.min(sealed) {
            let (Some(codec), Some(bytes)) = (reader.byte(), reader.bytes()) else { break };
            if from < start + BLOCK {
                block.clear();
                if T::decode(codec, bytes, BLOCK, &mut block).is_none() {
                    debug_assert!(false, "a block of the head cannot be decoded");
                    break;
                }
                out.extend_from_slice(&block[from.saturating_sub(start)..(to - start).min(BLOCK)]);
            }
            start += BLOCK;
        }
        if sealed < to {
            out.extend_from_slice(&self.tail[from.saturating_sub(sealed)..to - sealed]);
        }
    }

    /// The memory that it has taken, in bytes.
    pub(crate) const fn memory_bytes(&self) -> usize {
        self.sealed.capacity() + self.tail.capacity() * size_of::<T>()
    }
}
