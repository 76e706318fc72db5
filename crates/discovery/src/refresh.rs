//! Discoveries that ask again and again.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::TargetGroup;
use crate::publish::Publisher;

/// Nothing is asked more often than this, in milliseconds, whatever is configured.
const INTERVAL_MIN_MS: i64 = 100;

/// What is asked again and again.
pub(crate) trait Ask {
    /// The groups of now, or why they are not known.
    fn ask(&mut self) -> impl Future<Output = Result<Vec<TargetGroup>, String>> + Send;
}

/// A configured interval.
pub(crate) fn interval(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms.max(INTERVAL_MIN_MS)).unwrap_or(u64::MAX))
}

/// Asks at once and then at each interval, for ever.
pub(crate) async fn run(interval_ms: i64, publisher: &Publisher, what: &mut impl Ask) {
    let mut ticks = tokio::time::interval(interval(interval_ms));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match what.ask().await {
            Ok(groups) => publisher.success(groups),
            Err(error) => publisher.failure(error),
        }
    }
}

/// For a discovery that cannot begin: says so and waits for its end.
pub(crate) async fn never(publisher: &Publisher, error: String) {
    publisher.failure(error);
    std::future::pending().await
}
