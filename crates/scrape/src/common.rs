//! What all loops share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clock::Clock;
use parking_lot::Mutex;
use storage::Appender;
use tokio_util::sync::CancellationToken;

use crate::failure_log::FailureLog;
use crate::machine::Machine;
use crate::stand_in::Board;

/// What all loops share.
pub(crate) struct Common {
    pub(crate) appender: Arc<dyn Appender>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) machine: Machine,
    pub(crate) board: Board,
    pub(crate) failure_log: FailureLog,
    pub(crate) tally: Tally,
    /// Cancelled when the program ends: loops then end where they are.
    pub(crate) halt: CancellationToken,
    /// Ports on this machine that somebody configured to be scraped.
    pub(crate) ports_here: Mutex<BTreeSet<u16>>,
}

/// What is counted of all scrapes, for the program's own metrics.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<BTreeMap<Counted, u64>>);

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Counted {
    /// Pages with more samples than `sample_limit`.
    SampleLimit,
    /// Pages with more bytes than `body_size_limit`.
    BodyLimit,
    /// Targets of jobs with more targets than `target_limit`.
    TargetLimit,
    /// Pages with a native histogram that has more buckets than `native_histogram_bucket_limit`, however coarse.
    BucketLimit,
    /// Pages with labels beyond the job's limits.
    LabelLimits,
    /// Samples of series that their page has twice, or that the store has with another value.
    Duplicate,
    /// Samples that are older than what the store has of their series.
    OutOfOrder,
    /// Samples that are too old or too far in the future.
    OutOfBounds,
    /// Lines that the failure log could not take.
    FailureLog,
}

impl Tally {
    pub(crate) fn count(&self, what: Counted) {
        self.add(what, 1);
    }

    pub(crate) fn add(&self, what: Counted, count: u64) {
        if 0 < count {
            *self.0.lock().entry(what).or_default() += count;
        }
    }

    pub(crate) fn of(&self, what: Counted) -> u64 {
        self.0.lock().get(&what).copied().unwrap_or(0)
    }
}

impl Common {
    pub(crate) fn new(appender: Arc<dyn Appender>, clock: Arc<dyn Clock>, machine: Machine) -> Self {
        Self {
            appender,
            clock,
            machine,
            board: Board::default(),
            failure_log: FailureLog::default(),
            tally: Tally::default(),
            halt: CancellationToken::new(),
            ports_here: Mutex::default(),
        }
    }
}
