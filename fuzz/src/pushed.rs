//! What must hold of every pushed request, whatever its bytes.

use std::sync::Arc;

use model::{MatchOp, Matcher, TimeRange, Timestamp};
use remote::{WriteError, Writer, Written};
use storage::{MemoryStorage, Queryable as _, Select};

/// The present.
const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);

/// Stores a request, and once more: the store has no more than what was said to be written, and what is there already
/// stays there.
///
/// # Panics
/// It has.
pub fn check(write: impl Fn(&Writer, Timestamp) -> Result<Written, WriteError>) {
    let storage = Arc::new(MemoryStorage::new());
    let writer = Writer::new(storage.clone());
    let written = match write(&writer, NOW) {
        Ok(written) | Err(WriteError::Refused { written, .. }) => written,
        Err(_) => Written::default(),
    };
    let stored = stored(&storage);
    assert!(stored.0 <= written.samples && stored.1 <= written.histograms, "{stored:?} of {written:?}");
    let _again = write(&writer, NOW);
    assert_eq!(self::stored(&storage), stored, "the same request brought something new");
}

/// How many values and histograms there are.
fn stored(storage: &MemoryStorage) -> (usize, usize) {
    let Ok(all) = Matcher::new(MatchOp::Regexp, "__name__", "(?s).+") else { return (0, 0) };
    let select = Select { matchers: &[all], range: TimeRange::ALL, step_ms: 0, function: "", samples_max: usize::MAX };
    let found = storage.select(&select).unwrap_or_default();
    found.iter().fold((0, 0), |sum, series| (sum.0 + series.values.len(), sum.1 + series.histograms.len()))
}
