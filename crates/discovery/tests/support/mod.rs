//! Running a discovery.

use std::sync::Arc;
use std::time::Duration;

use discovery::{Config, Context, Found};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) struct Discovery {
    receiver: watch::Receiver<Found>,
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl Discovery {
    pub(crate) fn start(config: Config) -> Self {
        let stop = CancellationToken::new();
        let context = Context::new(Arc::new(clock::ManualClock::at(0)), "test/1");
        let (receiver, task) = discovery::spawn(config, context, stop.clone());
        Self { receiver, task, stop }
    }

    /// What it knows once `enough` says so.
    ///
    /// # Panics
    /// It never knows that; the test ends after a minute, with what it knows.
    pub(crate) async fn next(&mut self, enough: impl FnMut(&Found) -> bool) -> Found {
        let found = tokio::time::timeout(Duration::from_secs(60), self.receiver.wait_for(enough));
        let found = found.await.map(|found| found.expect("the discovery runs").clone());
        found.unwrap_or_else(|_elapsed| panic!("it only knows {:?}", *self.receiver.borrow()))
    }

    /// Ends it, and waits for the end.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.task.await.expect("no panic");
    }
}

/// What was found, a group and a target a line.
pub(crate) fn targets(found: &Found) -> String {
    let mut text = String::new();
    for group in &found.groups {
        text.push_str(&format!("{} {}\n", group.source, group.labels.to_braces()));
        for target in &group.targets {
            text.push_str(&format!("  {}\n", target.to_braces()));
        }
    }
    text
}
