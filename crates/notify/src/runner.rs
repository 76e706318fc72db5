//! The loop that tells: wakes when a group is due, lets each notification be sent by a task of its own, and keeps what
//! was told.

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use alerting::{
    AlertView, Dispatcher, Due, GroupView, Integration, LogRecord, Notification, NotificationId, Outcome, Receiver,
    Route,
};
use clock::Clock;
use jiff::tz::TimeZone;
use model::{Alert, Timestamp};
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::delivery::{Deliveries, Delivery};
use crate::render::{Rendered, render};
use crate::retry::pause_after;
use crate::smtp::{self, SendError};
use crate::{EmailConfig, Journal, JournalError, ReceiverConfig};

/// How long sends that have begun may take at shutdown, in milliseconds.
const DRAIN_MS: u64 = 5_000;
/// The loop looks at the clock at least this often, in milliseconds, because somebody may set it.
const CLOCK_CHECK_MS: i64 = 1_000;
/// Mails that one integration sends at the same time; further ones wait, but hold up no other receiver.
const SENDS_PER_INTEGRATION_MAX: usize = 4;
/// Records that wait for a journal that fails; of more, the oldest keys are given up.
const UNSAVED_MAX: usize = 1_000;

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
    /// Where it is kept what was told.
    pub journal: Arc<dyn Journal>,
}

/// Routing and sending; ends by [`Runner::shutdown`].
pub struct Runner {
    shared: Arc<Shared>,
    stop: CancellationToken,
    task: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    dispatcher: Mutex<Dispatcher>,
    receivers: Mutex<BTreeMap<String, Vec<Way>>>,
    deliveries: Mutex<Deliveries>,
    /// Records that the journal did not take, by key.
    unsaved: Mutex<BTreeMap<String, LogRecord>>,
    external_url: String,
    time_zone: TimeZone,
    clock: Arc<dyn Clock>,
    journal: Arc<dyn Journal>,
    transport: Arc<dyn Transport>,
    wake: Notify,
}

/// An integration of a receiver.
#[derive(Clone)]
struct Way {
    email: EmailConfig,
    slots: Arc<Semaphore>,
}

type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), SendError>> + Send + 'a>>;

/// What carries mails: SMTP, or a test's mailbox.
trait Transport: Send + Sync {
    fn send<'a>(&'a self, email: &'a EmailConfig, mail: &'a Rendered) -> Sending<'a>;
}

struct Smtp;

impl Transport for Smtp {
    fn send<'a>(&'a self, email: &'a EmailConfig, mail: &'a Rendered) -> Sending<'a> {
        Box::pin(smtp::send(email, mail))
    }
}

impl Runner {
    /// Reads what was told before and starts the loop, in the machine's time zone.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn start(config: RunnerConfig) -> Result<Self, JournalError> {
        Self::start_with(config, TimeZone::system(), Arc::new(Smtp))
    }

    fn start_with(
        config: RunnerConfig,
        time_zone: TimeZone,
        transport: Arc<dyn Transport>,
    ) -> Result<Self, JournalError> {
        let told = config.journal.load()?;
        let dispatcher = Dispatcher::new(&routing(config.route, &config.receivers), told);
        let shared = Arc::new(Shared {
            dispatcher: Mutex::new(dispatcher),
            receivers: Mutex::new(ways(config.receivers)),
            deliveries: Mutex::default(),
            unsaved: Mutex::default(),
            external_url: config.external_url,
            time_zone,
            clock: config.clock,
            journal: config.journal,
            transport,
            wake: Notify::new(),
        });
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(Arc::clone(&shared), stop.clone()).instrument(tracing::info_span!("notify")));
        Ok(Self { shared, stop, task: tokio::sync::Mutex::new(Some(task)) })
    }

    /// Takes alerts that begin, go on or have ended.
    pub fn receive(&self, alerts: Vec<Alert>) {
        let at = self.shared.now();
        let received = self.shared.dispatcher.lock().receive(alerts, at);
        if received.refused != 0 {
            tracing::error!(refused = received.refused, "there are too many alerts; new ones are refused");
        }
        self.shared.wake.notify_one();
    }

    /// Takes another configuration; what was told stays told.
    pub fn reload(&self, route: Option<Route>, receivers: Vec<ReceiverConfig>) {
        let at = self.shared.now();
        {
            let mut dispatcher = self.shared.dispatcher.lock();
            dispatcher.reload(&routing(route, &receivers), at);
            *self.shared.receivers.lock() = ways(receivers);
        }
        self.shared.wake.notify_one();
    }

    /// The alerts that fire, with who is told of them.
    pub fn alerts(&self) -> Vec<AlertView> {
        self.shared.dispatcher.lock().alerts(self.shared.now())
    }

    /// The groups that have alerts that fire.
    pub fn groups(&self) -> Vec<GroupView> {
        self.shared.dispatcher.lock().groups(self.shared.now())
    }

    /// What was told lately, the newest last.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.deliveries.lock().to_vec()
    }

    /// Ends the loop; sends that have begun are waited for, a few seconds long.
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

    fn way(&self, notification: &Notification) -> Option<Way> {
        self.receivers.lock().get(&notification.receiver)?.get(notification.integration).cloned()
    }
}

/// The routing with the receivers as it knows them; without a tree, alerts are grouped and shown, and nobody is told.
fn routing(route: Option<Route>, receivers: &[ReceiverConfig]) -> alerting::Config {
    let Some(route) = route else { return alerting::Config::default() };
    let known = receivers.iter().map(|receiver| Receiver {
        name: receiver.name.clone(),
        integrations: receiver.emails.iter().map(|email| Integration { send_resolved: email.send_resolved }).collect(),
    });
    alerting::Config { route, receivers: known.collect(), ..alerting::Config::default() }
}

fn ways(receivers: Vec<ReceiverConfig>) -> BTreeMap<String, Vec<Way>> {
    let way = |email| Way { email, slots: Arc::new(Semaphore::new(SENDS_PER_INTEGRATION_MAX)) };
    receivers.into_iter().map(|receiver| (receiver.name, receiver.emails.into_iter().map(way).collect())).collect()
}

async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut sends = Sends::default();
    loop {
        let at = shared.now();
        let (due, next_due) = {
            let mut dispatcher = shared.dispatcher.lock();
            (dispatcher.due(at), dispatcher.next_due())
        };
        let Due { notifications, records, forgotten } = due;
        for notification in notifications {
            sends.start(&shared, notification, &stop);
        }
        keep(&shared, records).await;
        forget(&shared, forgotten).await;
        let wait_ms = next_due.map_or(CLOCK_CHECK_MS, |due| (due - at).clamp(0, CLOCK_CHECK_MS));
        tokio::select! {
            () = stop.cancelled() => break,
            () = shared.wake.notified() => {}
            () = sends.reap(&shared) => {}
            () = tokio::time::sleep(Duration::from_millis(wait_ms.unsigned_abs())) => {}
        }
    }
    sends.drain(&shared).await;
    keep(&shared, Vec::new()).await;
}

/// The tasks that send.
#[derive(Default)]
struct Sends {
    tasks: JoinSet<()>,
    notifications: HashMap<tokio::task::Id, NotificationId>,
}

impl Sends {
    fn start(&mut self, shared: &Arc<Shared>, notification: Notification, stop: &CancellationToken) {
        let id = notification.id;
        let span = tracing::info_span!("send", receiver = notification.receiver, group = notification.group_key);
        let task = self.tasks.spawn(deliver(Arc::clone(shared), notification, stop.clone()).instrument(span));
        self.notifications.insert(task.id(), id);
    }

    /// Waits for a task to end, for ever if there is none. One that panicked has failed.
    async fn reap(&mut self, shared: &Shared) {
        match self.tasks.join_next_with_id().await {
            Some(Ok((task, ()))) => drop(self.notifications.remove(&task)),
            Some(Err(error)) => self.failed(shared, &error),
            None => std::future::pending().await,
        }
    }

    fn failed(&mut self, shared: &Shared, error: &JoinError) {
        tracing::error!(%error, "a send ended before its end");
        if let Some(id) = self.notifications.remove(&error.id()) {
            shared.dispatcher.lock().outcome(id, Outcome::Failed, shared.now());
        }
    }

    async fn drain(&mut self, shared: &Shared) {
        let all = async {
            while !self.tasks.is_empty() {
                self.reap(shared).await;
            }
        };
        if tokio::time::timeout(Duration::from_millis(DRAIN_MS), all).await.is_err() {
            tracing::warn!(left = self.tasks.len(), "notifications were not sent before the end; the next start does");
            self.tasks.shutdown().await;
        }
    }
}

/// Sends until it succeeds, cannot succeed, or the group is looked at again; then says what became of it.
async fn deliver(shared: Arc<Shared>, notification: Notification, stop: CancellationToken) {
    let mail = render(&notification, &shared.external_url, &shared.time_zone);
    let mut course = Course::default();
    let way = shared.way(&notification);
    let sent = match &way {
        Some(way) => {
            let left_ms = u64::try_from(notification.deadline - shared.now()).unwrap_or(0);
            let trying = attempt(&*shared.transport, way, &mail, &mut course, &stop);
            tokio::time::timeout(Duration::from_millis(left_ms), trying).await.unwrap_or(false)
        }
        None => {
            "the receiver is gone from the configuration".clone_into(&mut course.error);
            false
        }
    };
    let ended_at = shared.now();
    let outcome = if sent { Outcome::Sent } else { Outcome::Failed };
    // It counts in this process from here on, even if the journal then fails: a full disk must not send the same mail at
    // every tick. After a crash before the journal's end it is sent once more.
    let record = shared.dispatcher.lock().outcome(notification.id, outcome, ended_at);
    keep(&shared, record.into_iter().collect()).await;
    let Course { attempts, error } = course;
    if sent {
        tracing::info!(subject = mail.subject, attempts, "a mail was sent");
    } else {
        tracing::error!(subject = mail.subject, attempts, error, "a mail was not sent");
    }
    shared.deliveries.lock().push(Delivery {
        receiver: notification.receiver,
        at: notification.at,
        ended_at,
        reason: notification.reason,
        subject: mail.subject,
        alert_count: notification.alerts.len(),
        attempts,
        error: (!sent).then_some(error),
    });
    shared.wake.notify_one();
}

/// How a delivery went so far.
struct Course {
    attempts: u32,
    error: String,
}

impl Default for Course {
    fn default() -> Self {
        Self { attempts: 0, error: "other mails to the same receiver took all the time".to_owned() }
    }
}

/// Whether it was sent.
async fn attempt(
    transport: &dyn Transport,
    way: &Way,
    mail: &Rendered,
    course: &mut Course,
    stop: &CancellationToken,
) -> bool {
    let Ok(_slot) = way.slots.acquire().await else { return false };
    while !stop.is_cancelled() {
        course.attempts += 1;
        if course.attempts == 1 {
            "the server did not answer until the group was looked at again".clone_into(&mut course.error);
        }
        match transport.send(&way.email, mail).await {
            Ok(()) => return true,
            Err(SendError::Permanent(error)) => {
                course.error = error;
                return false;
            }
            Err(SendError::Retryable(error)) => course.error = error,
        }
        let pause = pause_after(course.attempts);
        tracing::warn!(error = course.error, ?pause, "a mail will be tried again");
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    false
}

/// Keeps records, and those that could not be kept before.
async fn keep(shared: &Arc<Shared>, records: Vec<LogRecord>) {
    if records.is_empty() && shared.unsaved.lock().is_empty() {
        return;
    }
    let mut waiting = std::mem::take(&mut *shared.unsaved.lock());
    waiting.extend(records.into_iter().map(|record| (record.key.clone(), record)));
    let journal = Arc::clone(&shared.journal);
    let kept = tokio::task::spawn_blocking(move || {
        let mut fault = None;
        waiting.retain(|_, record| match journal.record(record) {
            Ok(()) => false,
            Err(error) => {
                fault = Some(error);
                true
            }
        });
        (waiting, fault)
    });
    match kept.await {
        Ok((_, None)) => {}
        Ok((left, Some(error))) => {
            tracing::error!(%error, records = left.len(), "what was told could not be noted; it will be tried again");
            let mut unsaved = shared.unsaved.lock();
            for (key, record) in left {
                // A newer record of the same group may have come meanwhile.
                unsaved.entry(key).or_insert(record);
            }
            while UNSAVED_MAX < unsaved.len() {
                unsaved.pop_first();
            }
        }
        Err(error) => tracing::error!(%error, "the notification log failed"),
    }
}

async fn forget(shared: &Arc<Shared>, keys: Vec<String>) {
    if keys.is_empty() {
        return;
    }
    let journal = Arc::clone(&shared.journal);
    match tokio::task::spawn_blocking(move || journal.forget(&keys)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "expired records stay until the next start"),
        Err(error) => tracing::error!(%error, "the notification log failed"),
    }
}

#[cfg(test)]
mod tests;
