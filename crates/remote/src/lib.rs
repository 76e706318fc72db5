//! Samples that other programs push: remote write 1.0 and 2.0, OTLP; must not know HTTP servers.
//!
//! A request is a compressed protobuf message. Its series are brought to their ids by the bytes of their labels
//! (`known`), its samples into batches of one moment each (`batches`), and all of it into the store as one transaction
//! (`request`).

mod batches;
mod compression;
mod error;
mod histogram;
mod key;
mod known;
mod metadata;
mod otlp;
mod protocol;
mod request;
mod v1;
mod v2;
mod writer;

use batches::Batches;
pub use error::{DecodeError, Refused, WriteError};
pub use otlp::{OtlpConfig, OtlpEncoding, OtlpFormat, TranslationStrategy};
pub use protobuf::Damaged;
pub use protocol::{Protocol, Unsupported};
pub use writer::{Writer, Written};
