//! Starts, keeps and ends the loops: one task for each target.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use model::Timestamp;
use parking_lot::Mutex;
use storage::{AppendError, Appender};
use thiserror::Error;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::config::ScrapeConfig;
use crate::fetch::fetch;
use crate::scrape_loop::{Outcome, Scraper};
use crate::source::BuiltIn;
use crate::status::{Health, TargetStatus};
use crate::target::{Endpoint, Target};

/// A scrape that begins this near to its tick carries the tick's time, so that timestamps compress, in milliseconds.
const TICK_TOLERANCE_MS: i64 = 2;
/// A built-in collector is asked every second for this long after its start, in milliseconds.
const EAGER_MS: i64 = 5_000;
/// How often it is asked then, in milliseconds.
const EAGER_INTERVAL_MS: i64 = 1_000;

/// Why a configuration cannot be put into force; nothing has changed.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// A job's HTTP settings are unusable.
    #[error("job {job:?}: {source}")]
    Client {
        /// The job.
        job: String,
        /// Why.
        source: http_client::BuildError,
    },
    /// A target's address is none.
    #[error("job {job:?}: {address:?} is not an address: {source}")]
    Address {
        /// The job.
        job: String,
        /// The address.
        address: String,
        /// Why.
        source: url::ParseError,
    },
}

/// All scrape loops.
pub struct Manager {
    appender: Arc<dyn Appender>,
    clock: Arc<dyn Clock>,
    loops: tokio::sync::Mutex<BTreeMap<String, Running>>,
    statuses: Mutex<BTreeMap<String, Arc<Mutex<TargetStatus>>>>,
}

/// A loop.
struct Running {
    /// What would make it another loop.
    identity: String,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// How a loop reaches its target over HTTP.
#[derive(Clone)]
struct Client {
    client: reqwest::Client,
    config: http_client::Config,
}

impl Manager {
    /// Without targets.
    pub fn new(appender: Arc<dyn Appender>, clock: Arc<dyn Clock>) -> Self {
        Self { appender, clock, loops: tokio::sync::Mutex::default(), statuses: Mutex::default() }
    }

    /// Makes these the targets: loops of targets that stay the same go on, others end or begin.
    ///
    /// # Errors
    /// A target or client cannot be made; then everything stays as it was.
    pub async fn apply(&self, configs: Vec<ScrapeConfig>, built_in: Vec<BuiltIn>) -> Result<(), ApplyError> {
        let mut wanted = BTreeMap::new();
        for config in &configs {
            let client = http_client::build(&config.http)
                .map_err(|source| ApplyError::Client { job: config.job_name.clone(), source })?;
            let client = Client { client, config: config.http.clone() };
            for group in &config.static_groups {
                for address in &group.targets {
                    let target = Target::new(config, address, &group.labels).map_err(|source| ApplyError::Address {
                        job: config.job_name.clone(),
                        address: address.clone(),
                        source,
                    })?;
                    let identity = format!("{config:?}");
                    wanted.insert(target.key(), (target, Some(client.clone()), identity));
                }
            }
        }
        for source in built_in {
            let identity = source.interval_ms.to_string();
            let target = Target::built_in(source);
            wanted.insert(target.key(), (target, None, identity));
        }

        let mut loops = self.loops.lock().await;
        let ended: Vec<String> = loops
            .iter()
            .filter(|(key, running)| wanted.get(*key).is_none_or(|(_, _, identity)| *identity != running.identity))
            .map(|(key, _)| key.clone())
            .collect();
        for key in ended {
            if let Some(running) = loops.remove(&key) {
                end(running, &key).await;
            }
            self.statuses.lock().remove(&key);
        }
        for (key, (target, client, identity)) in wanted {
            if let Entry::Vacant(vacant) = loops.entry(key) {
                let running = self.start(vacant.key(), target, client, identity);
                vacant.insert(running);
            }
        }
        Ok(())
    }

    /// What each target's last scrape was like, by job and address.
    pub fn targets(&self) -> Vec<TargetStatus> {
        self.statuses.lock().values().map(|status| status.lock().clone()).collect()
    }

    /// Ends all loops; their series end with markers only where targets are removed, not where the program stops.
    pub async fn shutdown(&self) {
        let mut loops = std::mem::take(&mut *self.loops.lock().await);
        for running in loops.values() {
            running.task.abort();
        }
        for (key, running) in &mut loops {
            if let Err(error) = (&mut running.task).await
                && error.is_panic()
            {
                tracing::error!(target_key = key, %error, "a scrape loop panicked");
            }
        }
    }

    fn start(&self, key: &str, target: Target, client: Option<Client>, identity: String) -> Running {
        let target = Arc::new(target);
        let status = Arc::new(Mutex::new(TargetStatus {
            pool: target.pool.clone(),
            url: target.url(),
            discovered_labels: target.discovered_labels.clone(),
            labels: target.labels.clone(),
            health: Health::Unknown,
            last_error: String::new(),
            last_scrape: None,
            last_duration_s: 0.0,
            interval_ms: target.interval_ms,
            timeout_ms: target.timeout_ms,
            samples: 0,
        }));
        self.statuses.lock().insert(key.to_owned(), Arc::clone(&status));
        let stop = CancellationToken::new();
        let span = tracing::info_span!("scrape", job = target.pool, instance = target.labels.get("instance"));
        let scraper = Scraper::new(Arc::clone(&target), Arc::clone(&self.appender));
        let scrape_loop = Loop { target, client, scraper, clock: Arc::clone(&self.clock), status, buffer: Vec::new() };
        let task = tokio::spawn(scrape_loop.run(stop.clone()).instrument(span));
        Running { identity, stop, task }
    }
}

async fn end(running: Running, key: &str) {
    running.stop.cancel();
    if let Err(error) = running.task.await {
        tracing::error!(target_key = key, %error, "a scrape loop failed");
    }
}

struct Loop {
    target: Arc<Target>,
    client: Option<Client>,
    scraper: Scraper,
    clock: Arc<dyn Clock>,
    status: Arc<Mutex<TargetStatus>>,
    /// The memory of the previous page.
    buffer: Vec<u8>,
}

impl Loop {
    async fn run(mut self, stop: CancellationToken) {
        let started_ms = self.clock.now_ms();
        let mut due_ms = self.first_due(started_ms);
        loop {
            let wait_ms = u64::try_from(due_ms - self.clock.now_ms()).unwrap_or(0);
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
            }
            let began_ms = self.clock.now_ms();
            let at_ms = if (began_ms - due_ms).abs() <= TICK_TOLERANCE_MS { due_ms } else { began_ms };
            self.scrape(Timestamp::from_ms(at_ms)).await;
            due_ms = self.next_due(started_ms, self.clock.now_ms().max(due_ms));
        }
        // Everyone who reads must learn that nothing more comes.
        if let Err(error) = self.scraper.append_end(Timestamp::from_ms(self.clock.now_ms())) {
            tracing::warn!(%error, "cannot end the series of a removed target");
        }
    }

    /// A built-in collector begins at once, a target somewhere in its interval.
    fn first_due(&self, now_ms: i64) -> i64 {
        match self.target.endpoint {
            Endpoint::BuiltIn(_) => now_ms,
            Endpoint::Http(_) => next_tick(now_ms, self.target.interval_ms, self.target.offset_ms()),
        }
    }

    fn next_due(&self, started_ms: i64, after_ms: i64) -> i64 {
        let eager = matches!(self.target.endpoint, Endpoint::BuiltIn(_)) && after_ms - started_ms < EAGER_MS;
        let regular_ms = next_tick(after_ms + 1, self.target.interval_ms, self.target.offset_ms());
        if eager { regular_ms.min(after_ms + EAGER_INTERVAL_MS) } else { regular_ms }
    }

    async fn scrape(&mut self, at: Timestamp) {
        let began = tokio::time::Instant::now();
        let outcome = match (&self.target.endpoint, &self.client) {
            (Endpoint::Http(url), Some(Client { client, config })) => {
                let buffer = std::mem::take(&mut self.buffer);
                let page = fetch(client, config, url, self.target.timeout_ms, &self.target.limits, buffer).await;
                let duration_s = began.elapsed().as_secs_f64();
                let appended = self.scraper.append_page(page.as_ref().map_err(Clone::clone), at, duration_s);
                self.buffer = page.map(|page| page.body).unwrap_or_default();
                appended
            }
            (Endpoint::BuiltIn(source), _) => {
                let collect = Arc::clone(&source.collect);
                let collected = tokio::task::spawn_blocking(move || collect(at)).await;
                let families = collected.unwrap_or_else(|panic| Err(format!("the collector panicked: {panic}")));
                self.scraper.append_families(families, at, began.elapsed().as_secs_f64())
            }
            (Endpoint::Http(_), None) => return,
        };
        self.report(outcome, at, began.elapsed().as_secs_f64());
    }

    fn report(&self, outcome: Result<Outcome, AppendError>, at: Timestamp, duration_s: f64) {
        let (error, samples) = match outcome {
            Ok(outcome) => (outcome.error, outcome.samples),
            Err(error) => (Some(error.to_string()), 0),
        };
        let mut status = self.status.lock();
        let was = status.health;
        status.health = if error.is_none() { Health::Up } else { Health::Down };
        status.last_error = error.unwrap_or_default();
        status.last_scrape = Some(at);
        status.last_duration_s = duration_s;
        status.samples = samples;
        if status.health == Health::Down && was != Health::Down {
            tracing::warn!(url = status.url, error = status.last_error, "the target is down");
        }
    }
}

/// The first tick that is not before `from_ms`.
fn next_tick(from_ms: i64, interval_ms: i64, offset_ms: i64) -> i64 {
    let interval_ms = interval_ms.max(1);
    from_ms + (offset_ms - from_ms).rem_euclid(interval_ms)
}

#[cfg(test)]
mod tests {
    use clock::SystemClock;
    use model::{Family, MetricType};
    use storage::{MemoryStorage, Queryable as _};
    use test_support::HttpTarget;

    use super::*;
    use crate::config::StaticGroup;

    #[test]
    fn ticks_are_on_the_grid() {
        for (from, expected) in [(0, 3), (3, 3), (4, 13), (13, 13)] {
            assert_eq!(next_tick(from, 10, 3), expected);
        }
    }

    fn job(target: &HttpTarget) -> ScrapeConfig {
        let group = StaticGroup { targets: vec![target.address().to_string()], ..StaticGroup::default() };
        ScrapeConfig {
            job_name: "j".to_owned(),
            scrape_interval_ms: 20,
            scrape_timeout_ms: 20_000,
            static_groups: vec![group],
            ..ScrapeConfig::default()
        }
    }

    async fn until(what: &str, holds: impl Fn() -> bool) {
        let waited = tokio::time::timeout(Duration::from_secs(30), async {
            while !holds() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(waited.await.is_ok(), "never: {what}");
    }

    #[tokio::test]
    async fn targets_come_answer_fail_and_go() {
        http_client::install_crypto_provider();
        let target = HttpTarget::serving("a 1\n").await;
        let storage = Arc::new(MemoryStorage::new());
        let manager = Manager::new(storage.clone(), Arc::new(SystemClock));
        let built_in = BuiltIn {
            job: "host".to_owned(),
            instance: "me".to_owned(),
            interval_ms: 60_000,
            collect: Arc::new(|_| {
                let mut family = Family::new("load", "", MetricType::Gauge);
                family.push([], 2.0);
                Ok(vec![family])
            }),
        };
        manager.apply(vec![job(&target)], vec![built_in]).await.unwrap();
        let health = |pool: &str| manager.targets().iter().find(|t| t.pool == pool).map(|t| t.health);
        until("both are up", || health("j") == Some(Health::Up) && health("host") == Some(Health::Up)).await;
        target.set_status(500);
        until("the target is down", || health("j") == Some(Health::Down)).await;
        assert!(
            manager.targets().iter().any(|t| t.last_error == "server returned HTTP status 500 Internal Server Error")
        );
        target.set_body("{\"a\": 1}");
        target.set_status(200);
        until("a page that is none is explained", || {
            manager.targets().iter().any(|t| t.last_error.starts_with("line 1"))
        })
        .await;
        manager.apply(vec![], vec![]).await.unwrap();
        assert!(manager.targets().is_empty());
        let names = storage.label_values("__name__", &[], model::TimeRange::ALL).unwrap();
        assert!(names.contains(&"load".to_owned()) && names.contains(&"up".to_owned()), "{names:?}");
        manager.shutdown().await;
    }
}
