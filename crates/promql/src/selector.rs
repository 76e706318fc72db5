//! Selectors: what the store has, as a value for each step or as windows of samples.

use std::sync::Arc;

use model::{TimeRange, Timestamp, is_stale};
use promql_syntax::{AtModifier, VectorSelector};
use storage::{Select, SeriesColumns};

use crate::column::Column;
use crate::error::{EvalError, fail};
use crate::evaluation::Evaluation;
use crate::series::Series;
use crate::steps::Steps;

/// The moments that the steps of a query refer to, after `@` and `offset`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct References {
    steps: Steps,
    fixed_ms: Option<i64>,
    offset_ms: i64,
}

impl References {
    pub(crate) fn new(evaluation: &Evaluation<'_>, at: Option<AtModifier>, offset_ms: i64) -> Self {
        let fixed_ms = at.map(|at| match at {
            AtModifier::Timestamp(ms) => ms,
            AtModifier::Start => evaluation.query.start_ms,
            AtModifier::End => evaluation.query.end_ms(),
        });
        Self { steps: evaluation.steps, fixed_ms, offset_ms }
    }

    /// The moment that `step` refers to.
    pub(crate) fn at(&self, step: usize) -> i64 {
        self.fixed_ms.unwrap_or_else(|| self.steps.at(step)).saturating_sub(self.offset_ms)
    }

    pub(crate) fn first(&self) -> i64 {
        self.at(0)
    }

    pub(crate) fn last(&self) -> i64 {
        self.at(self.steps.count.saturating_sub(1))
    }
}

/// Reads what a selector needs once, for all steps: samples in `(first - back_ms, last]`.
pub(crate) fn read(
    evaluation: &Evaluation<'_>,
    selector: &VectorSelector,
    references: &References,
    back_ms: i64,
    function: &str,
) -> Result<Vec<SeriesColumns>, EvalError> {
    if selector.anchored || selector.smoothed {
        return Err(EvalError::Unsupported("a selector with \"anchored\" or \"smoothed\"".to_owned()));
    }
    if selector.offset_expr.is_some() {
        return Err(EvalError::Unsupported("a computed duration".to_owned()));
    }
    evaluation.check_cancelled()?;
    let start = Timestamp::from_ms(references.first().saturating_sub(back_ms).saturating_add(1));
    let end = Timestamp::from_ms(references.last());
    let select = Select {
        matchers: &selector.matchers,
        range: TimeRange::new(start, end),
        step_ms: if evaluation.steps.count == 1 { 0 } else { evaluation.steps.step_ms },
        function,
        samples_max: evaluation.samples_left(),
    };
    let found = evaluation.storage.select(&select)?;
    evaluation.charge(found.iter().map(|series| series.values.len()).sum())?;
    Ok(found)
}

/// An instant vector: for each step the newest sample that is not older than the lookback, unless it is stale.
pub(crate) fn instant(evaluation: &Evaluation<'_>, selector: &VectorSelector) -> Result<Vec<Series>, EvalError> {
    sampled(evaluation, selector, |_, value| value)
}

/// The same with the samples' own moments in seconds as values.
pub(crate) fn timestamps(evaluation: &Evaluation<'_>, selector: &VectorSelector) -> Result<Vec<Series>, EvalError> {
    sampled(evaluation, selector, |at_ms, _| Timestamp::from_ms(at_ms).as_secs_f64())
}

fn sampled(
    evaluation: &Evaluation<'_>,
    selector: &VectorSelector,
    pick: impl Fn(i64, f64) -> f64,
) -> Result<Vec<Series>, EvalError> {
    let references = References::new(evaluation, selector.at, selector.offset_ms);
    let lookback_ms = evaluation.options.lookback_ms;
    let found = read(evaluation, selector, &references, lookback_ms, "")?;
    let mut vector = Vec::with_capacity(found.len());
    for series in found {
        let mut column = Column::empty(evaluation.steps.count);
        let mut after = 0; // the first sample later than the step's moment
        for step in 0..evaluation.steps.count {
            let at_ms = references.at(step);
            while after < series.timestamps_ms.len() && series.timestamps_ms[after] <= at_ms {
                after += 1;
            }
            let Some(newest) = after.checked_sub(1) else { continue };
            let (sample_ms, value) = (series.timestamps_ms[newest], series.values[newest]);
            if at_ms - lookback_ms < sample_ms && !is_stale(value) {
                column.put(step, pick(sample_ms, value));
            }
        }
        if column.present.any() {
            vector.push(Series { labels: series.labels, drop_name: false, column });
        }
    }
    if vector.windows(2).any(|pair| pair[0].labels == pair[1].labels) {
        return fail("vector cannot contain metrics with the same labelset");
    }
    Ok(vector)
}

/// Timestamps and values without stale markers; shared where there are none.
pub(crate) fn without_stale(series: SeriesColumns) -> (Arc<[i64]>, Vec<f64>) {
    if !series.values.iter().any(|value| is_stale(*value)) {
        return (series.timestamps_ms, series.values);
    }
    let kept = series.timestamps_ms.iter().zip(&series.values).filter(|(_, value)| !is_stale(**value));
    let (timestamps, values): (Vec<i64>, Vec<f64>) = kept.map(|(at, value)| (*at, *value)).unzip();
    (Arc::from(timestamps), values)
}
