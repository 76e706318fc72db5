//! The notification log in the catalog: notes are in `state.log` before a notification counts as sent.

use std::sync::Arc;

use alerting::LogRecord;
use catalog::{Batch, Catalog};
use model::Timestamp;
use notify::{Journal, JournalError};

/// The catalog's tree for notes: key as the routing writes it, value as [`LogRecord::to_bytes`].
pub(crate) const TREE: &str = "notify.log";

/// Notes in the catalog.
pub(crate) struct CatalogJournal {
    pub(crate) catalog: Arc<Catalog>,
    /// Notes that expired before this moment are dropped when they are read.
    pub(crate) started: Timestamp,
}

impl Journal for CatalogJournal {
    fn load(&self) -> Result<Vec<LogRecord>, JournalError> {
        let fault = |error: catalog::Error| JournalError(error.to_string());
        let mut records = Vec::new();
        let mut expired = Batch::new();
        for (key, value) in self.catalog.scan_prefix(TREE, b"").map_err(fault)? {
            let record = std::str::from_utf8(&key).ok().and_then(|key| LogRecord::from_bytes(key, &value));
            match record {
                Some(record) if self.started <= record.expires_at => records.push(record),
                _ => drop(expired.remove(TREE, &key)),
            }
        }
        if expired != Batch::new() {
            self.catalog.apply(&expired).map_err(fault)?;
        }
        Ok(records)
    }

    fn record(&self, record: &LogRecord) -> Result<(), JournalError> {
        let mut batch = Batch::new();
        batch.put(TREE, record.key.as_bytes(), &record.to_bytes());
        self.catalog.apply(&batch).map_err(|error| JournalError(error.to_string()))
    }
}
