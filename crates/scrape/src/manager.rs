//! Puts a configuration into force, and follows what its discoveries find.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use model::{Family, Labels, Timestamp};
use parking_lot::Mutex;
use storage::Appender;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::common::Common;
use crate::config::ScrapeConfig;
use crate::crew::{self, Crew};
use crate::fetch::AGENT;
use crate::finders::Finders;
use crate::job::{ApplyError, Job};
use crate::machine::Machine;
use crate::own_metrics;
use crate::pool::{self, PoolPlan};
use crate::raw_page;
use crate::scrape_task::{Assignment, StandIn};
use crate::source::BuiltIn;
use crate::stand_in;
use crate::status::{DroppedTarget, PoolStatus, RawPage, TargetStatus};
use crate::target::{Endpoint, Target};
use crate::view::{Seat, View};

/// Discoveries that have news all the time are followed this often at most, in milliseconds.
const FOLLOW_PAUSE_MS: u64 = 500;

/// All scrape loops.
pub struct Manager {
    inner: Arc<Inner>,
    following: tokio::sync::Mutex<Option<JoinHandle<()>>>,
    stop: CancellationToken,
}

struct Inner {
    common: Arc<Common>,
    /// What discoveries remember of each other over reloads.
    discovery: discovery::Context,
    view: Mutex<View>,
    state: tokio::sync::Mutex<State>,
    /// Told by discoveries that have news.
    changed: Arc<Notify>,
}

/// What is in force. Held by whoever changes it.
#[derive(Default)]
struct State {
    jobs: Vec<Arc<Job>>,
    built_in: Vec<BuiltIn>,
    finders: Finders,
    crew: Crew,
}

impl Manager {
    /// Without targets.
    pub fn new(appender: Arc<dyn Appender>, clock: Arc<dyn Clock>, machine: Machine) -> Self {
        let inner = Inner {
            discovery: discovery::Context::new(Arc::clone(&clock), AGENT),
            common: Arc::new(Common::new(appender, clock, machine)),
            view: Mutex::default(),
            state: tokio::sync::Mutex::default(),
            changed: Arc::default(),
        };
        Self { inner: Arc::new(inner), following: tokio::sync::Mutex::default(), stop: CancellationToken::new() }
    }

    /// Makes these the targets: loops of targets that stay the same go on, others end or begin. The same holds for
    /// discoveries.
    ///
    /// # Errors
    /// A job's client cannot be made; then everything stays as it was.
    pub async fn apply(&self, configs: Vec<ScrapeConfig>, built_in: Vec<BuiltIn>) -> Result<(), ApplyError> {
        let inner = &self.inner;
        let mut state = inner.state.lock().await;
        let jobs = configs.into_iter().map(|config| Job::new(config, &state.jobs).map(Arc::new));
        state.jobs = jobs.collect::<Result<_, _>>()?;
        state.built_in = built_in;
        let discoveries = state
            .jobs
            .iter()
            .flat_map(|job| job.config.discoveries.iter().map(|config| (job.config.job_name.clone(), config.clone())));
        let discoveries = discoveries.collect();
        state.finders.apply(discoveries, &inner.discovery, &inner.changed).await;
        inner.sync(&mut state).await;
        drop(state);
        let mut following = self.following.lock().await;
        if following.is_none() {
            *following = Some(tokio::spawn(follow(Arc::clone(inner), self.stop.clone())));
        }
        Ok(())
    }

    /// What each target's last scrape was like, by job and labels.
    pub fn targets(&self) -> Vec<TargetStatus> {
        self.inner.view.lock().targets()
    }

    /// What was found and is not scraped, by job; of each job at most its `dropped_targets_kept`.
    pub fn dropped(&self) -> Vec<DroppedTarget> {
        self.inner.view.lock().dropped()
    }

    /// The jobs with their targets counted: configured ones in the order of the configuration, then built-in ones.
    pub fn pools(&self) -> Vec<PoolStatus> {
        self.inner.view.lock().pools()
    }

    /// The rules of a job, each with what it makes of `labels`, as far as the first that drops them; `None` if there is
    /// no such job.
    pub fn relabel_steps(&self, pool: &str, labels: &Labels) -> Option<Vec<(relabel::Config, relabel::Step)>> {
        self.inner.view.lock().relabel_steps(pool, labels)
    }

    /// Fetches a target's page now, for people to read; nothing of it is stored. `key` is [`TargetStatus::key`].
    ///
    /// # Errors
    /// There is no such target, or it does not answer; the text says which.
    pub async fn raw_page(&self, key: &str) -> Result<RawPage, String> {
        let Some(Seat { status, assignment }) = self.inner.view.lock().find(key) else {
            return Err("there is no such target any more".to_owned());
        };
        let stands_in = status.lock().served_by.is_some();
        raw_page::of(&assignment, stands_in, Timestamp::from_ms(self.inner.common.clock.now_ms())).await
    }

    /// What Prometheus says of its own scraping, under its names.
    pub fn own_metrics(&self) -> Vec<Family> {
        own_metrics::families(&self.inner.view.lock(), &self.inner.common.tally)
    }

    /// Ends all loops; their series end with markers only where targets are removed, not where the program stops.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        if let Some(following) = self.following.lock().await.take()
            && let Err(error) = following.await
        {
            tracing::error!(%error, "the task that follows discoveries panicked");
        }
        let mut state = self.inner.state.lock().await;
        state.finders.shutdown().await;
        state.crew.shutdown(&self.inner.common).await;
    }
}

/// Follows what discoveries find.
async fn follow(inner: Arc<Inner>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = inner.changed.notified() => {}
        }
        let mut state = inner.state.lock().await;
        inner.sync(&mut state).await;
        drop(state);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_millis(FOLLOW_PAUSE_MS)) => {}
        }
    }
}

impl Inner {
    /// Makes what is configured and found what is scraped.
    async fn sync(&self, state: &mut State) {
        let mut discovery_errors = BTreeMap::new();
        let mut pools: Vec<PoolPlan> = Vec::with_capacity(state.jobs.len());
        for job in &state.jobs {
            let found = state.finders.of(&job.config.job_name);
            let errors: Vec<String> = found.iter().filter_map(|found| found.error.clone()).collect();
            discovery_errors.insert(job.config.job_name.clone(), errors);
            let static_groups = pool::static_groups(&job.config);
            let groups = static_groups.iter().chain(found.iter().flat_map(|found| &found.groups));
            pools.push(pool::plan(&job.config, &job.reading, groups));
        }
        let configs: Vec<_> = state.jobs.iter().map(|job| Arc::clone(&job.config)).collect();
        pool::give_way(&mut pools, &configs, &self.common.machine);

        let mut wanted = BTreeMap::new();
        let mut ports_here = BTreeSet::new();
        for (plan, job) in pools.iter().zip(&state.jobs) {
            for target in &plan.targets {
                // What was only found may be the very thing that a mistyped target means.
                if !job.config.gives_way {
                    ports_here.extend(self.port_here(target));
                }
                let refused = plan.refused.clone();
                // Whom nobody asks, nobody stands in for.
                let stand_in = match refused {
                    Some(_) => None,
                    None => self.stand_in(target, job.config.gives_way, &state.built_in),
                };
                let (target, client) = (Arc::clone(target), Some(job.client.clone()));
                let assignment = Assignment { target, client, refused, stand_in };
                wanted.insert(crew::place(&assignment.target), assignment);
            }
        }
        for source in &state.built_in {
            let target = Arc::new(Target::built_in(source.clone()));
            let place = crew::place(&target);
            wanted.insert(place, Assignment { target, client: None, refused: None, stand_in: None });
        }
        *self.common.ports_here.lock() = ports_here;
        {
            let mut view = self.view.lock();
            view.pools = pools;
            view.jobs.clone_from(&state.jobs);
            view.discovery_errors = discovery_errors;
        }
        state.crew.assign(wanted, &self.common, &self.view).await;
    }

    fn port_here(&self, target: &Target) -> Option<u16> {
        let Endpoint::Http(url) = &target.endpoint else { return None };
        url.port_or_known_default().filter(|_| url.host_str().is_some_and(|host| self.common.machine.is_here(host)))
    }

    fn stand_in(&self, target: &Target, found: bool, built_in: &[BuiltIn]) -> Option<StandIn> {
        let Endpoint::Http(url) = &target.endpoint else { return None };
        let candidate = stand_in::candidate(url, &self.common.machine, found)?;
        let source = built_in.iter().find(|source| source.stands_for.contains(&candidate.program))?;
        Some(StandIn { candidate, source: source.clone() })
    }
}
