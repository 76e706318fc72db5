//! Starts, keeps and ends the loops: one task for each target.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use clock::Clock;
use http_client::Client;
use model::{Labels, Timestamp};
use parking_lot::Mutex;
use storage::Appender;
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::config::ScrapeConfig;
use crate::machine::Machine;
use crate::pool::{self, PoolPlan};
use crate::raw_page;
use crate::scrape_task::{Assignment, Loop};
use crate::source::BuiltIn;
use crate::status::{DroppedTarget, Health, PoolStatus, RawPage, TargetStatus};
use crate::target::Target;

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
}

/// All scrape loops.
pub struct Manager {
    appender: Arc<dyn Appender>,
    clock: Arc<dyn Clock>,
    machine: Machine,
    loops: tokio::sync::Mutex<BTreeMap<String, Running>>,
    view: Mutex<View>,
}

/// What pages and the API ask.
#[derive(Default)]
struct View {
    /// In the order in which they are shown: by job, then by labels.
    seats: BTreeMap<String, Seat>,
    pools: Vec<PoolPlan>,
    jobs: Vec<Job>,
}

/// A target and what is known of it.
#[derive(Clone)]
struct Seat {
    status: Arc<Mutex<TargetStatus>>,
    assignment: Assignment,
}

/// A job in force.
#[derive(Clone)]
struct Job {
    config: Arc<ScrapeConfig>,
    /// The same as its loops see it.
    reading: Arc<ScrapeConfig>,
    client: Client,
}

/// A loop.
struct Running {
    assignments: watch::Sender<Assignment>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Manager {
    /// Without targets.
    pub fn new(appender: Arc<dyn Appender>, clock: Arc<dyn Clock>, machine: Machine) -> Self {
        Self { appender, clock, machine, loops: tokio::sync::Mutex::default(), view: Mutex::default() }
    }

    /// Makes these the targets: loops of targets that stay the same go on, others end or begin.
    ///
    /// # Errors
    /// A job's client cannot be made; then everything stays as it was.
    pub async fn apply(&self, configs: Vec<ScrapeConfig>, built_in: Vec<BuiltIn>) -> Result<(), ApplyError> {
        let jobs = configs.into_iter().map(Job::new).collect::<Result<Vec<_>, _>>()?;
        let plan = |job: &Job| pool::plan(&job.config, &job.reading, &pool::static_groups(&job.config));
        let mut pools: Vec<PoolPlan> = jobs.iter().map(plan).collect();
        let configs: Vec<_> = jobs.iter().map(|job| Arc::clone(&job.config)).collect();
        pool::give_way(&mut pools, &configs, &self.machine);

        let mut wanted = BTreeMap::new();
        for (plan, job) in pools.iter().zip(&jobs) {
            for target in &plan.targets {
                let (client, refused) = (Some(job.client.clone()), plan.refused.clone());
                wanted.insert(order(target), Assignment { target: Arc::clone(target), client, refused });
            }
        }
        for source in built_in {
            let target = Arc::new(Target::built_in(source));
            wanted.insert(order(&target), Assignment { target, client: None, refused: None });
        }
        let mut loops = self.loops.lock().await;
        self.reconcile(&mut loops, wanted).await;
        let mut view = self.view.lock();
        view.pools = pools;
        view.jobs = jobs;
        Ok(())
    }

    async fn reconcile(&self, loops: &mut BTreeMap<String, Running>, wanted: BTreeMap<String, Assignment>) {
        let ended: Vec<String> = loops.keys().filter(|key| !wanted.contains_key(*key)).cloned().collect();
        let ended: Vec<Running> = ended.iter().filter_map(|key| loops.remove(key)).collect();
        for running in &ended {
            running.stop.cancel();
        }
        for running in ended {
            join(running.task).await;
        }
        self.view.lock().seats.retain(|key, _| wanted.contains_key(key));
        for (key, assignment) in wanted {
            match loops.entry(key) {
                Entry::Occupied(running) => {
                    if let Some(seat) = self.view.lock().seats.get_mut(running.key()) {
                        self.describe(&mut seat.status.lock(), &assignment.target);
                        seat.assignment = assignment.clone();
                    }
                    running.get().assignments.send_replace(assignment);
                }
                Entry::Vacant(vacant) => {
                    let status = Arc::new(Mutex::new(self.status(&assignment.target)));
                    let seat = Seat { status: Arc::clone(&status), assignment: assignment.clone() };
                    self.view.lock().seats.insert(vacant.key().clone(), seat);
                    vacant.insert(self.start(assignment, status));
                }
            }
        }
    }

    fn start(&self, assignment: Assignment, status: Arc<Mutex<TargetStatus>>) -> Running {
        let target = &assignment.target;
        let span = tracing::info_span!("scrape", job = target.pool, instance = target.labels.get("instance"));
        let (assignments, receiver) = watch::channel(assignment);
        let scrape_loop = Loop::new(receiver, Arc::clone(&self.appender), Arc::clone(&self.clock), status);
        let stop = CancellationToken::new();
        let task = tokio::spawn(scrape_loop.run(stop.clone()).instrument(span));
        Running { assignments, stop, task }
    }

    fn status(&self, target: &Target) -> TargetStatus {
        let mut status = TargetStatus {
            key: target.id(),
            pool: target.pool.clone(),
            url: target.url.clone(),
            labels: target.labels.clone(),
            ..TargetStatus::default()
        };
        self.describe(&mut status, target);
        status
    }

    /// What may change while a loop goes on.
    fn describe(&self, status: &mut TargetStatus, target: &Target) {
        status.global_url = self.machine.global_url(&target.url);
        status.discovered_labels = target.discovered_labels.clone();
        status.interval_ms = target.interval_ms;
        status.timeout_ms = target.timeout_ms;
        status.reason = target.reason.clone();
    }

    /// What each target's last scrape was like, by job and labels.
    pub fn targets(&self) -> Vec<TargetStatus> {
        self.view.lock().seats.values().map(|seat| seat.status.lock().clone()).collect()
    }

    /// What was found and is not scraped, by job; of each job at most its `dropped_targets_kept`.
    pub fn dropped(&self) -> Vec<DroppedTarget> {
        self.view.lock().pools.iter().flat_map(|pool| pool.dropped.clone()).collect()
    }

    /// The jobs with their targets counted: configured ones in the order of the configuration, then built-in ones.
    pub fn pools(&self) -> Vec<PoolStatus> {
        let view = self.view.lock();
        let status = |pool: &PoolPlan| PoolStatus {
            name: pool.name.clone(),
            dropped: pool.dropped_count,
            target_errors: pool.errors.clone(),
            target_limit_exceeded: pool.refused.is_some(),
            ..PoolStatus::default()
        };
        let mut pools: Vec<PoolStatus> = view.pools.iter().map(status).collect();
        for seat in view.seats.values() {
            let status = seat.status.lock();
            let position = pools.iter().position(|pool| pool.name == status.pool).unwrap_or(pools.len());
            if position == pools.len() {
                pools.push(PoolStatus { name: status.pool.clone(), ..PoolStatus::default() });
            }
            let pool = &mut pools[position];
            match status.health {
                // What rests is nobody's concern.
                _ if status.resting.is_some() => {}
                Health::Up => pool.up += 1,
                Health::Down => pool.down += 1,
                Health::Unknown => pool.unknown += 1,
            }
        }
        pools
    }

    /// The rules of a job, each with what it makes of `labels`, as far as the first that drops them; `None` if there is
    /// no such job.
    pub fn relabel_steps(&self, pool: &str, labels: &Labels) -> Option<Vec<(relabel::Config, relabel::Step)>> {
        let view = self.view.lock();
        let job = view.jobs.iter().find(|job| job.config.job_name == pool)?;
        let rules = job.config.relabel_configs.clone();
        drop(view);
        let steps = relabel::explain(labels, &rules);
        Some(rules.into_iter().zip(steps).collect())
    }

    /// Fetches a target's page now, for people to read; nothing of it is stored. `key` is [`TargetStatus::key`].
    ///
    /// # Errors
    /// There is no such target, or it does not answer; the text says which.
    pub async fn raw_page(&self, key: &str) -> Result<RawPage, String> {
        let seat = self.view.lock().seats.values().find(|seat| seat.status.lock().key == key).cloned();
        let Some(Seat { status, assignment }) = seat else {
            return Err("there is no such target any more".to_owned());
        };
        let stand_in = status.lock().served_by.is_some();
        raw_page::of(&assignment, stand_in, Timestamp::from_ms(self.clock.now_ms())).await
    }

    /// Ends all loops; their series end with markers only where targets are removed, not where the program stops.
    pub async fn shutdown(&self) {
        let loops = std::mem::take(&mut *self.loops.lock().await);
        for running in loops.values() {
            running.task.abort();
        }
        for (_, running) in loops {
            join(running.task).await;
        }
    }
}

impl Job {
    fn new(config: ScrapeConfig) -> Result<Self, ApplyError> {
        let client = http_client::build(&config.http)
            .map_err(|source| ApplyError::Client { job: config.job_name.clone(), source })?;
        Ok(Self { reading: Arc::new(config.without_targets()), config: Arc::new(config), client })
    }
}

/// Under what a target stands among all.
fn order(target: &Target) -> String {
    format!("{}\0{}", target.pool, target.key())
}

async fn join(task: JoinHandle<()>) {
    if let Err(error) = task.await
        && error.is_panic()
    {
        tracing::error!(%error, "a scrape loop panicked");
    }
}
#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clock::SystemClock;
    use model::{Family, MetricType};
    use storage::{MemoryStorage, Queryable as _};
    use test_support::HttpTarget;

    use super::*;
    use crate::config::StaticGroup;

    fn job(target: &HttpTarget) -> ScrapeConfig {
        let group = StaticGroup { targets: vec![target.address().to_string()], ..StaticGroup::default() };
        ScrapeConfig {
            job_name: "j".to_owned(),
            scrape_interval_ms: 100,
            scrape_timeout_ms: 100,
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
        let manager = Manager::new(storage.clone(), Arc::new(SystemClock), Machine::default());
        let built_in = BuiltIn {
            job: "host".to_owned(),
            instance: "me".to_owned(),
            interval_ms: 60_000,
            stands_for: Vec::new(),
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
            manager.targets().iter().any(|t| t.last_error.contains("returned JSON") && t.health == Health::Down)
        })
        .await;
        manager.apply(vec![], vec![]).await.unwrap();
        assert!(manager.targets().is_empty());
        let names = storage.label_values("__name__", &[], model::TimeRange::ALL).unwrap();
        assert!(names.contains(&"load".to_owned()) && names.contains(&"up".to_owned()), "{names:?}");
        manager.shutdown().await;
    }
}
