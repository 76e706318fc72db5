//! The way to the one who owns what a person decided about targets that were found on this machine.

use std::sync::Arc;

use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

/// What a person decides about a found target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It stays a target even while nothing listens there. Named by its status's key.
    Pin {
        /// [`scrape::TargetStatus::key`]
        key: String,
    },
    /// It is no target any more, and is not looked at again. Named by its status's key.
    Dismiss {
        /// [`scrape::TargetStatus::key`]
        key: String,
    },
    /// What was decided about an address does not hold any more.
    Forget {
        /// `HOST:PORT`
        address: String,
    },
}

/// Why a decision changed nothing.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DecideError {
    /// No found target has this key.
    #[error("there is no such found target; it may have gone in the meantime")]
    Unknown,
    /// It could not be stored or put into force.
    #[error("{0}")]
    Failed(String),
    /// The program is ending.
    #[error("the program is shutting down")]
    Closing,
}

/// A decision, and where its outcome goes.
pub type Decided = (Decision, oneshot::Sender<Result<(), DecideError>>);

/// Decides about found targets. Cheap to clone.
#[derive(Clone)]
pub struct FoundTargets {
    decisions: mpsc::Sender<Decided>,
    /// The addresses that a person decided about, and whether they are pinned, sorted.
    decided: Arc<dyn Fn() -> Vec<(String, bool)> + Send + Sync>,
}

impl FoundTargets {
    /// The way, and its other end. `decided` lists the addresses that were decided about, and whether they are pinned.
    pub fn channel(decided: Arc<dyn Fn() -> Vec<(String, bool)> + Send + Sync>) -> (Self, mpsc::Receiver<Decided>) {
        let (decisions, receiver) = mpsc::channel(1);
        (Self { decisions, decided }, receiver)
    }

    /// The addresses that were decided about, and whether they are pinned (the others are dismissed). May block.
    pub fn decided(&self) -> Vec<(String, bool)> {
        (self.decided)()
    }

    /// Stores a decision and puts it into force.
    ///
    /// # Errors
    /// Nothing has changed.
    pub async fn decide(&self, decision: Decision) -> Result<(), DecideError> {
        let (answer, outcome) = oneshot::channel();
        if self.decisions.send((decision, answer)).await.is_err() {
            return Err(DecideError::Closing);
        }
        outcome.await.unwrap_or(Err(DecideError::Closing))
    }
}
