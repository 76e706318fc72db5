//! Parses and writes the text that exporters speak; must not know HTTP.
//!
//! The parser is a byte scanner that hands out one line at a time and leaves a series' labels unread: whoever scrapes the
//! same page again and again knows them by their bytes.

mod content_type;
mod error;
mod parser;
mod protocol;
mod series;
mod write;

pub use content_type::{ACCEPT, CONTENT_TYPE, check_content_type};
pub use error::ParseError;
pub use parser::{Entry, Parser};
pub use protocol::{Escaping, Protocol, UnknownProtocol};
pub use series::labels_of;
pub use write::write_text;
