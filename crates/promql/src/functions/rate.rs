//! How fast something changes: `rate`, `increase`, `delta`, `irate`, `idelta`.

use std::sync::Arc;

use model::{Histogram, Labels, ResetHint};
use promql_syntax::{Expr, Span};

use super::extended;
use super::start_times::{is_start_reset, moment, overlaps};
use crate::column::Point;
use crate::error::EvalError;
use crate::evaluation::Evaluation;
use crate::histogram::{IncompatibleSchemas, Sparse, combine, detects_reset, divided, multiplied};
use crate::notes::Notes;
use crate::remarks;
use crate::series::Series;
use crate::window::{Edges, Window, windows};

/// Suffixes by which a counter is known.
const COUNTER_SUFFIXES: [&str; 4] = ["_total", "_sum", "_count", "_bucket"];

/// What is asked for, and where notes about it belong.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) counter: bool,
    /// The range in seconds if the change per second is asked for.
    pub(super) per_seconds: Option<f64>,
    pub(super) notes: &'a Notes,
    pub(super) span: Span,
}

pub(super) fn call(evaluation: &Evaluation<'_>, name: &str, arg: &Expr) -> Result<Vec<Series>, EvalError> {
    let span = arg.unwrap_parens().span;
    let mut windows = windows(evaluation, arg, name)?;
    let counter = !matches!(name, "delta" | "idelta");
    let mut asked = Asked { counter, per_seconds: None, notes: &evaluation.notes, span };
    if matches!(name, "irate" | "idelta") {
        return windows.map(evaluation, false, |_, window, labels| instantaneous(&asked, window, labels));
    }
    if counter && windows.edges == Edges::Plain {
        windows.find_falls();
    }
    asked.per_seconds = (name == "rate").then(|| windows.range_seconds());
    let edges = windows.edges;
    let vector = windows.map(evaluation, false, |_, window, labels| {
        if !window.values.is_empty() && !window.histograms.is_empty() {
            asked.notes.warn(span, remarks::mixed_types(labels.metric_name()));
            return None;
        }
        match edges {
            Edges::Plain if window.histograms.is_empty() => extrapolated(&asked, window, labels).map(Point::Float),
            Edges::Plain => histogram_rate(&asked, window, labels),
            _ if window.histograms.is_empty() => extended::rate(&asked, window, edges).map(Point::Float),
            _ => extended::histogram_rate(&asked, window, edges, labels),
        }
    })?;
    if counter {
        for series in &vector {
            let metric = series.labels.metric_name();
            let known = metric.is_empty() || COUNTER_SUFFIXES.iter().any(|suffix| metric.ends_with(suffix));
            if !known && series.column.has_floats() {
                evaluation.notes.info(span, remarks::name_of_no_counter(metric));
            }
        }
    }
    Ok(vector)
}

/// Prometheus' `extrapolatedRate`: the change between the first and the last sample, a counter's resets added, as if the
/// samples reached as near to the window's ends as their spacing suggests.
fn extrapolated(asked: &Asked<'_>, window: &Window<'_>, labels: &Labels) -> Option<f64> {
    let (times, values) = (window.timestamps_ms, window.values);
    let (&first, &last) = (values.first()?, values.last()?);
    let reach =
        Reach::of(asked, window, times.first().copied()?, times.last().copied()?, times.len(), window.starts_ms)?;
    let mut change = last - first;
    if asked.counter {
        if window.starts_ms.is_empty() {
            window.falls.heights().for_each(|height| change += height);
        } else {
            let began = |position| moment(window.starts_ms, position, times[position]);
            for position in 1..values.len() {
                let (before, after) = (began(position - 1), began(position));
                if values[position] < values[position - 1] || is_start_reset(before, after) {
                    change += values[position - 1];
                }
                if overlaps(before, after) {
                    asked.notes.warn(asked.span, remarks::overlapping_start(labels.metric_name()));
                }
            }
        }
        if reach.from_zero {
            change += first;
        }
    }
    let base = if reach.from_zero { 0.0 } else { first };
    Some(change * reach.factor(asked, base, change))
}

/// How far samples reach into their window.
struct Reach {
    sampled_s: f64,
    spacing_s: f64,
    to_start_s: f64,
    to_end_s: f64,
    /// The counter began at zero inside the window, which counts as a sample.
    from_zero: bool,
}

impl Reach {
    /// `None` if there is nothing to compare: a single sample whose counter did not begin in the window.
    fn of(
        asked: &Asked<'_>,
        window: &Window<'_>,
        first_ms: i64,
        last_ms: i64,
        count: usize,
        starts_ms: &[i64],
    ) -> Option<Self> {
        let start_ms = starts_ms.first().copied().unwrap_or(0);
        let from_zero = asked.counter && start_ms != 0 && window.start_ms < start_ms && start_ms < first_ms;
        if count < 2 && !from_zero {
            return None;
        }
        let seconds = super::seconds;
        let began_ms = if from_zero { start_ms } else { first_ms };
        let spacing_s = if count < 2 { 0.0 } else { seconds(last_ms - first_ms) / (count - 1) as f64 };
        Some(Self {
            sampled_s: seconds(last_ms - began_ms),
            spacing_s,
            to_start_s: seconds(began_ms - window.start_ms),
            to_end_s: seconds(window.end_ms - last_ms),
            from_zero,
        })
    }

    /// By what the change between the samples is multiplied. `first` is the first value of a counter.
    fn factor(&self, asked: &Asked<'_>, first: f64, change: f64) -> f64 {
        // A gap at an end that is wider than the usual spacing means that the series begins or ends inside the window.
        let threshold = self.spacing_s * 1.1;
        let (mut to_start, mut to_end) = (self.to_start_s, self.to_end_s);
        if threshold <= to_start {
            to_start = self.spacing_s / 2.0;
        }
        if asked.counter && 0.0 < change && 0.0 <= first {
            // A counter cannot have been below zero.
            to_start = to_start.min(self.sampled_s * (first / change));
        }
        if threshold <= to_end {
            to_end = self.spacing_s / 2.0;
        }
        let mut factor = (self.sampled_s + to_start + to_end) / self.sampled_s;
        if let Some(seconds) = asked.per_seconds {
            factor /= seconds;
        }
        factor
    }
}

/// The same for histograms.
fn histogram_rate(asked: &Asked<'_>, window: &Window<'_>, labels: &Labels) -> Option<Point> {
    let points = window.histograms;
    let (first_ms, first) = points.first()?;
    let (last_ms, _) = points.last()?;
    let reach = Reach::of(asked, window, *first_ms, *last_ms, points.len(), window.histogram_starts_ms)?;
    let mut change = if points.len() < 2 {
        gauge_of(first)
    } else {
        match histogram_change(asked, window, labels) {
            Ok(change) => change?,
            Err(IncompatibleSchemas) => {
                asked.notes.warn(asked.span, remarks::mixed_schemas(labels.metric_name()));
                return None;
            }
        }
    };
    let mut base = first.count;
    if reach.from_zero {
        if 1 < points.len() {
            change = combine(&change, first, 1.0).ok()?.0;
        }
        change.reset_hint = ResetHint::Gauge;
        base = 0.0;
    }
    let factor = reach.factor(asked, base, change.count);
    Some(Point::Histogram(Arc::new(multiplied(&change, factor))))
}

fn gauge_of(histogram: &Histogram) -> Histogram {
    Histogram { reset_hint: ResetHint::Gauge, ..histogram.clone() }
}

/// The change between the first and the last histogram, a counter's resets added.
fn histogram_change(
    asked: &Asked<'_>,
    window: &Window<'_>,
    labels: &Labels,
) -> Result<Option<Histogram>, IncompatibleSchemas> {
    let points = window.histograms;
    let (Asked { counter, notes, span, .. }, metric) = (*asked, labels.metric_name());
    let (first, last) = (&points[0].1, &points[points.len() - 1].1);
    let is_gauge = |histogram: &Histogram| histogram.reset_hint == ResetHint::Gauge;
    let began = |position: usize| moment(window.histogram_starts_ms, position, points[position].0);
    let start_reset = |position: usize| is_start_reset(began(position - 1), began(position));
    if counter && points.iter().any(|(_, histogram)| is_gauge(histogram)) {
        notes.warn(span, remarks::not_a_counter(metric));
    }
    if counter && (1..points.len()).any(|position| overlaps(began(position - 1), began(position))) {
        notes.warn(span, remarks::overlapping_start(metric));
    }
    // If a reset follows at once, nothing but the count of the first one matters, and its buckets may be of any kind.
    let mut before = Arc::clone(first);
    let second = &points[1].1;
    if counter && (start_reset(1) || detects_reset(second, first)) {
        before = Arc::new(Histogram {
            schema: second.schema,
            custom_bounds: second.custom_bounds.clone(),
            ..Histogram::default()
        });
    }
    let custom = before.has_custom_bounds();
    if last.has_custom_bounds() != custom {
        return Err(IncompatibleSchemas);
    }
    let mut schema = last.schema.min(before.schema);
    if counter {
        for (_, histogram) in &points[1..points.len() - 1] {
            if histogram.has_custom_bounds() != custom {
                return Err(IncompatibleSchemas);
            }
            schema = schema.min(histogram.schema);
        }
    }
    let mut change = Sparse::<f64>::from(&**last);
    change.reduce_to(schema);
    if change.combine(&before, -1.0)?.bounds_reconciled {
        notes.info(span, remarks::reconciled_bounds("subtraction"));
    }
    if counter {
        for (position, (_, histogram)) in points.iter().enumerate().skip(1) {
            let is_reset = start_reset(position) || detects_reset(histogram, &before);
            if is_reset && change.combine(&before, 1.0)?.bounds_reconciled {
                notes.info(span, remarks::reconciled_bounds("addition"));
            }
            before = Arc::clone(histogram);
        }
    } else if !is_gauge(first) || !is_gauge(last) {
        notes.warn(span, remarks::not_a_gauge(metric));
    }
    change.set_hint(ResetHint::Gauge);
    Ok(Some(change.into_histogram()))
}

/// One of the last two samples of a window, and when its counter began.
struct Recent {
    at_ms: i64,
    start_ms: i64,
    point: Point,
}

/// The last two samples of a window, of either kind.
fn last_two(window: &Window<'_>) -> Option<[Recent; 2]> {
    let tail = |len: usize| len.saturating_sub(2)..len;
    let floats = tail(window.values.len()).map(|position| {
        let (start_ms, at_ms) = moment(window.starts_ms, position, window.timestamps_ms[position]);
        Recent { at_ms, start_ms, point: Point::Float(window.values[position]) }
    });
    let histograms = tail(window.histograms.len()).map(|position| {
        let (at_ms, histogram) = &window.histograms[position];
        let (start_ms, at_ms) = moment(window.histogram_starts_ms, position, *at_ms);
        Recent { at_ms, start_ms, point: Point::Histogram(Arc::clone(histogram)) }
    });
    let mut recent: Vec<Recent> = floats.chain(histograms).collect();
    recent.sort_by_key(|recent| recent.at_ms);
    let last = recent.pop()?;
    Some([recent.pop()?, last])
}

/// The change between the last two samples; as a rate, per second and with a reset taken for a start from zero.
fn instantaneous(asked: &Asked<'_>, window: &Window<'_>, labels: &Labels) -> Option<Point> {
    let rate = asked.counter;
    if window.histograms.is_empty() && window.starts_ms.is_empty() {
        let [.., before_ms, last_ms] = window.timestamps_ms else { return None };
        let [.., before, last] = window.values else { return None };
        let change = if rate && last < before { *last } else { last - before };
        return per_interval(rate, last_ms - before_ms, change).map(Point::Float);
    }
    let [before, last] = last_two(window)?;
    let interval_ms = last.at_ms - before.at_ms;
    let start_reset = is_start_reset((before.start_ms, before.at_ms), (last.start_ms, last.at_ms));
    match (&before.point, &last.point) {
        (Point::Float(before), Point::Float(last)) => {
            let change = if rate && (last < before || start_reset) { *last } else { last - before };
            per_interval(rate, interval_ms, change).map(Point::Float)
        }
        (Point::Histogram(before), Point::Histogram(last)) if interval_ms != 0 => {
            let change = instant_change(asked, before, last, start_reset, labels)?;
            let change = if rate { divided(&change, super::seconds(interval_ms)) } else { change };
            Some(Point::Histogram(Arc::new(change)))
        }
        (Point::Histogram(_), Point::Histogram(_)) => None,
        _ => {
            asked.notes.warn(asked.span, remarks::mixed_types(labels.metric_name()));
            None
        }
    }
}

fn per_interval(rate: bool, interval_ms: i64, change: f64) -> Option<f64> {
    if interval_ms == 0 {
        return None;
    }
    Some(if rate { change / super::seconds(interval_ms) } else { change })
}

fn instant_change(
    asked: &Asked<'_>,
    before: &Histogram,
    last: &Histogram,
    start_reset: bool,
    labels: &Labels,
) -> Option<Histogram> {
    let (Asked { counter: rate, notes, span, .. }, metric) = (*asked, labels.metric_name());
    let gauges = [before, last].map(|histogram| histogram.reset_hint == ResetHint::Gauge);
    if rate && gauges.contains(&true) {
        notes.warn(span, remarks::not_a_counter(metric));
    }
    if !rate && gauges.contains(&false) {
        notes.warn(span, remarks::not_a_gauge(metric));
    }
    if rate && (start_reset || detects_reset(last, before)) {
        return Some(gauge_of(last));
    }
    match combine(last, before, -1.0) {
        Ok((change, found)) => {
            if found.bounds_reconciled {
                notes.info(span, remarks::reconciled_bounds("subtraction"));
            }
            Some(change)
        }
        Err(IncompatibleSchemas) => {
            notes.warn(span, remarks::mixed_schemas(metric));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(samples: &[(i64, f64)], expected: Option<f64>) {
        let storage = storage::MemoryStorage::new();
        let labels = Labels::from_pairs([("__name__", "x_total")]);
        storage.push(&labels, samples.iter().copied());
        let expr = promql_syntax::parse("increase(x_total[1m])").unwrap();
        let at = model::Timestamp::from_ms(60_000);
        let answer = crate::instant(&expr, at, &storage, &crate::Options::default()).unwrap();
        let crate::Value::Vector(vector) = answer.value else { panic!("no vector") };
        assert_eq!(vector.first().map(|sample| sample.value), expected, "{samples:?}");
    }

    #[test]
    fn increases_are_extrapolated_to_the_window() {
        check(&[(10_000, 5.0)], None);
        check(&[(10_000, 100.0), (20_000, 110.0), (30_000, 120.0), (40_000, 130.0), (50_000, 140.0)], Some(60.0));
        // A reset: 10 → 0, and the zero point limits the start.
        check(&[(15_000, 0.0), (30_000, 10.0), (45_000, 5.0), (60_000, 15.0)], Some(25.0));
    }
}
