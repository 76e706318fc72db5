//! One target's loop: waits for the next tick, asks, hands the page on, reports.

use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use http_client::Client;
use model::Timestamp;
use parking_lot::Mutex;
use storage::{AppendError, Appender};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::fetch::{Page, fetch};
use crate::scrape_loop::{Outcome, Scraper};
use crate::source::BuiltIn;
use crate::status::{Health, TargetStatus};
use crate::target::{Endpoint, Target};
use crate::ticks::{next_tick, snapped};

/// A built-in collector is asked every second for this long after its start, in milliseconds.
const EAGER_MS: i64 = 5_000;
/// How often it is asked then, in milliseconds.
const EAGER_INTERVAL_MS: i64 = 1_000;

/// What a loop has to do. A new one may come at any time.
#[derive(Clone)]
pub(crate) struct Assignment {
    pub(crate) target: Arc<Target>,
    /// How the target is reached over HTTP.
    pub(crate) client: Option<Client>,
    /// Every scrape fails for this reason, without being made.
    pub(crate) refused: Option<String>,
}

/// A target's loop.
pub(crate) struct Loop {
    assignments: watch::Receiver<Assignment>,
    assignment: Assignment,
    scraper: Scraper,
    clock: Arc<dyn Clock>,
    status: Arc<Mutex<TargetStatus>>,
    /// The memory of the previous page.
    buffer: Vec<u8>,
}

/// What a scrape brought.
struct Scraped {
    outcome: Result<Outcome, AppendError>,
    body_bytes: usize,
}

impl Loop {
    pub(crate) fn new(
        mut assignments: watch::Receiver<Assignment>,
        appender: Arc<dyn Appender>,
        clock: Arc<dyn Clock>,
        status: Arc<Mutex<TargetStatus>>,
    ) -> Self {
        let assignment = assignments.borrow_and_update().clone();
        let scraper = Scraper::new(Arc::clone(&assignment.target), appender);
        Self { assignments, assignment, scraper, clock, status, buffer: Vec::new() }
    }

    /// Scrapes until it is told to stop; then the target's series end.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let started_ms = self.clock.now_ms();
        let mut due_ms = self.first_due(started_ms);
        loop {
            let wait_ms = u64::try_from(due_ms - self.clock.now_ms()).unwrap_or(0);
            tokio::select! {
                () = stop.cancelled() => break,
                Ok(()) = self.assignments.changed() => {
                    self.take_assignment();
                    due_ms = due_ms.min(self.next_due(started_ms, self.clock.now_ms()));
                    continue;
                }
                () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
            }
            let at_ms = snapped(due_ms, self.clock.now_ms(), self.assignment.target.interval_ms);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = self.scrape(Timestamp::from_ms(at_ms)) => {}
            }
            // Ticks that passed meanwhile are not made up for.
            due_ms = self.next_due(started_ms, self.clock.now_ms().max(due_ms));
        }
        // Everyone who reads must learn that nothing more comes.
        if let Err(error) = self.scraper.append_end(Timestamp::from_ms(self.clock.now_ms())) {
            tracing::warn!(%error, "cannot end the series of a removed target");
        }
    }

    fn take_assignment(&mut self) {
        let assignment = self.assignments.borrow_and_update().clone();
        if !assignment.target.reads_like(&self.assignment.target) {
            self.scraper.retarget(Arc::clone(&assignment.target));
        }
        self.assignment = assignment;
    }

    /// A built-in collector begins at once, a target somewhere in its interval.
    fn first_due(&self, now_ms: i64) -> i64 {
        let target = &self.assignment.target;
        match target.endpoint {
            Endpoint::BuiltIn(_) => now_ms,
            Endpoint::Http(_) => next_tick(now_ms, target.interval_ms, target.offset_ms()),
        }
    }

    fn next_due(&self, started_ms: i64, after_ms: i64) -> i64 {
        let target = &self.assignment.target;
        let eager = matches!(target.endpoint, Endpoint::BuiltIn(_)) && after_ms - started_ms < EAGER_MS;
        let regular_ms = next_tick(after_ms + 1, target.interval_ms, target.offset_ms());
        if eager { regular_ms.min(after_ms + EAGER_INTERVAL_MS) } else { regular_ms }
    }

    async fn scrape(&mut self, at: Timestamp) {
        let began = tokio::time::Instant::now();
        let target = Arc::clone(&self.assignment.target);
        let scraped = match (&self.assignment.refused, &target.endpoint) {
            (Some(refused), _) => self.append(Err(refused.clone()), at, 0.0),
            (None, Endpoint::Http(_)) => {
                let page = self.fetch(&target).await;
                self.append(page, at, began.elapsed().as_secs_f64())
            }
            (None, Endpoint::BuiltIn(source)) => {
                let families = collect(source, at).await;
                let outcome = self.scraper.append_families(families, at, began.elapsed().as_secs_f64());
                Scraped { outcome, body_bytes: 0 }
            }
        };
        self.report(scraped, at, began.elapsed().as_secs_f64());
    }

    async fn fetch(&mut self, target: &Target) -> Result<Page, String> {
        let Some(client) = &self.assignment.client else { return Err("the target has no client".to_owned()) };
        fetch(client, target, std::mem::take(&mut self.buffer)).await
    }

    fn append(&mut self, page: Result<Page, String>, at: Timestamp, duration_s: f64) -> Scraped {
        let outcome = self.scraper.append_page(page.as_ref().map_err(Clone::clone), at, duration_s);
        self.buffer = page.map(|page| page.body).unwrap_or_default();
        Scraped { outcome, body_bytes: self.buffer.len() }
    }

    fn report(&self, scraped: Scraped, at: Timestamp, duration_s: f64) {
        let (error, samples) = match scraped.outcome {
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
        status.samples_kept = samples;
        status.body_bytes = scraped.body_bytes;
        if status.health == Health::Down && was != Health::Down {
            tracing::warn!(url = status.url, error = status.last_error, "the target is down");
        }
    }
}

/// Asks a built-in collector.
pub(crate) async fn collect(source: &BuiltIn, at: Timestamp) -> Result<Vec<model::Family>, String> {
    let collect = Arc::clone(&source.collect);
    let collected = tokio::task::spawn_blocking(move || collect(at)).await;
    collected.unwrap_or_else(|panic| Err(format!("the collector panicked: {panic}")))
}
