//! How the store is told to behave.

use std::path::PathBuf;

/// How the store behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data folder.
    pub dir: PathBuf,
    /// How often the log is made durable against a power cut, in milliseconds.
    pub wal_sync_interval_ms: i64,
    /// The length of a window, which becomes a segment, in milliseconds.
    pub segment_ms: i64,
    /// How long raw samples are kept, in milliseconds.
    pub raw_retention_ms: i64,
    /// How large log and segments may become together, in bytes; the oldest segments go first. 0 sets no limit.
    pub size_max_bytes: u64,
    /// Series that there may be at once.
    pub series_max: usize,
    /// How far in the future a sample may lie, in milliseconds.
    pub future_max_ms: i64,
    /// Samples that are older than their series' newest are taken if they are no older than this, in milliseconds, against
    /// the newest of the store; 0 takes none. A window stays in memory for as long after its end.
    pub out_of_order_ms: i64,
    /// Exemplars that are kept, the latest; after a restart those that the log still holds.
    pub exemplars_max: usize,
}

impl Config {
    /// The defaults, for a folder.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            wal_sync_interval_ms: 1_000,
            segment_ms: 2 * 3_600_000,
            raw_retention_ms: 14 * 24 * 3_600_000,
            size_max_bytes: 0,
            series_max: 2_000_000,
            future_max_ms: 10 * 60_000,
            out_of_order_ms: 10 * 60_000,
            exemplars_max: 100_000,
        }
    }
}
