//! Remote write in; must not know HTTP servers.
//!
//! Remote write 1.0 is a snappy-compressed protobuf message (prometheus/prompb/remote.proto). Senders repeat the same
//! label sets again and again, so the writer knows series by the bytes of their labels.

mod decode;
mod writer;

pub use decode::DecodeError;
pub use writer::{WriteError, Writer, Written};
