//! What a chunk owes to another: the buckets and the sum of a histogram grow with its count.
//!
//! The share of the other chunk's step is `(weight * step + 2^15) >> 16`, in whole numbers; the weight is found by least
//! squares. The other chunk holds whole numbers and owes nothing itself.

use super::whole::whole_of;

/// The chunk that another's values are told by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Base<'a> {
    /// Its series' place among those of the segment.
    pub(crate) place: u64,
    /// Its values, at the same moments.
    pub(crate) values: &'a [f64],
}

/// A weight has this many bits behind the point.
const WEIGHT_BITS: u32 = 16;
/// Larger weights are not used.
const WEIGHT_MAX: f64 = (1u64 << 45) as f64;

/// The weight; `None` if there is nothing to share.
pub(super) fn weight(wholes: &[i64], base: &[f64]) -> Option<i64> {
    if base.len() != wholes.len() || base.iter().any(|value| whole_of(*value, 0).is_none()) {
        return None;
    }
    let (mut with, mut own) = (0.0, 0.0);
    for (wholes, base) in wholes.windows(2).zip(base.windows(2)) {
        let step = base[1] - base[0];
        with += (wholes[1] - wholes[0]) as f64 * step;
        own += step * step;
    }
    let weight = (with / own * f64::from(1u32 << WEIGHT_BITS)).round();
    (weight != 0.0 && weight.abs() < WEIGHT_MAX).then_some(weight as i64)
}

/// What is owed up to each value, beginning with nothing.
pub(super) fn shares(weight: i64, base: &[f64]) -> impl Iterator<Item = i64> + '_ {
    let mut before = base.first().map_or(0, |first| *first as i64);
    let mut owed = 0i64;
    base.iter().map(move |value| {
        let step = i128::from((*value as i64).wrapping_sub(before));
        before = *value as i64;
        owed = owed.wrapping_add(((i128::from(weight) * step + (1 << (WEIGHT_BITS - 1))) >> WEIGHT_BITS) as i64);
        owed
    })
}
