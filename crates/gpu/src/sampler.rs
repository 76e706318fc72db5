//! The thread that asks the driver, and what it has published.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use clock::Clock;
use model::{Family, MetricType, Timestamp};
use nvml_wrapper::Nvml;
use nvml_wrapper::bitmasks::event::EventTypes;
use nvml_wrapper::enums::event::XidError;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::struct_wrappers::event::EventData;
use parking_lot::Mutex;

use crate::families::families;
use crate::reading::{Gpu, read};

/// The first pause after the driver was not there, and the longest, in milliseconds.
const RETRY_MS: u64 = 5_000;
const RETRY_MS_MAX: u64 = 300_000;
/// A round of questions that takes longer than this counts as stuck, in milliseconds.
const STUCK_MS: i64 = 10_000;
/// How long an event is waited for before the thread looks whether it should end, in milliseconds.
const EVENT_WAIT_MS: u32 = 500;
/// How long the end of the thread is waited for: a call into the driver cannot be broken off, in milliseconds.
const STOP_WAIT_MS: u64 = 2_000;

/// What to sample.
#[derive(Clone, Debug)]
pub struct Config {
    /// NVIDIA's management library, if it is not where the driver puts it.
    pub library: Option<PathBuf>,
    /// How often, in milliseconds.
    pub interval_ms: u64,
    /// The label `Hostname`.
    pub hostname: String,
}

/// How sampling goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing was read yet.
    Starting,
    /// There is no library or no driver.
    Absent,
    /// The driver answers.
    Running,
    /// The driver answered and now fails.
    Failing,
}

impl State {
    const ALL: [Self; 4] = [Self::Starting, Self::Absent, Self::Running, Self::Failing];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Absent => "absent",
            Self::Running => "running",
            Self::Failing => "failing",
        }
    }
}

/// What the thread has published.
#[derive(Clone, Debug)]
struct Snapshot {
    state: State,
    reason: String,
    driver: String,
    gpus: Vec<Gpu>,
    /// When the thread last finished a round.
    at_ms: i64,
}

/// What ends the two threads when it is dropped, and the one that samples.
type Threads = (SyncSender<()>, SyncSender<()>, JoinHandle<()>);

/// Samples until it is stopped or dropped.
pub struct Sampler {
    shared: Arc<Shared>,
    threads: Mutex<Option<Threads>>,
}

struct Shared {
    config: Config,
    clock: Arc<dyn Clock>,
    snapshot: Mutex<Snapshot>,
    xids: Mutex<BTreeMap<u32, u64>>,
}

impl Sampler {
    /// Starts the thread.
    pub fn start(config: Config, clock: Arc<dyn Clock>) -> Self {
        let at_ms = clock.now_ms();
        let snapshot =
            Snapshot { state: State::Starting, reason: String::new(), driver: String::new(), gpus: Vec::new(), at_ms };
        let shared = Arc::new(Shared { config, clock, snapshot: Mutex::new(snapshot), xids: Mutex::default() });
        // Dropping the senders ends the threads: a receiver without sender answers at once.
        let (stop, stopped) = sync_channel::<()>(0);
        let (stop_events, events_stopped) = sync_channel::<()>(0);
        let spawned = std::thread::Builder::new().name("nvml".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                let wait =
                    |ms| matches!(stopped.recv_timeout(Duration::from_millis(ms)), Err(RecvTimeoutError::Timeout));
                sample_forever(&shared, &wait);
            }
        });
        let events = std::thread::Builder::new().name("nvml events".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                let wait = |ms| {
                    matches!(events_stopped.recv_timeout(Duration::from_millis(ms)), Err(RecvTimeoutError::Timeout))
                };
                watch_events(&shared, &wait);
            }
        });
        if let Err(error) = &events {
            tracing::error!(%error, "XID errors are not watched");
        }
        let threads = spawned.map_err(|error| tracing::error!(%error, "GPUs are not sampled")).ok();
        Self { shared, threads: Mutex::new(threads.map(|thread| (stop, stop_events, thread))) }
    }

    /// What was read last, as metric families. Without a driver there is only the collector's own state.
    ///
    /// # Errors
    /// The driver does not come back from a call, or fails.
    pub fn families(&self, at: Timestamp) -> Result<Vec<Family>, String> {
        let snapshot = self.shared.snapshot.lock().clone();
        let age_ms = at.as_ms() - snapshot.at_ms;
        let running = matches!(snapshot.state, State::Running | State::Starting);
        if running && STUCK_MS < age_ms {
            return Err(format!("the driver has not answered for {} s", age_ms / 1000));
        }
        if snapshot.state == State::Failing {
            return Err(snapshot.reason);
        }
        let mut found =
            families(&snapshot.gpus, &self.shared.xids.lock(), &snapshot.driver, &self.shared.config.hostname);
        let help = "What the GPU collector is doing: the state that holds is 1.";
        let mut state = Family::new("pitwall_gpu_collector_state", help, MetricType::StateSet);
        for candidate in State::ALL {
            state.push([("state", candidate.as_str())], f64::from(u8::from(candidate == snapshot.state)));
        }
        found.push(state);
        Ok(found)
    }

    /// Ends the thread. If the driver does not come back from a call, the thread is left behind.
    pub fn stop(&self) {
        let Some((stop, stop_events, thread)) = self.threads.lock().take() else { return };
        drop((stop, stop_events));
        for _ in 0..STOP_WAIT_MS / 10 {
            if thread.is_finished() {
                if thread.join().is_err() {
                    tracing::error!("the GPU thread panicked");
                }
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        tracing::warn!("the driver does not come back from a call; its thread is left behind");
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.stop();
    }
}

/// `wait` pauses; false when the thread is to end.
fn sample_forever(shared: &Shared, wait: &dyn Fn(u64) -> bool) {
    let mut retry_ms = RETRY_MS.min(shared.config.interval_ms * 5);
    loop {
        match connect(&shared.config) {
            Ok(nvml) => {
                retry_ms = RETRY_MS.min(shared.config.interval_ms * 5);
                tracing::info!("the NVIDIA driver answers");
                if !sample(shared, &nvml, wait) {
                    return;
                }
            }
            Err(error) => {
                let mut snapshot = shared.snapshot.lock();
                if snapshot.state != State::Absent {
                    tracing::info!(%error, "no GPU metrics");
                }
                snapshot.state = State::Absent;
                snapshot.reason = error.to_string();
                snapshot.gpus.clear();
                snapshot.at_ms = shared.clock.now_ms();
            }
        }
        if !wait(retry_ms) {
            return;
        }
        retry_ms = (retry_ms * 2).min(RETRY_MS_MAX);
    }
}

/// Samples until the driver fails (true) or the thread is to end (false).
fn sample(shared: &Shared, nvml: &Nvml, wait: &dyn Fn(u64) -> bool) -> bool {
    let driver = nvml.sys_driver_version().unwrap_or_default();
    loop {
        let known = shared.snapshot.lock().gpus.clone();
        let outcome = read(nvml, &known);
        let mut snapshot = shared.snapshot.lock();
        snapshot.at_ms = shared.clock.now_ms();
        match outcome {
            Ok(gpus) => {
                snapshot.state = State::Running;
                snapshot.driver.clone_from(&driver);
                snapshot.gpus = gpus;
            }
            Err(error) => {
                tracing::warn!(%error, "the NVIDIA driver fails; it is asked anew");
                snapshot.state = State::Failing;
                snapshot.reason = error.to_string();
                return true;
            }
        }
        drop(snapshot);
        if !wait(shared.config.interval_ms) {
            return false;
        }
    }
}

fn connect(config: &Config) -> Result<Nvml, NvmlError> {
    match &config.library {
        Some(library) => Nvml::builder().lib_path(library.as_os_str()).init(),
        None => Nvml::init(),
    }
}

/// Holds the last XID error of each GPU: the driver tells of one only while somebody waits for it.
fn watch_events(shared: &Shared, wait: &dyn Fn(u64) -> bool) {
    loop {
        if let Ok(nvml) = connect(&shared.config)
            && let Err(error) = watch(shared, &nvml, wait)
        {
            tracing::debug!(%error, "XID errors are not told");
        }
        if !wait(RETRY_MS) {
            return;
        }
    }
}

fn watch(shared: &Shared, nvml: &Nvml, wait: &dyn Fn(u64) -> bool) -> Result<(), NvmlError> {
    let mut set = nvml.create_event_set()?;
    for index in 0..nvml.device_count()? {
        let gpu = nvml.device_by_index(index)?;
        set = gpu.register_events(EventTypes::CRITICAL_XID_ERROR, set).map_err(|failed| failed.error)?;
    }
    while wait(0) {
        match set.wait(EVENT_WAIT_MS) {
            Ok(EventData { device, event_data: Some(XidError::Value(xid)), .. }) => {
                let index = device.index().or_else(|_| index_of(nvml, &device.uuid()?))?;
                tracing::error!(gpu = index, xid, "the GPU reports an XID error");
                shared.xids.lock().insert(index, xid);
            }
            Ok(_) | Err(NvmlError::Timeout) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn index_of(nvml: &Nvml, uuid: &str) -> Result<u32, NvmlError> {
    for index in 0..nvml.device_count()? {
        if nvml.device_by_index(index)?.uuid()? == uuid {
            return Ok(index);
        }
    }
    Err(NvmlError::NotFound)
}
