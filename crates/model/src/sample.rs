//! A value at a moment, and the value that says that a series has ended.

use crate::Timestamp;

/// A value at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// What; compare stale markers by [`is_stale`], never by value.
    pub value: f64,
}

/// Prometheus' staleness marker, a signalling NaN. No arithmetic may touch it: that could quieten it.
pub const STALE_NAN: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// Whether `value` is the staleness marker, by its bits.
pub const fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_NAN.to_bits()
}
