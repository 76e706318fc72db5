//! Evaluates expressions beside the runtime: on blocking threads, a bounded number at a time, within a time limit, and
//! no longer than somebody waits for the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use model::Timestamp;
use promql::{Answer, EvalError, Options};
use promql_syntax::Expr;
use storage::Storage;
use thiserror::Error;
use tokio::sync::Semaphore;

/// Queries that wait for a thread; more are refused.
const WAITING_MAX: usize = 256;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum RunError {
    /// The expression cannot be evaluated.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// It took too long.
    #[error("query timed out in expression evaluation")]
    Timeout,
    /// Too many others wait.
    #[error("too many queries are waiting")]
    Busy,
    /// The evaluation panicked, which is a defect of ours.
    #[error("the evaluation failed: {0}")]
    Panic(String),
}

/// The place where queries run.
#[derive(Debug)]
pub struct Queries {
    permits: Arc<Semaphore>,
    waiting: Semaphore,
    timeout_ms: u64,
    options: Options,
}

/// What to evaluate.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// At one moment.
    Instant(Timestamp),
    /// At each step.
    Range {
        /// The first step.
        start: Timestamp,
        /// The last step is not after this.
        end: Timestamp,
        /// Milliseconds between two steps.
        step_ms: i64,
    },
}

/// What a caller may set for one query.
#[derive(Clone, Copy, Debug, Default)]
pub struct Overrides {
    /// A shorter time limit, in milliseconds.
    pub timeout_ms: Option<i64>,
    /// Another lookback, in milliseconds.
    pub lookback_ms: Option<i64>,
}

/// An answer, and what it took.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The answer.
    pub answer: Answer,
    /// How long the query waited for a thread, in seconds.
    pub queued_s: f64,
    /// How long the evaluation took, in seconds.
    pub evaluated_s: f64,
}

impl Queries {
    /// `concurrency` queries at a time, each `timeout_ms` at most.
    pub fn new(concurrency: usize, timeout_ms: u64, options: Options) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(concurrency.max(1))),
            waiting: Semaphore::new(WAITING_MAX),
            timeout_ms,
            options,
        }
    }

    /// How far back an instant selector looks if the query does not say it, in milliseconds.
    pub const fn lookback_ms(&self) -> i64 {
        self.options.lookback_ms
    }

    /// Samples that a query may load.
    pub const fn samples_max(&self) -> usize {
        self.options.samples_max
    }

    /// Evaluates `expr`. If the caller goes away, the evaluation stops.
    ///
    /// # Errors
    /// The expression fails, or takes too long, or too many wait.
    pub async fn run(
        &self,
        storage: &Arc<dyn Storage>,
        expr: Expr,
        when: When,
        overrides: Overrides,
    ) -> Result<Ran, RunError> {
        let asked_ms = overrides.timeout_ms.map(|ms| u64::try_from(ms).unwrap_or(0));
        let limit = Duration::from_millis(asked_ms.unwrap_or(self.timeout_ms).min(self.timeout_ms));
        let cancel = CancelOnDrop(Arc::new(AtomicBool::new(false)));
        let mut options = self.options.clone();
        options.cancel = Some(Arc::clone(&cancel.0));
        if let Some(lookback_ms) = overrides.lookback_ms.filter(|ms| 0 < *ms) {
            options.lookback_ms = lookback_ms;
        }
        let storage = Arc::clone(storage);
        let asked = Instant::now();
        let evaluation = async {
            let waiting = self.waiting.try_acquire().map_err(|_full| RunError::Busy)?;
            let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_closed| RunError::Busy)?;
            drop(waiting);
            let queued_s = asked.elapsed().as_secs_f64();
            let began = Instant::now();
            let evaluated = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                match when {
                    When::Instant(at) => promql::instant(&expr, at, &*storage, &options),
                    When::Range { start, end, step_ms } => {
                        promql::range(&expr, start, end, step_ms, &*storage, &options)
                    }
                }
            });
            let answer = evaluated.await.map_err(|panic| RunError::Panic(panic.to_string()))??;
            Ok(Ran { answer, queued_s, evaluated_s: began.elapsed().as_secs_f64() })
        };
        tokio::time::timeout(limit, evaluation).await.unwrap_or(Err(RunError::Timeout))
    }
}

/// Tells the evaluation to stop when nobody waits for it any more.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
