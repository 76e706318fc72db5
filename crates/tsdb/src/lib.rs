//! Samples on disk: WAL, head, segments; must not know PromQL, HTTP or sled.
//!
//! An append goes into the write-ahead log and then into the head, which keeps the samples of the last two-hour windows
//! in memory. A window that is over becomes a segment, a file that never changes again; then the log files that only
//! spoke of it go. `migrations/` has a folder for each layout of the bytes.

mod append;
mod bits;
mod bytes;
mod codec;
mod column;
mod config;
mod db;
mod exemplars;
mod folder;
mod head;
mod index_cache;
mod keyspace;
mod lock;
mod maintain;
mod postings;
mod query;
mod registry;
mod report;
mod segment;
mod select;
mod wal;
mod window;

pub use config::Config;
pub use db::Db;
pub use lock::{Lock, LockError};
pub use report::{MaintainError, Maintained, OpenError, OpenReport, Stats};
