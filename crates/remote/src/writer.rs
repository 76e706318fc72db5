//! Stores what senders write, as one transaction a request.

use std::sync::Arc;

use model::{Metadata, Timestamp};
use parking_lot::{Mutex, RwLock};
use storage::{AppendError, Appender};

use crate::batches::Batches;
use crate::compression::snappy;
use crate::error::WriteError;
use crate::known::Known;
use crate::metadata::Described;
use crate::request::Request;
use crate::{OtlpConfig, Protocol, v1, v2};

/// Buffers that are kept for the next requests.
const SCRATCHES_MAX: usize = 4;
/// The largest buffer that is kept, in bytes.
const SCRATCH_BYTES_MAX: usize = 8 << 20;

/// Takes what senders push.
pub struct Writer {
    shared: Shared,
    scratches: Mutex<Vec<Scratch>>,
    pub(crate) otlp: RwLock<Arc<OtlpConfig>>,
}

/// What all requests share.
pub(crate) struct Shared {
    pub(crate) appender: Arc<dyn Appender>,
    pub(crate) known: Known,
    pub(crate) described: Described,
}

/// Memory that a request needs for a moment.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) message: Vec<u8>,
    pub(crate) batches: Batches,
}

/// What of a request is now in the store; what was there already with the same bits counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Values, stale markers among them.
    pub samples: usize,
    /// Native histograms.
    pub histograms: usize,
    /// Exemplars.
    pub exemplars: usize,
}

impl Writer {
    /// A writer into a store.
    pub fn new(appender: Arc<dyn Appender>) -> Self {
        let shared = Shared { appender, known: Known::new(), described: Described::default() };
        Self { shared, scratches: Mutex::default(), otlp: RwLock::default() }
    }

    /// Stores a request's body, snappy-compressed. May block for as long as the store takes. Samples more than ten
    /// minutes ahead of `now` are refused.
    ///
    /// # Errors
    /// It is damaged, was refused in part, or the store failed.
    pub fn write(&self, protocol: Protocol, body: &[u8], now: Timestamp) -> Result<Written, WriteError> {
        self.with_scratch(|Scratch { message, batches }| {
            let message = snappy(body, message)?;
            self.transact(batches, now, |request| match protocol {
                Protocol::V1 => v1::read(message, request),
                Protocol::V2 => v2::read(message, request),
            })
        })
    }

    /// What senders said about metrics, by name.
    pub fn metadata(&self) -> Vec<(String, Metadata)> {
        self.shared.described.all()
    }

    pub(crate) fn with_scratch<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        let mut scratch = self.scratches.lock().pop().unwrap_or_default();
        let done = work(&mut scratch);
        if scratch.message.capacity() <= SCRATCH_BYTES_MAX {
            scratch.batches.clear();
            let mut scratches = self.scratches.lock();
            if scratches.len() < SCRATCHES_MAX {
                scratches.push(scratch);
            }
        }
        done
    }

    /// Stores what `read` finds; it is called anew for each time that the request has to be looked at.
    pub(crate) fn transact(
        &self,
        batches: &mut Batches,
        now: Timestamp,
        read: impl Fn(&mut Request<'_>) -> Result<(), WriteError>,
    ) -> Result<Written, WriteError> {
        let mut forgot = false;
        loop {
            let mut request = Request::new(&self.shared, batches, now);
            read(&mut request)?;
            if request.wants_care() {
                read(&mut request)?;
            }
            match request.append() {
                // The store let go of a series that had no samples for long: ask it again for all.
                Err(AppendError::UnknownSeries(_)) if !forgot => {
                    drop(request);
                    self.shared.known.clear();
                    forgot = true;
                    continue;
                }
                Err(error) => return Err(error.into()),
                Ok(()) => {}
            }
            if request.wants_names() {
                read(&mut request)?;
            }
            return request.finish();
        }
    }
}
