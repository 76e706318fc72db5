//! Numbers for people and for machines that print as Go does: floats, durations, quoted strings; knows nothing else.

pub mod duration;
pub mod float;
pub mod quote;
pub mod unit;
