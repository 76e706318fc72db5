//! The discoveries of all jobs: those that stay the same over a reload go on, and with them what they have found.

use std::sync::Arc;
use std::time::Duration;

use discovery::{Config, Context, Found};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long a reload waits for the first answers of discoveries that are new, in milliseconds; targets that they find
/// again are kept without a gap then.
const FIRST_ANSWERS_MS: u64 = 2_000;

/// The discoveries that run.
#[derive(Default)]
pub(crate) struct Finders(Vec<Finder>);

struct Finder {
    job: String,
    config: Config,
    found: watch::Receiver<Found>,
    stop: CancellationToken,
    finding: JoinHandle<()>,
    /// Tells the manager when something was found.
    telling: JoinHandle<()>,
}

impl Finders {
    /// Makes these the discoveries, each with its job; tells `changed` whenever one has news.
    pub(crate) async fn apply(&mut self, wanted: Vec<(String, Config)>, context: &Context, changed: &Arc<Notify>) {
        let mut old = std::mem::take(&mut self.0);
        let first_ever = old.is_empty();
        let mut news = Vec::new();
        for (job, config) in wanted {
            match old.iter().position(|finder| finder.job == job && finder.config == config) {
                Some(position) => self.0.push(old.swap_remove(position)),
                None => {
                    let finder = Finder::start(job, config, context, changed);
                    news.push(finder.found.clone());
                    self.0.push(finder);
                }
            }
        }
        if !first_ever {
            let answers = futures_util::future::join_all(news.iter_mut().map(watch::Receiver::changed));
            // Who has not answered by then is heard later.
            drop(tokio::time::timeout(Duration::from_millis(FIRST_ANSWERS_MS), answers).await);
        }
        for finder in old {
            finder.end().await;
        }
    }

    /// What the discoveries of a job have found.
    pub(crate) fn of(&self, job: &str) -> Vec<Found> {
        let finders = self.0.iter().filter(|finder| finder.job == job);
        finders.map(|finder| finder.found.borrow().clone()).collect()
    }

    /// Ends all of them.
    pub(crate) async fn shutdown(&mut self) {
        for finder in &self.0 {
            finder.stop.cancel();
        }
        for finder in std::mem::take(&mut self.0) {
            finder.end().await;
        }
    }
}

impl Finder {
    fn start(job: String, config: Config, context: &Context, changed: &Arc<Notify>) -> Self {
        let stop = CancellationToken::new();
        let (found, finding) = discovery::spawn(config.clone(), context.clone(), stop.clone());
        let (mut news, changed) = (found.clone(), Arc::clone(changed));
        // Ends when the discovery does, which drops the other side.
        let telling = tokio::spawn(async move {
            while news.changed().await.is_ok() {
                changed.notify_one();
            }
        });
        Self { job, config, found, stop, finding, telling }
    }

    async fn end(self) {
        self.stop.cancel();
        for task in [self.finding, self.telling] {
            if let Err(error) = task.await {
                tracing::error!(job = self.job, %error, "a discovery panicked");
            }
        }
    }
}
