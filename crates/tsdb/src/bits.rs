//! Numbers of a few bits, one after the other, low bits first.

/// Appends to bytes.
pub(crate) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    held: u64,
    /// Bits in `held`, fewer than 64.
    held_bits: u32,
}

impl<'a> BitWriter<'a> {
    pub(crate) const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, held: 0, held_bits: 0 }
    }

    /// Appends the `count` lowest bits of `value`, at most 64; the others are zero.
    pub(crate) fn write(&mut self, value: u64, count: u32) {
        debug_assert!(count == 64 || value >> count == 0, "{value} has more than {count} bits");
        self.held |= value << self.held_bits;
        let total = self.held_bits + count;
        if total < 64 {
            self.held_bits = total;
            return;
        }
        self.out.extend_from_slice(&self.held.to_le_bytes());
        self.held = if self.held_bits == 0 { 0 } else { value >> (64 - self.held_bits) };
        self.held_bits = total - 64;
    }

    /// Appends `count` ones and a zero, `count` below 64.
    pub(crate) fn write_unary(&mut self, count: u32) {
        self.write((1 << count) - 1, count + 1);
    }

    /// Appends what is held; the last byte is filled up with zeros.
    pub(crate) fn finish(self) {
        let bytes = self.held.to_le_bytes();
        self.out.extend_from_slice(&bytes[..self.held_bits.div_ceil(8) as usize]);
    }
}

/// Walks over bytes; `None` where they end too early.
pub(crate) struct BitReader<'a> {
    rest: &'a [u8],
    held: u64,
    held_bits: u32,
}

impl<'a> BitReader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, held: 0, held_bits: 0 }
    }

    /// Holds at least 56 bits afterwards, or all that are left.
    fn refill(&mut self) {
        if let Some(word) = self.rest.first_chunk::<8>() {
            self.held |= u64::from_le_bytes(*word) << self.held_bits;
            let taken = (63 - self.held_bits) / 8;
            self.rest = &self.rest[taken as usize..];
            self.held_bits += taken * 8;
            // Bits above `held_bits` are those of the next bytes and come again: they are the same.
            return;
        }
        while self.held_bits <= 56 {
            let Some((byte, rest)) = self.rest.split_first() else { return };
            self.held |= u64::from(*byte) << self.held_bits;
            self.held_bits += 8;
            self.rest = rest;
        }
    }

    /// The next `count` bits, at most 64.
    pub(crate) fn read(&mut self, count: u32) -> Option<u64> {
        if 56 < count {
            let low = self.read(32)?;
            return Some(low | self.read(count - 32)? << 32);
        }
        if self.held_bits < count {
            self.refill();
            if self.held_bits < count {
                return None;
            }
        }
        let value = self.held & ((1 << count) - 1);
        self.held >>= count;
        self.held_bits -= count;
        Some(value)
    }

    /// How many ones stand before the next zero, which is passed; `None` also if there are more than `most`, below 56.
    pub(crate) fn read_unary(&mut self, most: u32) -> Option<u32> {
        if self.held_bits <= most {
            self.refill();
        }
        let ones = self.held.trailing_ones();
        if most < ones || self.held_bits <= ones {
            return None;
        }
        self.held >>= ones + 1;
        self.held_bits -= ones + 1;
        Some(ones)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_read_back(numbers in prop::collection::vec((any::<u64>(), 0u32..=64, 0u32..50), 0..100)) {
            let cut = |value: u64, count: u32| if count == 64 { value } else { value & ((1 << count) - 1) };
            let mut bytes = Vec::new();
            let mut writer = BitWriter::new(&mut bytes);
            for (value, count, ones) in &numbers {
                writer.write(cut(*value, *count), *count);
                writer.write_unary(*ones);
            }
            writer.finish();
            let mut reader = BitReader::new(&bytes);
            for (value, count, ones) in &numbers {
                prop_assert_eq!(reader.read(*count), Some(cut(*value, *count)));
                prop_assert_eq!(reader.read_unary(50), Some(*ones));
            }
            prop_assert_eq!(reader.read(8), None);
        }
    }
}
