//! The loop that tells: wakes when a group is due, sends, and notes what was sent.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use alerting::{AlertView, Dispatcher, Integration, LogRecord, Notification, Receiver, Route};
use clock::Clock;
use model::{Alert, Timestamp};
use parking_lot::Mutex;
use thiserror::Error;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::email::{EmailConfig, SendError, send};
use crate::render::render;

/// Deliveries that are remembered for people to look at.
const DELIVERIES_MAX: usize = 100;
/// The first pause before a mail is tried again, and the longest, in milliseconds.
const RETRY_PAUSE_MS: u64 = 500;
const RETRY_PAUSE_MS_MAX: u64 = 60_000;
/// How long sends that have begun may take at shutdown, in milliseconds.
const DRAIN_MS: u64 = 5_000;
/// Without anything due, the loop looks again after this time, in milliseconds.
const IDLE_MS: i64 = 60_000;
/// Sends at once; more wait for the next turn of the loop.
const SENDS_MAX: usize = 64;

/// A receiver and its ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverConfig {
    /// The name that routes use.
    pub name: String,
    /// E-mail.
    pub emails: Vec<EmailConfig>,
}

/// Where notes of what was told are kept.
pub trait Journal: Send + Sync {
    /// All notes.
    ///
    /// # Errors
    /// They cannot be read.
    fn load(&self) -> Result<Vec<LogRecord>, JournalError>;

    /// Keeps a note; on return it survives a power cut.
    ///
    /// # Errors
    /// It could not be kept.
    fn record(&self, record: &LogRecord) -> Result<(), JournalError>;
}

/// Why a note could not be read or kept.
#[derive(Clone, Debug, Error)]
#[error("notification log: {0}")]
pub struct JournalError(pub String);

/// What a runner works with.
pub struct RunnerConfig {
    /// The routing tree, if anybody is to be told.
    pub route: Option<Route>,
    /// Who there is to tell.
    pub receivers: Vec<ReceiverConfig>,
    /// The address under which people reach this server.
    pub external_url: String,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Where notes are kept.
    pub journal: Arc<dyn Journal>,
}

/// What became of a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Whom.
    pub receiver: String,
    /// When it was decided.
    pub at: Timestamp,
    /// What the mail's subject says.
    pub subject: String,
    /// How many alerts it tells of.
    pub alert_count: usize,
    /// Why it was not sent, if it was not.
    pub error: Option<String>,
}

/// Routing and sending.
pub struct Runner {
    shared: Arc<Shared>,
    stop: CancellationToken,
    task: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    dispatcher: Mutex<Dispatcher>,
    receivers: Mutex<Vec<ReceiverConfig>>,
    deliveries: Mutex<VecDeque<Delivery>>,
    external_url: String,
    clock: Arc<dyn Clock>,
    journal: Arc<dyn Journal>,
    wake: Notify,
}

impl Runner {
    /// Reads the notes and starts the loop.
    ///
    /// # Errors
    /// The notes cannot be read.
    pub fn start(config: RunnerConfig) -> Result<Self, JournalError> {
        let log = config.journal.load()?;
        let dispatcher = Dispatcher::new(routing(config.route, &config.receivers), log);
        let shared = Arc::new(Shared {
            dispatcher: Mutex::new(dispatcher),
            receivers: Mutex::new(config.receivers),
            deliveries: Mutex::default(),
            external_url: config.external_url,
            clock: config.clock,
            journal: config.journal,
            wake: Notify::new(),
        });
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(Arc::clone(&shared), stop.clone()).instrument(tracing::info_span!("notify")));
        Ok(Self { shared, stop, task: tokio::sync::Mutex::new(Some(task)) })
    }

    /// Takes alerts.
    pub fn receive(&self, alerts: Vec<Alert>) {
        let at = self.shared.now();
        self.shared.dispatcher.lock().receive(alerts, at);
        self.shared.wake.notify_one();
    }

    /// Takes another configuration; what was told stays told.
    pub fn reload(&self, route: Option<Route>, receivers: Vec<ReceiverConfig>) {
        let at = self.shared.now();
        self.shared.dispatcher.lock().reconfigure(routing(route, &receivers), at);
        *self.shared.receivers.lock() = receivers;
        self.shared.wake.notify_one();
    }

    /// The alerts that fire.
    pub fn alerts(&self) -> Vec<AlertView> {
        self.shared.dispatcher.lock().alerts(self.shared.now())
    }

    /// What was told lately, the newest last.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.deliveries.lock().iter().cloned().collect()
    }

    /// Ends the loop; sends that have begun are waited for.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        if let Some(task) = self.task.lock().await.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the notification loop failed");
        }
    }
}

impl Shared {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.clock.now_ms())
    }
}

/// The routing with the receivers as it knows them.
fn routing(route: Option<Route>, receivers: &[ReceiverConfig]) -> alerting::Config {
    let Some(route) = route else { return alerting::Config::default() };
    let known = receivers.iter().map(|receiver| Receiver {
        name: receiver.name.clone(),
        integrations: receiver.emails.iter().map(|email| Integration { send_resolved: email.send_resolved }).collect(),
    });
    alerting::Config { route, receivers: known.collect() }
}

async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut sends = JoinSet::new();
    loop {
        let now = shared.now();
        let due = shared.dispatcher.lock().next_due().unwrap_or(now + IDLE_MS);
        let wait_ms = u64::try_from((due - now).min(IDLE_MS)).unwrap_or(0);
        tokio::select! {
            () = stop.cancelled() => break,
            () = shared.wake.notified() => continue,
            Some(done) = sends.join_next(), if !sends.is_empty() => {
                if let Err(error) = done {
                    tracing::error!(%error, "a send panicked");
                }
                continue;
            }
            () = tokio::time::sleep(Duration::from_millis(wait_ms)), if sends.len() < SENDS_MAX => {}
        }
        let notifications = shared.dispatcher.lock().due(shared.now());
        for notification in notifications {
            // Each by itself, so that a slow receiver holds up no other.
            sends.spawn(deliver(Arc::clone(&shared), notification, stop.clone()));
        }
    }
    let drained =
        tokio::time::timeout(Duration::from_millis(DRAIN_MS), async { while sends.join_next().await.is_some() {} });
    if drained.await.is_err() {
        tracing::warn!("some notifications were not sent before the end; they are sent after the next start");
    }
}

/// Sends until it succeeds, cannot succeed, or the group's next turn comes.
async fn deliver(shared: Arc<Shared>, notification: Notification, stop: CancellationToken) {
    let config = {
        let receivers = shared.receivers.lock();
        let receiver = receivers.iter().find(|receiver| receiver.name == notification.receiver);
        receiver.and_then(|receiver| receiver.emails.get(notification.integration)).cloned()
    };
    let Some(config) = config else { return };
    let mail = render(&notification, &shared.external_url);
    let mut pause_ms = RETRY_PAUSE_MS;
    let error = loop {
        let error = match send(&config, &mail).await {
            Ok(()) => break None,
            Err(SendError::Permanent(error)) => break Some(error),
            Err(SendError::Retryable(error)) => error,
        };
        let next = shared.now() + i64::try_from(pause_ms).unwrap_or(0);
        if notification.retry_until <= next || stop.is_cancelled() {
            break Some(error);
        }
        tracing::info!(receiver = notification.receiver, error, pause_ms, "a mail will be tried again");
        tokio::select! {
            () = stop.cancelled() => break Some(error),
            () = tokio::time::sleep(Duration::from_millis(pause_ms)) => {}
        }
        pause_ms = (pause_ms * 3 / 2).min(RETRY_PAUSE_MS_MAX);
    };
    match &error {
        None => {
            tracing::info!(receiver = notification.receiver, subject = mail.subject, "a mail was sent");
            note(&shared, &notification).await;
        }
        Some(error) => tracing::error!(receiver = notification.receiver, error, "a mail was not sent"),
    }
    let delivery = Delivery {
        receiver: notification.receiver.clone(),
        at: notification.at,
        subject: mail.subject,
        alert_count: notification.alerts().count(),
        error,
    };
    let mut deliveries = shared.deliveries.lock();
    if DELIVERIES_MAX <= deliveries.len() {
        deliveries.pop_front();
    }
    deliveries.push_back(delivery);
}

/// Keeps the note before the notification counts as told. If that fails it counts all the same in this process, so that the
/// receiver is not told again and again; after a restart it may be told once more.
async fn note(shared: &Arc<Shared>, notification: &Notification) {
    let journal = Arc::clone(&shared.journal);
    let record = notification.record.clone();
    let kept = tokio::task::spawn_blocking(move || journal.record(&record)).await;
    match kept {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "what was told could not be noted"),
        Err(error) => tracing::error!(%error, "what was told could not be noted"),
    }
    shared.dispatcher.lock().succeeded(notification);
    shared.wake.notify_one();
}
