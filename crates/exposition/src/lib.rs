//! Parses and writes the text and the protobuf that exporters speak; must not know HTTP.
//!
//! The parser is a byte scanner that hands out one line at a time and leaves a series' labels unread: whoever scrapes the
//! same page again and again knows them by their bytes.

mod accept;
mod classic;
mod delimited;
mod entry;
mod error;
mod format;
mod number;
mod openmetrics;
mod parser;
mod protocol;
mod series;
mod text;
mod write;

pub use accept::{CONTENT_TYPE, accept_header};
pub use entry::{Entry, FoundExemplar};
pub use error::ParseError;
pub use format::{Format, FormatError};
pub use parser::{Options, Parser};
pub use protocol::{Escaping, Protocol, UnknownProtocol};
pub use series::labels_of;
pub use write::write_text;
