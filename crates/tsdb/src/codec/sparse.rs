//! Whole numbers that are mostly zero: how far apart the others are, and what they are.
//!
//! ```text
//! sparse = count varint of those that are not zero | bits
//! bits   = zeros before each, in blocks (rice.rs) | each, folded by zigzag less one, in blocks
//! ```

use super::rice::{put_blocks, take_blocks};
use super::whole::{unzigzag, zigzag};
use crate::bits::{BitReader, BitWriter};
use crate::bytes::{Reader, put_varint};

pub(super) fn encode(numbers: &[i64], out: &mut Vec<u8>, folded: &mut Vec<u64>) {
    folded.clear();
    let mut gap = 0;
    for number in numbers {
        if *number == 0 {
            gap += 1;
        } else {
            folded.push(gap);
            gap = 0;
        }
    }
    put_varint(out, folded.len() as u64);
    let mut writer = BitWriter::new(out);
    put_blocks(&mut writer, folded);
    folded.clear();
    folded.extend(numbers.iter().filter(|number| **number != 0).map(|number| zigzag(*number) - 1));
    put_blocks(&mut writer, folded);
    writer.finish();
}

/// Appends `count` numbers.
pub(super) fn decode(bytes: &[u8], count: usize, out: &mut Vec<i64>) -> Option<()> {
    let mut head = Reader::new(bytes);
    let moving = usize::try_from(head.varint()?).ok().filter(|moving| *moving <= count)?;
    let mut reader = BitReader::new(head.rest);
    let start = out.len();
    out.resize(start + count, 0);
    let mut places = Vec::with_capacity(moving);
    let mut place = 0usize;
    take_blocks(&mut reader, moving, |gap| {
        place = place.saturating_add(usize::try_from(gap).unwrap_or(usize::MAX));
        places.push(place);
        place = place.saturating_add(1);
    })?;
    if places.last().is_some_and(|last| count <= *last) {
        return None;
    }
    let mut places = places.into_iter();
    take_blocks(&mut reader, moving, |number| {
        if let Some(place) = places.next() {
            out[start + place] = unzigzag(number.wrapping_add(1));
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(numbers in prop::collection::vec(prop_oneof![6 => Just(0i64), 1 => any::<i64>(), 1 => -9i64..9], 0..200)) {
            let mut bytes = Vec::new();
            encode(&numbers, &mut bytes, &mut Vec::new());
            let mut decoded = Vec::new();
            prop_assert_eq!(decode(&bytes, numbers.len(), &mut decoded), Some(()));
            prop_assert_eq!(decoded, numbers);
        }
    }
}
