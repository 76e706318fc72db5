//! The loops: one task for each target. They are started, given new assignments and ended here.

use std::any::Any;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::common::Common;
use crate::scrape_task::{Assignment, Loop};
use crate::status::{Health, TargetStatus};
use crate::target::Target;
use crate::view::{Seat, View};

/// The loops that run.
#[derive(Default)]
pub(crate) struct Crew(BTreeMap<String, Running>);

struct Running {
    assignments: watch::Sender<Assignment>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Under what a target stands among all.
pub(crate) fn place(target: &Target) -> String {
    format!("{}\0{}", target.pool, target.key())
}

impl Crew {
    /// Makes these what is scraped: loops of targets that stay go on, without a gap even if their job has changed.
    pub(crate) async fn assign(
        &mut self,
        wanted: BTreeMap<String, Assignment>,
        common: &Arc<Common>,
        view: &Mutex<View>,
    ) {
        let gone: Vec<String> = self.0.keys().filter(|key| !wanted.contains_key(*key)).cloned().collect();
        let gone: Vec<Running> = gone.iter().filter_map(|key| self.0.remove(key)).collect();
        for running in &gone {
            running.stop.cancel();
        }
        for running in gone {
            join(running.task).await;
        }
        view.lock().seats.retain(|key, _| wanted.contains_key(key));
        for (key, assignment) in wanted {
            match self.0.entry(key) {
                Entry::Occupied(running) => {
                    if let Some(seat) = view.lock().seats.get_mut(running.key()) {
                        describe(&mut seat.status.lock(), &assignment.target, common);
                        seat.assignment = assignment.clone();
                    }
                    running.get().assignments.send_replace(assignment);
                }
                Entry::Vacant(vacant) => {
                    let status = Arc::new(Mutex::new(status(&assignment.target, common)));
                    let seat = Seat { status: Arc::clone(&status), assignment: assignment.clone() };
                    view.lock().seats.insert(vacant.key().clone(), seat);
                    vacant.insert(Running::start(assignment, status, common));
                }
            }
        }
    }

    /// Ends all loops where they are; no series ends with a marker, because the program will come back.
    pub(crate) async fn shutdown(&mut self, common: &Common) {
        common.halt.cancel();
        let running = std::mem::take(&mut self.0);
        for running in running.values() {
            running.stop.cancel();
        }
        for (_, running) in running {
            join(running.task).await;
        }
    }
}

impl Running {
    fn start(assignment: Assignment, status: Arc<Mutex<TargetStatus>>, common: &Arc<Common>) -> Self {
        let target = &assignment.target;
        let span = tracing::info_span!("scrape", job = target.pool, instance = target.labels.get("instance"));
        let (assignments, receiver) = watch::channel(assignment);
        let scrape_loop = Loop::new(Arc::clone(common), receiver, Arc::clone(&status));
        let stop = CancellationToken::new();
        let run = AssertUnwindSafe(scrape_loop.run(stop.clone())).catch_unwind();
        let task = async move {
            if let Err(panic) = run.await {
                let mut status = status.lock();
                status.health = Health::Down;
                status.last_error =
                    format!("the scrape loop panicked, which is a defect of Pitwall: {}", said(&*panic));
                tracing::error!(url = status.url, error = status.last_error, "the target is no longer scraped");
            }
        };
        Self { assignments, stop, task: tokio::spawn(task.instrument(span)) }
    }
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("nothing")
}

fn status(target: &Target, common: &Common) -> TargetStatus {
    let mut status = TargetStatus {
        key: target.id(),
        pool: target.pool.clone(),
        url: target.url.clone(),
        labels: target.labels.clone(),
        ..TargetStatus::default()
    };
    describe(&mut status, target, common);
    status
}

/// What may change while a loop goes on.
fn describe(status: &mut TargetStatus, target: &Target, common: &Common) {
    status.global_url = common.machine.global_url(&target.url);
    status.discovered_labels = target.discovered_labels.clone();
    status.interval_ms = target.interval_ms;
    status.timeout_ms = target.timeout_ms;
    status.reason.clone_from(&target.reason);
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
    use clock::SystemClock;
    use model::Labels;
    use storage::{AppendError, Appended, Appender, Batch, GroupId, SeriesId};

    use super::*;
    use crate::config::ScrapeConfig;
    use crate::machine::Machine;

    /// A store with a defect.
    struct Broken;

    impl Appender for Broken {
        fn group(&self, _key: &str) -> GroupId {
            GroupId(0)
        }

        fn series_id(&self, _group: GroupId, _labels: &Labels) -> Result<SeriesId, AppendError> {
            panic!("the store is broken")
        }

        fn append(&self, _batches: &[Batch]) -> Result<Appended, AppendError> {
            panic!("the store is broken")
        }
    }

    #[tokio::test]
    async fn a_loop_that_panics_says_so_on_the_targets_page() {
        let common = Arc::new(Common::new(Arc::new(Broken), Arc::new(SystemClock), Machine::default()));
        let config = ScrapeConfig { scrape_interval_ms: 10, scrape_timeout_ms: 10, ..ScrapeConfig::default() };
        let target = Arc::new(Target::new(&config, "127.0.0.1:1", &Labels::empty()).unwrap());
        let refused = Some("for the test".to_owned());
        let assignment = Assignment { target: Arc::clone(&target), client: None, refused, stand_in: None };
        let (mut crew, view) = (Crew::default(), Mutex::new(View::default()));
        crew.assign(BTreeMap::from([(place(&target), assignment)]), &common, &view).await;
        for (_, running) in std::mem::take(&mut crew.0) {
            running.task.await.unwrap();
        }
        let status = view.lock().targets().remove(0);
        assert_eq!(status.health, Health::Down);
        assert!(status.last_error.ends_with("a defect of Pitwall: the store is broken"), "{}", status.last_error);
    }
}
