//! `smoothed`: values between samples, on the line from one to the next.

use std::sync::Arc;

use model::{Histogram, ResetHint};
use promql_syntax::Span;
use storage::SeriesColumns;

use crate::column::Column;
use crate::evaluation::Evaluation;
use crate::histogram::{IncompatibleSchemas, combine, detects_reset, multiplied};
use crate::notes::Notes;
use crate::remarks;
use crate::selector::References;
use crate::window::without_stale;

/// A float between two samples; a counter that fell began anew at zero.
pub(crate) fn between(before: (i64, f64), after: (i64, f64), at_ms: i64, counter: bool) -> f64 {
    let from = if counter && after.1 < before.1 { 0.0 } else { before.1 };
    from + (after.1 - from) * (at_ms - before.0) as f64 / (after.0 - before.0) as f64
}

/// The same for histograms.
pub(crate) fn between_histograms(
    (before_ms, before): (i64, &Histogram),
    (after_ms, after): (i64, &Histogram),
    at_ms: i64,
    counter: bool,
    notes: &Notes,
    span: Span,
) -> Result<Histogram, IncompatibleSchemas> {
    if at_ms == before_ms {
        return Ok(before.clone());
    }
    if at_ms == after_ms {
        return Ok(after.clone());
    }
    let fraction = (at_ms - before_ms) as f64 / (after_ms - before_ms) as f64;
    if counter && detects_reset(after, before) {
        return Ok(multiplied(after, fraction));
    }
    let (difference, subtracted) = combine(after, before, -1.0)?;
    if subtracted.bounds_reconciled {
        notes.info(span, remarks::reconciled_bounds("subtraction"));
    }
    let (sum, added) = combine(&multiplied(&difference, fraction), before, 1.0)?;
    if added.bounds_reconciled {
        notes.info(span, remarks::reconciled_bounds("addition"));
    }
    Ok(sum)
}

/// The column of a smoothed instant selector: between two samples that are not further away than the lookback, or the
/// newest one where no other follows.
pub(crate) fn column(
    evaluation: &Evaluation<'_>,
    series: &SeriesColumns,
    references: &References,
    span: Span,
) -> Column {
    let lookback_ms = evaluation.options.lookback_ms;
    let samples = without_stale(series.clone());
    let mut column = Column::empty(evaluation.steps.count);
    for step in 0..evaluation.steps.count {
        let at_ms = references.at(step);
        let inside = |ms: i64| at_ms - lookback_ms < ms && ms <= at_ms + lookback_ms;
        let floats = samples.timestamps_ms.iter().zip(&samples.values).map(|(at, value)| (*at, *value));
        let floats: Vec<(i64, f64)> = floats.filter(|(at, _)| inside(*at)).collect();
        let histograms = samples.histograms.iter().filter(|(at, _)| inside(*at));
        let histograms: Vec<(i64, &Arc<Histogram>)> = histograms.map(|(at, histogram)| (*at, histogram)).collect();
        if !floats.is_empty() && !histograms.is_empty() {
            evaluation.notes.warn(span, remarks::mixed_types(series.labels.metric_name()));
            continue;
        }
        // The first sample that is not before the step.
        let next = floats.partition_point(|(at, _)| *at < at_ms);
        match (next.checked_sub(1).map(|before| floats[before]), floats.get(next)) {
            (_, Some((at, value))) if *at == at_ms => column.put(step, *value),
            (Some(before), Some(after)) => column.put(step, between(before, *after, at_ms, false)),
            (Some((_, value)), None) => column.put(step, value),
            (None, _) => {}
        }
        let next = histograms.partition_point(|(at, _)| *at < at_ms);
        match (next.checked_sub(1).map(|before| histograms[before]), histograms.get(next)) {
            (_, Some((at, histogram))) if *at == at_ms => column.put_histogram(step, Arc::clone(histogram)),
            (Some((before_ms, before)), Some((after_ms, after))) => {
                let counter = before.reset_hint != ResetHint::Gauge && after.reset_hint != ResetHint::Gauge;
                let (before, after) = ((before_ms, &**before), (*after_ms, &***after));
                let same_kind = before.1.has_custom_bounds() == after.1.has_custom_bounds();
                let found = if same_kind {
                    between_histograms(before, after, at_ms, counter, &evaluation.notes, span)
                } else {
                    Err(IncompatibleSchemas)
                };
                match found {
                    Ok(histogram) => column.put_histogram(step, Arc::new(histogram)),
                    Err(IncompatibleSchemas) => {
                        evaluation.notes.warn(span, remarks::mixed_schemas(series.labels.metric_name()));
                    }
                }
            }
            (Some((_, histogram)), None) => column.put_histogram(step, Arc::clone(histogram)),
            (None, _) => {}
        }
    }
    column
}
