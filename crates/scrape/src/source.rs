//! Where a loop gets its page from.

use std::fmt;
use std::sync::Arc;

use model::{Family, Timestamp};

/// What a built-in collector does when it is asked: its metrics, or why it has none.
pub(crate) type Collect = Arc<dyn Fn(Timestamp) -> Result<Vec<Family>, String> + Send + Sync>;

/// A collector inside this program, scraped like any other target.
#[derive(Clone)]
pub struct BuiltIn {
    /// The job it stands for.
    pub job: String,
    /// The instance it stands for.
    pub instance: String,
    /// How often, in milliseconds. It is asked at once when the program starts, and then every second for a few seconds,
    /// so that the first page has lines to show.
    pub interval_ms: i64,
    /// The collector; it may block.
    pub collect: Collect,
}

impl fmt::Debug for BuiltIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuiltIn").field("job", &self.job).field("instance", &self.instance).finish_non_exhaustive()
    }
}
