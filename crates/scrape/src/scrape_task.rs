//! One target's loop: waits for the next tick, asks, hands the page on, reports.

use std::sync::Arc;
use std::time::Duration;

use http_client::Client;
use model::Timestamp;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::advice::Advice;
use crate::body::BodyError;
use crate::common::{Common, Counted};
use crate::failure_log;
use crate::fetch::{FetchError, Page, fetch};
use crate::hint::{self, Trouble};
use crate::reading::{BUCKET_LIMIT, SAMPLE_LIMIT};
use crate::relief::Relief;
use crate::scrape_loop::{Outcome, Scraper};
use crate::source::BuiltIn;
use crate::stand_in::{Answer, Candidate};
use crate::status::{Health, ServedBy, TargetStatus};
use crate::target::{Endpoint, Target};
use crate::ticks::{next_tick, snapped};

/// A built-in collector is asked every second for this long after its start, in milliseconds.
const EAGER_MS: i64 = 5_000;
/// How often it is asked then, in milliseconds.
const EAGER_INTERVAL_MS: i64 = 1_000;
/// A page that is longer is read on a thread of its own, so that no other target waits for it, in bytes.
const OFFLOAD_BYTES_MIN: usize = 256 << 10;
/// Memory of the previous page that is kept for the next one, in bytes.
const BUFFER_KEPT_BYTES_MAX: usize = 4 << 20;

/// What a loop has to do. A new one may come at any time.
#[derive(Clone)]
pub(crate) struct Assignment {
    pub(crate) target: Arc<Target>,
    /// How the target is reached over HTTP.
    pub(crate) client: Option<Client>,
    /// Every scrape fails for this reason, without being made.
    pub(crate) refused: Option<String>,
    /// Who answers if the target is a replaced program that is not there.
    pub(crate) stand_in: Option<StandIn>,
}

/// A built-in collector in place of a configured program.
#[derive(Clone)]
pub(crate) struct StandIn {
    pub(crate) candidate: Candidate,
    pub(crate) source: BuiltIn,
}

/// A target's loop.
pub(crate) struct Loop {
    common: Arc<Common>,
    /// What the target is called on the board.
    key: String,
    assignments: watch::Receiver<Assignment>,
    assignment: Assignment,
    scraper: Arc<Mutex<Scraper>>,
    status: Arc<Mutex<TargetStatus>>,
    relief: Relief,
    /// Whether the target's series have ended because it rests.
    resting: bool,
    advice: Advice,
    /// The memory of the previous page.
    buffer: Vec<u8>,
}

/// What a scrape brought.
struct Scraped {
    outcome: Outcome,
    body_bytes: usize,
    served_by: Option<ServedBy>,
    trouble: Option<Trouble>,
}

impl Scraped {
    fn of(outcome: Outcome) -> Self {
        Self { outcome, body_bytes: 0, served_by: None, trouble: None }
    }
}

impl Loop {
    pub(crate) fn new(
        common: Arc<Common>,
        mut assignments: watch::Receiver<Assignment>,
        status: Arc<Mutex<TargetStatus>>,
    ) -> Self {
        let assignment = assignments.borrow_and_update().clone();
        let target = Arc::clone(&assignment.target);
        let key = target.id();
        let scraper = Arc::new(Mutex::new(Scraper::new(target, Arc::clone(&common.appender))));
        let new = Self {
            common,
            key,
            assignments,
            assignment,
            scraper,
            status,
            relief: Relief::default(),
            resting: false,
            advice: Advice::default(),
            buffer: Vec::new(),
        };
        new.tell_the_board();
        new
    }

    /// Scrapes until it is told to stop; then the target's series end, unless the program does.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let started_ms = self.common.clock.now_ms();
        let mut due_ms = self.first_due(started_ms);
        loop {
            let wait_ms = u64::try_from(due_ms - self.common.clock.now_ms()).unwrap_or(0);
            tokio::select! {
                () = stop.cancelled() => break,
                Ok(()) = self.assignments.changed() => {
                    self.take_assignment();
                    due_ms = due_ms.min(self.next_due(started_ms, self.common.clock.now_ms()));
                    continue;
                }
                () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
            }
            let at_ms = snapped(due_ms, self.common.clock.now_ms(), self.assignment.target.interval_ms);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = self.turn(Timestamp::from_ms(at_ms)) => {}
            }
            // Ticks that passed meanwhile are not made up for.
            due_ms = self.next_due(started_ms, self.common.clock.now_ms().max(due_ms));
        }
        self.common.board.forget(&self.key);
        if self.common.halt.is_cancelled() {
            // What was on its way into the store arrives before the store is closed.
            let scraper = Arc::clone(&self.scraper);
            drop(tokio::task::spawn_blocking(move || drop(scraper.lock())).await);
        } else {
            self.end_series().await;
        }
    }

    /// Everyone who reads must learn that nothing more comes.
    async fn end_series(&self) {
        let (scraper, at) = (Arc::clone(&self.scraper), Timestamp::from_ms(self.common.clock.now_ms()));
        let ended = tokio::task::spawn_blocking(move || scraper.lock().append_end(at)).await;
        if let Ok(Err(error)) = ended {
            tracing::warn!(%error, "cannot end the series of a removed target");
        }
    }

    fn take_assignment(&mut self) {
        let assignment = self.assignments.borrow_and_update().clone();
        if !assignment.target.reads_like(&self.assignment.target) {
            self.scraper.lock().retarget(Arc::clone(&assignment.target));
        }
        if assignment.stand_in.as_ref().map(|stand_in| stand_in.candidate)
            != self.assignment.stand_in.as_ref().map(|stand_in| stand_in.candidate)
        {
            self.relief = Relief::default();
            self.common.board.forget(&self.key);
        }
        self.assignment = assignment;
        self.tell_the_board();
    }

    fn tell_the_board(&self) {
        if let Some(StandIn { candidate, .. }) = &self.assignment.stand_in {
            let (url, job) = (self.assignment.target.url.clone(), self.assignment.target.pool.clone());
            self.common.board.note(&self.key, self.relief.entry(candidate.program, url, job));
        }
    }

    /// A built-in collector begins at once, and so does a target for which one may have to stand in; others somewhere in
    /// their interval.
    fn first_due(&self, now_ms: i64) -> i64 {
        let target = &self.assignment.target;
        match target.endpoint {
            Endpoint::Http(_) if self.assignment.stand_in.is_none() => {
                next_tick(now_ms, target.interval_ms, target.offset_ms())
            }
            Endpoint::Http(_) | Endpoint::BuiltIn(_) => now_ms,
        }
    }

    fn next_due(&self, started_ms: i64, after_ms: i64) -> i64 {
        let target = &self.assignment.target;
        let built_in = matches!(target.endpoint, Endpoint::BuiltIn(_)) || self.relief.answer() == Answer::BuiltIn;
        let regular_ms = next_tick(after_ms + 1, target.interval_ms, target.offset_ms());
        if built_in && after_ms - started_ms < EAGER_MS {
            regular_ms.min(after_ms + EAGER_INTERVAL_MS)
        } else {
            regular_ms
        }
    }

    /// What is due at a tick: a scrape, unless somebody else delivers the same series.
    async fn turn(&mut self, at: Timestamp) {
        let Endpoint::BuiltIn(source) = &self.assignment.target.endpoint else { return self.scrape(at).await };
        let rest = self.common.board.rest(&source.stands_for);
        let rests = rest.is_some();
        {
            let mut status = self.status.lock();
            if rests {
                status.health = Health::Unknown;
                status.last_error.clear();
            }
            status.resting = rest;
        }
        match (rests, self.resting) {
            (true, false) => self.end_series().await,
            (true, true) => {}
            (false, _) => self.scrape(at).await,
        }
        self.resting = rests;
    }

    async fn scrape(&mut self, at: Timestamp) {
        let began = tokio::time::Instant::now();
        let target = Arc::clone(&self.assignment.target);
        let scraped = match (&self.assignment.refused, &target.endpoint) {
            (Some(refused), _) => {
                self.common.tally.count(Counted::TargetLimit);
                Scraped::of(self.append(Err(refused.clone()), at, began).await.0)
            }
            (None, Endpoint::Http(url)) => self.scrape_http(&target, url, at, began).await,
            (None, Endpoint::BuiltIn(source)) => Scraped::of(self.append_built_in(source, at, began).await),
        };
        let (error, trouble) = (scraped.outcome.error.clone(), scraped.trouble);
        self.report(scraped, at, began.elapsed().as_secs_f64());
        if let Some(error) = error {
            self.log_failure(&target, at, &error).await;
        }
        if let (Some(trouble), Endpoint::Http(url)) = (trouble, &target.endpoint) {
            let hint = self.advice.on(trouble, url, at, &self.common).await;
            self.status.lock().hint = hint;
        }
    }

    async fn scrape_http(
        &mut self,
        target: &Arc<Target>,
        url: &Url,
        at: Timestamp,
        began: tokio::time::Instant,
    ) -> Scraped {
        let stand_in = self.assignment.stand_in.clone();
        if let Some(StandIn { candidate, source }) = &stand_in
            && let Some(failure) = self.relief.goes_on(at)
        {
            let served_by = Some(ServedBy { program: candidate.program, failure });
            return Scraped { served_by, ..Scraped::of(self.append_built_in(source, at, began).await) };
        }
        let Some(client) = self.assignment.client.clone() else { return Scraped::of(Outcome::default()) };
        let page = fetch(&client, url, target, std::mem::take(&mut self.buffer)).await;
        if let Some(StandIn { candidate, source }) = &stand_in {
            let failure = page.as_ref().err().map(|error| (error.absence(), error.to_string()));
            self.relief.asked(candidate.place, failure.as_ref(), at);
            self.tell_the_board();
            if let (Answer::BuiltIn, Some((_, failure))) = (self.relief.answer(), failure) {
                let served_by = Some(ServedBy { program: candidate.program, failure });
                return Scraped { served_by, ..Scraped::of(self.append_built_in(source, at, began).await) };
            }
        }
        let trouble = page.as_ref().err().map(hint::of_fetch);
        if let Err(FetchError::Body(BodyError::Limit(_))) = page {
            self.common.tally.count(Counted::BodyLimit);
        }
        let (outcome, body_bytes, unread) = self.append(page.map_err(|error| error.to_string()), at, began).await;
        Scraped { outcome, body_bytes, served_by: None, trouble: trouble.or(unread) }
    }

    /// Appends a page or its absence; tells the page's size as well, and what it is if it could not be read.
    async fn append(
        &mut self,
        page: Result<Page, String>,
        at: Timestamp,
        began: tokio::time::Instant,
    ) -> (Outcome, usize, Option<Trouble>) {
        let scraper = Arc::clone(&self.scraper);
        let body_bytes = page.as_ref().map_or(0, |page| page.body.len());
        let read = move || {
            let duration_s = began.elapsed().as_secs_f64();
            let appended = scraper.lock().append_page(page.as_ref().map_err(Clone::clone), at, duration_s);
            (appended, page)
        };
        let read = if body_bytes < OFFLOAD_BYTES_MIN { Ok(read()) } else { tokio::task::spawn_blocking(read).await };
        let (appended, page) = match read {
            Ok((appended, page)) => (appended.map_err(|error| error.to_string()), page),
            Err(panic) => (Err(format!("the page's reader panicked: {panic}")), Err(String::new())),
        };
        let outcome = appended.unwrap_or_else(|error| Outcome { error: Some(error), ..Outcome::default() });
        let unread = match (&outcome.error, &page) {
            (Some(_), Ok(page)) => Some(hint::of_page(&page.body)),
            _ => None,
        };
        self.buffer = page.map(|page| page.body).unwrap_or_default();
        if BUFFER_KEPT_BYTES_MAX < self.buffer.capacity() {
            self.buffer = Vec::new();
        }
        (outcome, body_bytes, unread)
    }

    async fn append_built_in(&self, source: &BuiltIn, at: Timestamp, began: tokio::time::Instant) -> Outcome {
        let families = collect(source, at).await;
        let appended = self.scraper.lock().append_families(families, at, began.elapsed().as_secs_f64());
        appended.unwrap_or_else(|error| Outcome { error: Some(error.to_string()), ..Outcome::default() })
    }

    fn report(&self, scraped: Scraped, at: Timestamp, duration_s: f64) {
        let Scraped { outcome, body_bytes, served_by, trouble } = scraped;
        let error = outcome.error.unwrap_or_default();
        if error == SAMPLE_LIMIT {
            self.common.tally.count(Counted::SampleLimit);
        }
        if error == BUCKET_LIMIT {
            self.common.tally.count(Counted::BucketLimit);
        }
        if error.starts_with("label_") {
            self.common.tally.count(Counted::LabelLimits);
        }
        let refused = outcome.refused;
        self.common.tally.add(Counted::Duplicate, refused.duplicate);
        self.common.tally.add(Counted::OutOfOrder, refused.out_of_order);
        self.common.tally.add(Counted::OutOfBounds, refused.out_of_bounds);
        let mut status = self.status.lock();
        if let Some(metadata) = outcome.metadata {
            status.metadata = metadata;
        }
        let was = status.health;
        status.health = if error.is_empty() { Health::Up } else { Health::Down };
        status.last_error = error;
        status.last_scrape = Some(at);
        status.last_duration_s = duration_s;
        status.samples = outcome.samples;
        status.samples_kept = outcome.samples_kept;
        status.body_bytes = body_bytes;
        if status.served_by.is_none()
            && let Some(served_by) = &served_by
        {
            tracing::info!(url = status.url, "{served_by}");
        }
        status.served_by = served_by;
        if trouble.is_none() {
            status.hint = None;
        }
        if status.health == Health::Down && was != Health::Down {
            tracing::warn!(url = status.url, error = status.last_error, "the target is down");
        }
    }

    async fn log_failure(&self, target: &Target, at: Timestamp, error: &str) {
        let Some(path) = target.job.failure_log.clone() else { return };
        let line = failure_log::line(at, &target.pool, &target.url, error);
        let common = Arc::clone(&self.common);
        let written = tokio::task::spawn_blocking(move || {
            common.failure_log.append(&path, &line).map_err(|error| format!("{}: {error}", path.display()))
        });
        if let Ok(Err(error)) = written.await {
            self.common.tally.count(Counted::FailureLog);
            tracing::debug!(error, "cannot write the log of failed scrapes");
        }
    }
}

/// Asks a built-in collector.
pub(crate) async fn collect(source: &BuiltIn, at: Timestamp) -> Result<Vec<model::Family>, String> {
    let collect = Arc::clone(&source.collect);
    let collected = tokio::task::spawn_blocking(move || collect(at)).await;
    collected.unwrap_or_else(|panic| Err(format!("the collector panicked: {panic}")))
}
