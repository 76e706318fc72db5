//! The loops: one task for each target. They are started, given new assignments and ended here.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::common::Common;
use crate::scrape_task::{Assignment, Loop};
use crate::status::TargetStatus;
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
        let scrape_loop = Loop::new(Arc::clone(common), receiver, status);
        let stop = CancellationToken::new();
        let task = tokio::spawn(scrape_loop.run(stop.clone()).instrument(span));
        Self { assignments, stop, task }
    }
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
