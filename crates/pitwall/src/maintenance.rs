//! Looks after the store: once a second, on a thread that may block.

use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use model::Timestamp;
use tokio_util::sync::CancellationToken;
use tsdb::Db;

/// How often, in milliseconds.
const INTERVAL_MS: u64 = 1_000;

/// Runs until it is stopped.
pub(crate) async fn run(db: Arc<Db>, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let mut failing = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_millis(INTERVAL_MS)) => {}
        }
        let now = Timestamp::from_ms(clock.now_ms());
        let db = Arc::clone(&db);
        let done = tokio::task::spawn_blocking(move || db.maintain(now)).await;
        match done {
            Ok(Ok(done)) => {
                if 0 < done.segments_written || 0 < done.segments_removed {
                    tracing::info!(written = done.segments_written, removed = done.segments_removed, "segments");
                }
                failing = false;
            }
            // Once, not once a second.
            Ok(Err(error)) if !failing => {
                tracing::error!(%error, "the storage needs attention");
                failing = true;
            }
            Ok(Err(_)) => {}
            Err(error) => tracing::error!(%error, "storage maintenance panicked"),
        }
    }
}
