//! Selectors that are `anchored` (the value at the start of the range is that of the sample before it) or `smoothed` (the
//! values at both ends lie on the lines between samples): rates, and the ranges themselves.

use std::sync::Arc;

use model::{Histogram, Labels, ResetHint};
use promql_syntax::Span;

use super::rate::Asked;
use crate::column::Point;
use crate::evaluation::Evaluation;
use crate::histogram::{IncompatibleSchemas, combine, detects_reset, divided};
use crate::remarks;
use crate::smoothed::{between, between_histograms};
use crate::window::{Edges, Window};

/// The positions of the samples that stand for the two ends of the range; `None` if no sample reaches into it.
fn ends(times: &[i64], window: &Window<'_>, edges: Edges) -> Option<(usize, usize)> {
    let mut last = times.len().checked_sub(1)?;
    let first = times[..last].partition_point(|at| *at <= window.start_ms).saturating_sub(1);
    if edges == Edges::Smoothed {
        last = times[..last].partition_point(|at| *at < window.end_ms);
    }
    let reaches_in = window.start_ms < times[last];
    let begins_in_time = edges == Edges::Anchored || times[first] <= window.end_ms;
    (reaches_in && begins_in_time).then_some((first, last))
}

fn histogram_times(window: &Window<'_>) -> Vec<i64> {
    window.histograms.iter().map(|(at, _)| *at).collect()
}

/// The values at both ends of the range.
fn float_ends(window: &Window<'_>, edges: Edges, (first, last): (usize, usize), counter: bool) -> (f64, f64) {
    let sample = |position: usize| (window.timestamps_ms[position], window.values[position]);
    let smoothed = edges == Edges::Smoothed;
    let left = if smoothed && sample(first).0 < window.start_ms {
        between(sample(first), sample(first + 1), window.start_ms, counter)
    } else {
        sample(first).1
    };
    let right = if smoothed && 0 < last && window.end_ms < sample(last).0 {
        between(sample(last - 1), sample(last), window.end_ms, counter)
    } else {
        sample(last).1
    };
    (left, right)
}

/// The positions of the samples strictly inside the range.
fn inside(first_ms: i64, last_ms: i64, window: &Window<'_>, (first, last): (usize, usize)) -> std::ops::Range<usize> {
    let from = first + usize::from(first_ms <= window.start_ms);
    let to = last + usize::from(last_ms < window.end_ms);
    from..to.max(from)
}

/// The change of floats over the range.
pub(super) fn rate(asked: &Asked<'_>, window: &Window<'_>, edges: Edges) -> Option<f64> {
    let found = ends(window.timestamps_ms, window, edges)?;
    let (left, right) = float_ends(window, edges, found, asked.counter);
    let mut change = right - left;
    if asked.counter {
        let times = window.timestamps_ms;
        let mut before = left;
        for value in &window.values[inside(times[found.0], times[found.1], window, found)] {
            if *value < before {
                change += before;
            }
            before = *value;
        }
        if right < before {
            change += before;
        }
    }
    Some(asked.per_seconds.map_or(change, |seconds| change / seconds))
}

/// The change of histograms over the range.
pub(super) fn histogram_rate(asked: &Asked<'_>, window: &Window<'_>, edges: Edges, labels: &Labels) -> Option<Point> {
    let metric = labels.metric_name();
    let found = ends(&histogram_times(window), window, edges)?;
    let used = &window.histograms[found.0..=found.1];
    let custom = used[0].1.has_custom_bounds();
    if used.iter().any(|(_, histogram)| histogram.has_custom_bounds() != custom) {
        asked.notes.warn(asked.span, remarks::mixed_schemas(metric));
        return None;
    }
    if asked.counter && used.iter().any(|(_, histogram)| histogram.reset_hint == ResetHint::Gauge) {
        asked.notes.warn(asked.span, remarks::not_a_counter(metric));
    }
    match histogram_change(asked, window, edges, found, metric) {
        Ok(mut change) => {
            if let Some(seconds) = asked.per_seconds {
                change = divided(&change, seconds);
            }
            change.reset_hint = ResetHint::Gauge;
            Some(Point::Histogram(Arc::new(change)))
        }
        Err(IncompatibleSchemas) => {
            asked.notes.warn(asked.span, remarks::mixed_schemas(metric));
            None
        }
    }
}

fn histogram_change(
    asked: &Asked<'_>,
    window: &Window<'_>,
    edges: Edges,
    found: (usize, usize),
    metric: &str,
) -> Result<Histogram, IncompatibleSchemas> {
    let (left, right) = histogram_ends(asked, window, edges, found)?;
    if !asked.counter && [&left, &right].into_iter().any(|end| end.reset_hint != ResetHint::Gauge) {
        asked.notes.warn(asked.span, remarks::not_a_gauge(metric));
    }
    let combined = |base: &Histogram, other: &Histogram, sign: f64| -> Result<Histogram, IncompatibleSchemas> {
        let (result, found) = combine(base, other, sign)?;
        if found.bounds_reconciled {
            let operation = if sign < 0.0 { "subtraction" } else { "addition" };
            asked.notes.info(asked.span, remarks::reconciled_bounds(operation));
        }
        Ok(result)
    };
    let mut change = combined(&right, &left, -1.0)?;
    if asked.counter {
        for lost in lost_to_resets(window, edges, found, &left, &right) {
            change = combined(&change, &lost, 1.0)?;
        }
    }
    Ok(change)
}

fn histogram_ends(
    asked: &Asked<'_>,
    window: &Window<'_>,
    edges: Edges,
    (first, last): (usize, usize),
) -> Result<(Histogram, Histogram), IncompatibleSchemas> {
    let sample = |position: usize| (window.histograms[position].0, &*window.histograms[position].1);
    let smoothed = edges == Edges::Smoothed;
    let on_line = |before, after, at_ms| {
        between_histograms(sample(before), sample(after), at_ms, asked.counter, asked.notes, asked.span)
    };
    let left = if smoothed && sample(first).0 < window.start_ms {
        on_line(first, first + 1, window.start_ms)?
    } else {
        sample(first).1.clone()
    };
    let right = if smoothed && 0 < last && window.end_ms < sample(last).0 {
        on_line(last - 1, last, window.end_ms)?
    } else {
        sample(last).1.clone()
    };
    Ok((left, right))
}

/// What the counter had reached before each reset between the two ends.
fn lost_to_resets(
    window: &Window<'_>,
    edges: Edges,
    (first, last): (usize, usize),
    left: &Histogram,
    right: &Histogram,
) -> Vec<Histogram> {
    let points = window.histograms;
    let mut from = first + 1;
    let mut before = left;
    let spans_reset = edges == Edges::Smoothed
        && points[first].0 < window.start_ms
        && points.get(first + 1).is_some_and(|(_, next)| detects_reset(next, &points[first].1));
    if spans_reset {
        // The value at the start lies on a line that begins anew already; what comes next is compared with the sample after.
        before = &points[first + 1].1;
        from += 1;
    }
    if last < from {
        return Vec::new();
    }
    let mut lost = Vec::new();
    // The last sample is what stands at the right end, which says itself whether it was reset.
    for (_, histogram) in &points[from..last] {
        if detects_reset(histogram, before) {
            lost.push(before.clone());
        }
        before = histogram;
    }
    if detects_reset(right, before) {
        lost.push(before.clone());
    }
    lost
}

/// Floats and histograms of a range vector at their moments.
type Listed = (Vec<(i64, f64)>, Vec<(i64, Arc<Histogram>)>);

/// The samples of a range vector itself. With samples from beyond its edges, they begin and end exactly at the edges.
pub(crate) fn within_edges(
    evaluation: &Evaluation<'_>,
    window: &Window<'_>,
    edges: Edges,
    span: Span,
    labels: &Labels,
) -> Listed {
    let floats = window.timestamps_ms.iter().zip(window.values).map(|(at, value)| (*at, *value));
    if edges == Edges::Plain {
        return (floats.collect(), window.histograms.to_vec());
    }
    if !window.values.is_empty() && !window.histograms.is_empty() {
        evaluation.notes.warn(span, remarks::mixed_types(labels.metric_name()));
        return Listed::default();
    }
    let mut listed = Listed::default();
    if let Some(found) = ends(window.timestamps_ms, window, edges) {
        let (left, right) = float_ends(window, edges, found, false);
        let times = window.timestamps_ms;
        listed.0.push((window.start_ms, left));
        let between = inside(times[found.0], times[found.1], window, found);
        listed.0.extend(between.map(|position| (times[position], window.values[position])));
        listed.0.push((window.end_ms, right));
    }
    if let Some(found) = ends(&histogram_times(window), window, edges) {
        let asked = Asked { counter: false, per_seconds: None, notes: &evaluation.notes, span };
        match histogram_ends(&asked, window, edges, found) {
            Ok((left, right)) => {
                let points = window.histograms;
                listed.1.push((window.start_ms, Arc::new(left)));
                let between = inside(points[found.0].0, points[found.1].0, window, found);
                listed.1.extend(points[between].iter().cloned());
                listed.1.push((window.end_ms, Arc::new(right)));
            }
            Err(IncompatibleSchemas) => evaluation.notes.warn(span, remarks::mixed_schemas(labels.metric_name())),
        }
    }
    listed
}
