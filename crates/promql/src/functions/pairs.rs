//! What happens from one sample of a window to the next: `changes` and `resets`.

use std::sync::Arc;

use model::Histogram;
use promql_syntax::Expr;

use super::start_times::is_start_reset;
use crate::column::Point;
use crate::error::EvalError;
use crate::evaluation::Evaluation;
use crate::histogram::{detects_reset, equal};
use crate::series::Series;
use crate::window::{Edges, Window, windows};

/// A sample of either kind, its moment, and when its counter began.
struct Moment<'a> {
    at_ms: i64,
    start_ms: i64,
    value: Either<'a>,
}

enum Either<'a> {
    Float(f64),
    Histogram(&'a Arc<Histogram>),
}

pub(super) fn call(evaluation: &Evaluation<'_>, name: &str, arg: &Expr) -> Result<Vec<Series>, EvalError> {
    let mut windows = windows(evaluation, arg, name)?;
    if name == "resets" {
        windows.find_falls();
    }
    let anchored = windows.edges == Edges::Anchored;
    let counts = if name == "changes" { changed } else { reset };
    windows.map(evaluation, false, |_, window, _| {
        if window.histograms.is_empty() && window.starts_ms.is_empty() && !anchored {
            let count = if name == "changes" { count_changes(window.values) } else { window.falls.count() };
            return Some(Point::Float(count as f64));
        }
        let mut moments = moments(window);
        if anchored {
            // From the last sample at or before the start of the range; there must be one inside.
            let inside = moments.partition_point(|moment| moment.at_ms <= window.start_ms);
            if inside == moments.len() {
                return None;
            }
            moments.drain(..inside.saturating_sub(1));
        }
        let count = moments.windows(2).filter(|pair| counts(&pair[0], &pair[1])).count();
        Some(Point::Float(count as f64))
    })
}

fn count_changes(values: &[f64]) -> usize {
    values.windows(2).filter(|pair| float_changed(pair[0], pair[1])).count()
}

fn float_changed(before: f64, after: f64) -> bool {
    before != after && !(before.is_nan() && after.is_nan())
}

/// The samples of a window in the order of time.
fn moments<'a>(window: &Window<'a>) -> Vec<Moment<'a>> {
    let start = |starts: &[i64], position: usize| starts.get(position).copied().unwrap_or(0);
    let floats = window.timestamps_ms.iter().zip(window.values).enumerate();
    let floats = floats.map(|(position, (at_ms, value))| Moment {
        at_ms: *at_ms,
        start_ms: start(window.starts_ms, position),
        value: Either::Float(*value),
    });
    let histograms = window.histograms.iter().enumerate();
    let histograms = histograms.map(|(position, (at_ms, histogram))| Moment {
        at_ms: *at_ms,
        start_ms: start(window.histogram_starts_ms, position),
        value: Either::Histogram(histogram),
    });
    let mut moments: Vec<Moment<'a>> = floats.chain(histograms).collect();
    moments.sort_by_key(|moment| moment.at_ms);
    moments
}

fn changed(before: &Moment<'_>, after: &Moment<'_>) -> bool {
    match (&before.value, &after.value) {
        (Either::Float(before), Either::Float(after)) => float_changed(*before, *after),
        (Either::Histogram(before), Either::Histogram(after)) => !equal(before, after),
        _ => true,
    }
}

fn reset(before: &Moment<'_>, after: &Moment<'_>) -> bool {
    let same_kind = match (&before.value, &after.value) {
        (Either::Float(before), Either::Float(after)) => after < before,
        (Either::Histogram(before), Either::Histogram(after)) => detects_reset(after, before),
        _ => return true,
    };
    same_kind || is_start_reset((before.start_ms, before.at_ms), (after.start_ms, after.at_ms))
}
