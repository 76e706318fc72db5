//! What the store says of itself: what it found, what it did, how it is.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why the store does not open.
#[derive(Debug, Error)]
pub enum OpenError {
    /// It was written by a later version.
    #[error("{} was written by a newer version (layout {found}, this program knows {known})", dir.display())]
    Newer {
        /// The folder.
        dir: PathBuf,
        /// Its layout.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// The disk failed.
    #[error("cannot open {}: {source}", dir.display())]
    Io {
        /// The folder.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
}

/// What opening found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Segments that can be read.
    pub segments: usize,
    /// Files that cannot, set aside with the ending `.damaged`, and why.
    pub damaged: Vec<String>,
    /// Records of the log that were replayed.
    pub wal_records: usize,
    /// Records of the log that were damaged and skipped.
    pub wal_bad_records: usize,
    /// Bytes at the end of the log that were cut off, as after a crash.
    pub wal_torn_bytes: u64,
    /// The catalog did not say what the folder holds and was mended.
    pub catalog_mended: bool,
}

/// What [`crate::Db::maintain`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintained {
    /// Windows that became segments.
    pub segments_written: usize,
    /// Segments that were too old, or for which there was no room.
    pub segments_removed: usize,
}

/// Why maintenance could not do all it should; it is tried again.
#[derive(Debug, Error)]
pub enum MaintainError {
    /// The disk failed.
    #[error("storage maintenance: {0}")]
    Io(#[from] io::Error),
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
}

/// How the store is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Series with samples.
    pub series: usize,
    /// Samples in memory.
    pub head_samples: usize,
    /// Samples taken since the start.
    pub appended: u64,
    /// Samples refused since the start.
    pub rejected: u64,
    /// Of those: out of order.
    pub rejected_out_of_order: u64,
    /// Of those: another value was there.
    pub rejected_duplicate: u64,
    /// Of those: older than what is still taken.
    pub rejected_too_old: u64,
    /// Of those: too far in the future.
    pub rejected_too_new: u64,
    /// Exemplars that are kept.
    pub exemplars: usize,
    /// Roughly the memory that samples take, in bytes.
    pub head_bytes: usize,
    /// Bytes of the log.
    pub wal_bytes: u64,
    /// Segments.
    pub segments: usize,
    /// Bytes of the segments.
    pub segment_bytes: u64,
}
