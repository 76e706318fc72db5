//! Why a request is not stored, or not whole.

use std::fmt;

use storage::AppendError;
use thiserror::Error;

use crate::Written;
use protobuf::{Damaged, put_bytes, put_varint};

/// A request is refused if it says that it is larger than this after decompression, in bytes.
pub(crate) const MESSAGE_BYTES_MAX: usize = 64 << 20;
/// Moments of one group of series that a request may have, each of which becomes a batch of the store.
pub(crate) const MOMENTS_MAX: usize = 100_000;
/// Refused series that an answer names.
const NAMED_MAX: usize = 10;
/// The longest name of a series in an answer, in bytes.
const NAME_BYTES_MAX: usize = 1_000;

/// Why a body is no request.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// The compression is damaged.
    #[error(transparent)]
    Snappy(#[from] snap::Error),
    /// The compression is damaged.
    #[error("gzip: {0}")]
    Gzip(std::io::Error),
    /// It would be too large.
    #[error("the request has {bytes} bytes, more than the {MESSAGE_BYTES_MAX} that are taken")]
    TooLarge {
        /// Its size after decompression, or how much of it was read.
        bytes: usize,
    },
    /// It has too many moments.
    #[error("the request has samples of more than {MOMENTS_MAX} moments: send fewer at once")]
    TooManyMoments,
    /// The protobuf is damaged.
    #[error("protobuf: {0}")]
    Protobuf(#[from] Damaged),
    /// The JSON is damaged, or not OTLP's.
    #[error("JSON: {0}")]
    Json(String),
}

/// Why a request was not stored, or not whole.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The sender must not send it again: it is damaged. Nothing is stored.
    #[error(transparent)]
    BadData(#[from] DecodeError),
    /// The sender must not send it again: parts of it were refused. The others are stored.
    #[error("{refused}")]
    Refused {
        /// What is stored.
        written: Written,
        /// What is not, and why.
        refused: Refused,
    },
    /// The sender may try again later. Nothing is stored.
    #[error(transparent)]
    Append(#[from] AppendError),
}

impl From<Damaged> for WriteError {
    fn from(damaged: Damaged) -> Self {
        Self::BadData(damaged.into())
    }
}

/// What was refused, and why: one line for each of the first few.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// How many samples, histograms, exemplars and series without any.
    pub count: usize,
    lines: Vec<String>,
}

impl Refused {
    /// Notes that `count` things were refused for a reason; the reason is written only if it will be shown.
    pub(crate) fn note(&mut self, count: usize, reason: impl FnOnce() -> String) {
        self.count += count;
        if self.lines.len() < NAMED_MAX {
            self.lines.push(reason());
        }
    }

    /// OTLP's `ExportMetricsServiceResponse` with a partial success that says so.
    pub fn to_otlp_protobuf(&self) -> Vec<u8> {
        let (mut partial, mut out) = (vec![1 << 3], Vec::new());
        put_varint(&mut partial, self.count as u64);
        put_bytes(&mut partial, 2, self.to_string().as_bytes());
        put_bytes(&mut out, 1, &partial);
        out
    }

    /// Whether more reasons are wanted.
    pub(crate) const fn wants_more(&self) -> bool {
        self.lines.len() < NAMED_MAX
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, line) in self.lines.iter().enumerate() {
            if 0 < i {
                f.write_str("\n")?;
            }
            f.write_str(shortened(line))?;
        }
        if self.lines.len() < self.count {
            write!(f, "\n({} refused in all)", self.count)?;
        }
        Ok(())
    }
}

fn shortened(line: &str) -> &str {
    line.get(..line.floor_char_boundary(NAME_BYTES_MAX)).unwrap_or(line)
}
