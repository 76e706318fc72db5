//! Logs and the program's own metrics; knows nothing of what it counts.

mod logs;
mod process;

pub use logs::{LogError, LogFormat, init_logs};
pub use process::Metrics;
