//! What handlers work with: the subsystems, by the interfaces that pages and APIs need.

use std::sync::Arc;

use clock::Clock;
use model::{Family, Timestamp};
use storage::{QueryError, Queryable, Storage};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use crate::facts::Facts;
use crate::found::FoundTargets;
use crate::query::Queries;

/// Everything a handler may ask. Cheap to clone.
#[derive(Clone)]
pub struct State {
    /// The samples.
    pub storage: Arc<dyn Storage>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Evaluates expressions, a bounded number at a time.
    pub queries: Arc<Queries>,
    /// The scrape loops.
    pub targets: Arc<scrape::Manager>,
    /// The rule groups.
    pub rules: Arc<rules::Manager>,
    /// Routing and receivers.
    pub notify: Arc<notify::Runner>,
    /// Takes remote write.
    pub writer: Arc<remote::Writer>,
    /// The program's own metrics, for `/metrics`.
    pub own_metrics: Arc<dyn Fn() -> Vec<Family> + Send + Sync>,
    /// Asks for a reload.
    pub lifecycle: Lifecycle,
    /// Decides about targets that were found on this machine.
    pub found: FoundTargets,
    /// What only the wiring knows.
    pub facts: Facts,
    /// Who we are.
    pub build: BuildInfo,
    /// This machine's name, for people.
    pub hostname: Arc<str>,
}

impl State {
    /// The present moment.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.clock.now_ms())
    }

    /// Reads the store on a thread that may block.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Queryable) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<T, QueryError> {
        let storage = Arc::clone(&self.storage);
        tokio::task::spawn_blocking(move || ask(&*storage))
            .await
            .unwrap_or_else(|panic| Err(QueryError::Io(std::io::Error::other(panic))))
    }
}

/// What the program says of itself.
#[derive(Clone, Copy, Debug)]
pub struct BuildInfo {
    /// `pitwall 0.1.0`
    pub name_and_version: &'static str,
    /// The version of Prometheus whose API and language are served.
    pub prometheus_version: &'static str,
    /// The commit, if known.
    pub revision: &'static str,
}

/// Why a reload changed nothing.
#[derive(Clone, Debug, Error)]
pub enum ReloadError {
    /// The files do not make a configuration.
    #[error("{0}")]
    Config(String),
    /// The program is ending.
    #[error("the program is shutting down")]
    Closing,
}

/// The way to the loop that owns the configuration.
#[derive(Clone, Debug)]
pub struct Lifecycle(mpsc::Sender<oneshot::Sender<Result<(), ReloadError>>>);

impl Lifecycle {
    /// The way, and its other end: each message asks for one reload and wants its outcome.
    pub fn channel() -> (Self, mpsc::Receiver<oneshot::Sender<Result<(), ReloadError>>>) {
        let (sender, receiver) = mpsc::channel(1);
        (Self(sender), receiver)
    }

    /// Reads the configuration again, all or nothing.
    ///
    /// # Errors
    /// Nothing has changed.
    pub async fn reload(&self) -> Result<(), ReloadError> {
        let (answer, outcome) = oneshot::channel();
        if self.0.send(answer).await.is_err() {
            return Err(ReloadError::Closing);
        }
        outcome.await.unwrap_or(Err(ReloadError::Closing))
    }
}
