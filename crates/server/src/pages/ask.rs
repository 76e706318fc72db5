//! Questions that pages ask: the same evaluation as the API's, as plain columns.

use std::sync::Arc;

use chart::FrameSeries;
use model::{Labels, Matcher, TimeRange, Timestamp};
use promql::Value;
use promql_syntax::{Expr, ParseError};
use storage::Select;
use thiserror::Error;

use super::window::Window;
use crate::State;
use crate::query::{Overrides, RunError, When};

/// Samples that are looked at to find out how far back the store goes.
const PROBE_SAMPLES_MAX: usize = 500_000;

/// Why a question has no answer.
#[derive(Debug, Error)]
pub(crate) enum AskError {
    /// It is not an expression.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// It cannot be evaluated.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// A series of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) labels: Labels,
    pub(crate) timestamps_ms: Arc<[i64]>,
    pub(crate) values: Vec<f64>,
}

impl Line {
    /// As a chart takes it.
    pub(crate) fn into_series(self, name: String, slot: usize) -> FrameSeries {
        FrameSeries { name, slot, timestamps_ms: self.timestamps_ms, values: self.values }
    }

    /// The value at the end of the window; nothing where the series has ended before.
    pub(crate) fn value_at(&self, at: Timestamp) -> Option<f64> {
        let last = self.timestamps_ms.last().copied()?;
        (last == at.as_ms()).then(|| self.values.last().copied()).flatten()
    }
}

/// What a query came to, with what it wants to have said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    pub(crate) lines: Vec<Line>,
    pub(crate) warnings: Vec<String>,
}

/// The series of an expression at one moment; a scalar is a series without labels.
pub(crate) async fn instant(state: &State, expr: &str, at: Timestamp) -> Result<Vec<(Labels, f64)>, AskError> {
    let lines = run(state, promql_syntax::parse(expr)?, When::Instant(at)).await?.lines;
    Ok(lines.into_iter().filter_map(|line| Some((line.labels, line.values.last().copied()?))).collect())
}

/// The series of an expression at each step of a window.
pub(crate) async fn range(state: &State, expr: &str, window: &Window) -> Result<Lines, AskError> {
    let (start, end) = (Timestamp::from_ms(window.start_ms), window.end());
    run(state, promql_syntax::parse(expr)?, When::Range { start, end, step_ms: window.step_ms }).await
}

/// Evaluates what is parsed already.
pub(crate) async fn run(state: &State, expr: Expr, when: When) -> Result<Lines, AskError> {
    let answer = state.queries.run(&state.storage, expr, when, Overrides::default()).await?.answer;
    let one =
        |labels, at: Timestamp, value| Line { labels, timestamps_ms: Arc::new([at.as_ms()]), values: vec![value] };
    let lines = match answer.value {
        Value::Scalar { at, value } => vec![one(Labels::empty(), at, value)],
        Value::String { .. } => Vec::new(),
        // A line is made of numbers; native histograms have none.
        Value::Vector(samples) => samples
            .into_iter()
            .filter(|sample| sample.histogram.is_none())
            .map(|sample| one(sample.labels, sample.at, sample.value))
            .collect(),
        Value::Matrix(matrix) => matrix
            .into_iter()
            .filter(|series| !series.samples.is_empty())
            .map(|series| Line {
                timestamps_ms: series.samples.iter().map(|sample| sample.at.as_ms()).collect(),
                values: series.samples.iter().map(|sample| sample.value).collect(),
                labels: series.labels,
            })
            .collect(),
    };
    let warnings = answer.warnings.iter().chain(&answer.infos).map(ToString::to_string).collect();
    Ok(Lines { lines, warnings })
}

/// When the first sample within a window was taken, as far as the scrapes' own `up` says.
pub(crate) async fn first_sample_ms(state: &State, window: &Window) -> Option<i64> {
    let range = TimeRange::new(Timestamp::from_ms(window.start_ms), window.end());
    let found = state.read(move |store| {
        let matchers = [Matcher::equal(model::METRIC_NAME, "up")];
        store.select(&Select { matchers: &matchers, range, step_ms: 0, function: "", samples_max: PROBE_SAMPLES_MAX })
    });
    // No answer is no reason to show nothing: the page then keeps its whole range.
    let series = found.await.ok()?;
    series.iter().filter_map(|series| series.timestamps_ms.first().copied()).min()
}
