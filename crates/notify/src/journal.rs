//! Where it is kept what receivers were told.

use alerting::LogRecord;
use thiserror::Error;

/// The notification log on disk.
pub trait Journal: Send + Sync {
    /// All records.
    ///
    /// # Errors
    /// They cannot be read.
    fn load(&self) -> Result<Vec<LogRecord>, JournalError>;

    /// Keeps a record in the place of an earlier one with its key; on return it survives a power cut.
    ///
    /// # Errors
    /// It could not be kept.
    fn record(&self, record: &LogRecord) -> Result<(), JournalError>;

    /// Drops the records of these keys; they have expired, so that one that stays does no harm.
    ///
    /// # Errors
    /// They could not be dropped.
    fn forget(&self, _keys: &[String]) -> Result<(), JournalError> {
        Ok(())
    }
}

/// Why a record could not be read or kept.
#[derive(Clone, Debug, Error)]
#[error("notification log: {0}")]
pub struct JournalError(pub String);
