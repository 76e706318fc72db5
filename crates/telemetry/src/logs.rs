//! Logs, one line an event, to standard error.

use thiserror::Error;
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// `time LEVEL message key=value`; the library writes control characters as escapes.
    Logfmt,
    /// One JSON object.
    Json,
}

/// Why there are no logs.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LogError {
    /// The level is none.
    #[error("--log.level={0} is none of error, warn, info, debug, trace")]
    Level(String),
    /// Somebody set logs up before.
    #[error("logs are set up already")]
    Twice,
}

/// Sets logs up for the whole process.
///
/// # Errors
/// The level is unknown, or it was done before.
pub fn init_logs(format: LogFormat, level: &str) -> Result<(), LogError> {
    let level: Level = level.parse().map_err(|_cause| LogError::Level(level.to_owned()))?;
    // Libraries speak up when something is wrong; sled announces each of its flushes at a low level.
    let filter =
        Targets::new().with_default(level).with_target("sled", LevelFilter::WARN.min(LevelFilter::from_level(level)));
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false).with_target(false);
    match format {
        LogFormat::Logfmt => registry.with(layer).try_init(),
        LogFormat::Json => registry.with(layer.json()).try_init(),
    }
    .map_err(|_cause| LogError::Twice)
}
