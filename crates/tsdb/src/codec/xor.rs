//! Floats by what differs from the one before, after Facebook's Gorilla (Pelkonen et al., VLDB 2015, section 4.1.2).
//!
//! First value in 64 bits; then for each value: `0` if it repeats, `10` and the differing bits if they lie within the
//! previous ones' place, else `11`, 5 bits of leading zeros, 6 bits of length less one, and the bits.

/// Encodes into `out`, which it clears.
pub(super) fn encode(values: &[f64], out: &mut Vec<u8>) {
    out.clear();
    let mut bits = BitWriter { out, held: 0 };
    let mut before = values[0].to_bits();
    bits.write(before, 64);
    let (mut leading, mut trailing) = (65, 0);
    for value in &values[1..] {
        let now = value.to_bits();
        let differing = before ^ now;
        before = now;
        if differing == 0 {
            bits.write(0, 1);
            continue;
        }
        let (zeros_before, zeros_behind) = (differing.leading_zeros().min(31), differing.trailing_zeros());
        if leading <= zeros_before && trailing <= zeros_behind {
            bits.write(0b10, 2);
            bits.write(differing >> trailing, 64 - leading - trailing);
        } else {
            (leading, trailing) = (zeros_before, zeros_behind);
            let length = 64 - leading - trailing;
            bits.write(0b11, 2);
            bits.write(u64::from(leading), 5);
            bits.write(u64::from(length - 1), 6);
            bits.write(differing >> trailing, length);
        }
    }
}

/// Appends `count` values, at least one.
pub(super) fn decode(bytes: &[u8], count: usize, values: &mut Vec<f64>) -> Option<()> {
    let mut bits = BitReader { bytes, at: 0 };
    let mut value = bits.read(64)?;
    let end = values.len() + count;
    values.push(f64::from_bits(value));
    let (mut leading, mut length) = (0, 0);
    while values.len() < end {
        if bits.read(1)? == 1 {
            if bits.read(1)? == 1 {
                leading = bits.read(5)? as u32;
                length = bits.read(6)? as u32 + 1;
            }
            if length == 0 {
                return None; // refers to a place before there was one
            }
            let trailing = 64u32.checked_sub(leading + length)?;
            value ^= bits.read(length)? << trailing;
        }
        values.push(f64::from_bits(value));
    }
    Some(())
}

struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    /// Bits used of the last byte; 0 when it is full.
    held: u32,
}

impl BitWriter<'_> {
    /// The lowest `count` bits of `value`, highest first.
    fn write(&mut self, value: u64, mut count: u32) {
        while 0 < count {
            if self.held == 0 {
                self.out.push(0);
            }
            let room = 8 - self.held;
            let taken = room.min(count);
            let part = (value >> (count - taken)) as u8 & (0xffu16 >> (8 - taken)) as u8;
            if let Some(last) = self.out.last_mut() {
                *last |= part << (room - taken);
            }
            self.held = (self.held + taken) % 8;
            count -= taken;
        }
    }
}

struct BitReader<'a> {
    bytes: &'a [u8],
    /// In bits.
    at: usize,
}

impl BitReader<'_> {
    fn read(&mut self, mut count: u32) -> Option<u64> {
        let mut value = 0u64;
        while 0 < count {
            let byte = *self.bytes.get(self.at / 8)?;
            let used = (self.at % 8) as u32;
            let taken = (8 - used).min(count);
            let part = byte << used >> (8 - taken);
            value = value << taken | u64::from(part);
            self.at += taken as usize;
            count -= taken;
        }
        Some(value)
    }
}
