//! Selectors: what the store has, as a value for each step.

use std::sync::Arc;

use model::{Histogram, ResetHint, TimeRange, Timestamp, is_stale};
use promql_syntax::{AtModifier, Span, VectorSelector};
use storage::{Select, SeriesColumns};

use crate::column::{Column, Point};
use crate::error::{EvalError, fail};
use crate::evaluation::Evaluation;
use crate::histogram::detects_reset;
use crate::series::Series;
use crate::smoothed;
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
        Self { steps: evaluation.steps, fixed_ms: None, offset_ms: 0 }.then(evaluation, at, offset_ms)
    }

    /// What a selector inside a subquery with these references refers to; its own `@` overrides the subquery's.
    pub(crate) fn then(self, evaluation: &Evaluation<'_>, at: Option<AtModifier>, offset_ms: i64) -> Self {
        let fixed_ms = at.map(|at| match at {
            AtModifier::Timestamp(ms) => ms,
            AtModifier::Start => evaluation.query.start_ms,
            AtModifier::End => evaluation.query.end_ms,
        });
        match fixed_ms {
            Some(_) => Self { fixed_ms, offset_ms, ..self },
            None => Self { offset_ms: self.offset_ms.saturating_add(offset_ms), ..self },
        }
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

/// Reads what a selector needs once, for all steps: samples in `(first - back_ms, last + ahead_ms]`.
pub(crate) fn read(
    evaluation: &Evaluation<'_>,
    selector: &VectorSelector,
    references: &References,
    (back_ms, ahead_ms): (i64, i64),
    function: &str,
) -> Result<Vec<SeriesColumns>, EvalError> {
    debug_assert!(selector.offset_expr.is_none(), "computed durations are resolved before the evaluation");
    evaluation.check_cancelled()?;
    let start = Timestamp::from_ms(references.first().saturating_sub(back_ms).saturating_add(1));
    let end = Timestamp::from_ms(references.last().saturating_add(ahead_ms));
    let select = Select {
        matchers: &selector.matchers,
        range: TimeRange::new(start, end),
        step_ms: if evaluation.steps.count == 1 { 0 } else { evaluation.steps.step_ms },
        function,
        samples_max: evaluation.samples_left(),
    };
    let mut found = evaluation.storage.select(&select)?;
    evaluation.charge(found.iter().map(samples_of).sum())?;
    if evaluation.detect_resets {
        found.iter_mut().for_each(|series| hint_at_resets(&mut series.histograms));
    }
    Ok(found)
}

/// How many samples a series counts for; a histogram counts as many as fit into its bytes, 16 for a sample.
fn samples_of(series: &SeriesColumns) -> usize {
    let histograms = series.histograms.iter().map(|(_, histogram)| histogram_samples(histogram));
    series.values.len() + histograms.sum::<usize>()
}

pub(crate) fn histogram_samples(histogram: &Histogram) -> usize {
    let words = histogram.positive_spans.len()
        + histogram.negative_spans.len()
        + histogram.positive_buckets.len()
        + histogram.negative_buckets.len()
        + histogram.custom_bounds.as_ref().map_or(0, |bounds| bounds.len());
    (size_of::<Histogram>() + 8 * words) / 16
}

/// Says of each histogram that says nothing itself whether it started anew.
fn hint_at_resets(histograms: &mut [(i64, Arc<Histogram>)]) {
    let mut before: Option<Arc<Histogram>> = None;
    for (_, histogram) in histograms.iter_mut().filter(|(_, histogram)| !histogram.is_stale()) {
        let original = Arc::clone(histogram);
        if let (ResetHint::Unknown, Some(before)) = (original.reset_hint, &before) {
            let reset = detects_reset(&original, before);
            let reset_hint = if reset { ResetHint::CounterReset } else { ResetHint::NotCounterReset };
            *histogram = Arc::new(Histogram { reset_hint, ..Histogram::clone(&original) });
        }
        before = Some(original);
    }
}

/// What of a sample becomes the value of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    /// The value itself.
    Value,
    /// Its moment in seconds.
    Time,
    /// When its counter began, in seconds; 0 where that is not known.
    Start,
}

/// An instant vector: for each step the newest sample that is not older than the lookback, unless it is stale.
pub(crate) fn instant(
    evaluation: &Evaluation<'_>,
    selector: &VectorSelector,
    span: Span,
    pick: Pick,
) -> Result<Vec<Series>, EvalError> {
    let references = References::new(evaluation, selector.at, selector.offset_ms);
    let lookback_ms = evaluation.options.lookback_ms;
    let smoothed = selector.smoothed && pick == Pick::Value;
    let ahead_ms = if smoothed { lookback_ms } else { 0 };
    let found = read(evaluation, selector, &references, (lookback_ms, ahead_ms), "")?;
    evaluation.check_room(found.len())?;
    let mut vector = Vec::with_capacity(found.len());
    for series in found {
        let column = if smoothed {
            smoothed::column(evaluation, &series, &references, span)
        } else if series.histograms.is_empty() && pick == Pick::Value {
            floats(evaluation, &series, &references)
        } else {
            picked(evaluation, &series, &references, pick)
        };
        if column.present.any() {
            vector.push(Series { labels: series.labels, drop_name: false, column });
        }
    }
    if vector.windows(2).any(|pair| pair[0].labels == pair[1].labels) {
        return fail("vector cannot contain metrics with the same labelset");
    }
    Ok(vector)
}

/// The column of a series without histograms.
fn floats(evaluation: &Evaluation<'_>, series: &SeriesColumns, references: &References) -> Column {
    let lookback_ms = evaluation.options.lookback_ms;
    let mut column = Column::empty(evaluation.steps.count);
    let mut after = 0; // the first sample later than the step's moment
    for step in 0..evaluation.steps.count {
        let at_ms = references.at(step);
        while after < series.timestamps_ms.len() && series.timestamps_ms[after] <= at_ms {
            after += 1;
        }
        let Some(newest) = after.checked_sub(1) else { continue };
        let value = series.values[newest];
        if at_ms - lookback_ms < series.timestamps_ms[newest] && !is_stale(value) {
            column.put(step, value);
        }
    }
    column
}

/// The column of any series.
fn picked(evaluation: &Evaluation<'_>, series: &SeriesColumns, references: &References, pick: Pick) -> Column {
    let lookback_ms = evaluation.options.lookback_ms;
    let mut column = Column::empty(evaluation.steps.count);
    for step in 0..evaluation.steps.count {
        let at_ms = references.at(step);
        let Some((sample_ms, point)) = newest(series, at_ms) else { continue };
        let stale = match &point {
            Point::Float(value) => is_stale(*value),
            Point::Histogram(histogram) => histogram.is_stale(),
        };
        if sample_ms <= at_ms - lookback_ms || stale {
            continue;
        }
        match pick {
            Pick::Value => column.put_point(step, point),
            Pick::Time => column.put(step, Timestamp::from_ms(sample_ms).as_secs_f64()),
            Pick::Start => column.put(step, Timestamp::from_ms(start_of(series, sample_ms)).as_secs_f64()),
        }
    }
    column
}

/// The newest sample that is not later than `at_ms`.
fn newest(series: &SeriesColumns, at_ms: i64) -> Option<(i64, Point)> {
    let float = series.timestamps_ms.partition_point(|at| *at <= at_ms).checked_sub(1);
    let float = float.map(|newest| (series.timestamps_ms[newest], Point::Float(series.values[newest])));
    let histogram = series.histograms.partition_point(|(at, _)| *at <= at_ms).checked_sub(1);
    let histogram = histogram.map(|newest| {
        let (at, histogram) = &series.histograms[newest];
        (*at, Point::Histogram(Arc::clone(histogram)))
    });
    match (float, histogram) {
        (Some(float), Some(histogram)) => Some(if histogram.0 < float.0 { float } else { histogram }),
        (float, histogram) => float.or(histogram),
    }
}

/// When the counter of the sample at `at_ms` began; 0 where that is not known.
pub(crate) fn start_of(series: &SeriesColumns, at_ms: i64) -> i64 {
    let found = series.starts_ms.binary_search_by_key(&at_ms, |(sample_ms, _)| *sample_ms);
    found.map_or(0, |position| series.starts_ms[position].1)
}
