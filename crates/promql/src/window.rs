//! Range vectors: for each step the samples in a window that ends at the step's moment.

use std::sync::Arc;

use model::{Histogram, Labels, is_stale};
use promql_syntax::{Expr, ExprKind, MatrixSelector, Subquery, VectorSelector};
use storage::SeriesColumns;

use crate::column::{Column, Point};
use crate::error::{EvalError, fail};
use crate::evaluation::{Evaluation, Operand};
use crate::histogram::without_hint;
use crate::selector::{self, References, histogram_samples, start_of};
use crate::series::Series;
use crate::steps::Steps;

/// Which samples outside the range a function sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edges {
    /// None.
    Plain,
    /// Those before it, as far back as the lookback.
    Anchored,
    /// Those before and after it.
    Smoothed,
}

impl Edges {
    fn of(selector: &VectorSelector) -> Self {
        match (selector.anchored, selector.smoothed) {
            (true, _) => Self::Anchored,
            (_, true) => Self::Smoothed,
            _ => Self::Plain,
        }
    }

    /// Refuses functions that make nothing of the samples outside.
    fn check(self, function: &str) -> Result<(), EvalError> {
        let (name, functions): (_, &[&str]) = match self {
            Self::Plain => return Ok(()),
            Self::Anchored => ("anchored", &["changes", "delta", "increase", "rate", "resets"]),
            Self::Smoothed => ("smoothed", &["delta", "increase", "rate"]),
        };
        if function.is_empty() || functions.contains(&function) {
            return Ok(());
        }
        let functions = functions.join(", ");
        fail(format!("{name} modifier can only be used with: {functions} - not with {function}"))
    }
}

/// A range vector over all steps: the samples once, and where each step's window lies.
pub(crate) struct Windows {
    pub(crate) series: Vec<WindowedSeries>,
    pub(crate) edges: Edges,
    references: References,
    range_ms: i64,
    /// How far windows reach beyond the range, before and after it.
    beyond_ms: (i64, i64),
    step_count: usize,
}

/// A series of a range vector.
pub(crate) struct WindowedSeries {
    pub(crate) labels: Labels,
    pub(crate) drop_name: bool,
    pub(crate) samples: Samples,
}

/// A series' samples without stale markers.
pub(crate) struct Samples {
    pub(crate) timestamps_ms: Arc<[i64]>,
    pub(crate) values: Vec<f64>,
    pub(crate) histograms: Vec<(i64, Arc<Histogram>)>,
    /// When the counter of each float began, 0 where that is not known; empty if it never is.
    starts_ms: Vec<i64>,
    /// The same for histograms.
    histogram_starts_ms: Vec<i64>,
    /// The positions of floats that are below the one before, if [`Windows::find_falls`] was asked.
    falls: Vec<usize>,
}

/// The samples of one series that lie in `(start_ms, end_ms]`, and those beyond that the selector asks for; at least one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window<'a> {
    pub(crate) timestamps_ms: &'a [i64],
    pub(crate) values: &'a [f64],
    pub(crate) histograms: &'a [(i64, Arc<Histogram>)],
    /// When the counter of each float began, 0 where that is not known; empty if it never is.
    pub(crate) starts_ms: &'a [i64],
    /// The same for histograms.
    pub(crate) histogram_starts_ms: &'a [i64],
    /// All floats of the series, also those outside.
    pub(crate) whole: &'a [f64],
    /// Where the window begins among them.
    pub(crate) from: usize,
    /// The number of the series in its range vector.
    pub(crate) series: usize,
    /// The floats before which the value fell, all but the first of the window: the value before. Only after
    /// [`Windows::find_falls`].
    pub(crate) falls: Falls<'a>,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
}

/// Where the floats of a window fall.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Falls<'a> {
    positions: &'a [usize],
    /// The values of the whole series.
    values: &'a [f64],
}

impl Falls<'_> {
    /// How many.
    pub(crate) const fn count(&self) -> usize {
        self.positions.len()
    }

    /// The value before each, in the order of time.
    pub(crate) fn heights(&self) -> impl Iterator<Item = f64> + '_ {
        self.positions.iter().map(|position| self.values[position - 1])
    }
}

impl Windows {
    /// Finds once where floats fall, so that no window has to look for it.
    pub(crate) fn find_falls(&mut self) {
        for series in &mut self.series {
            let values = &series.samples.values;
            series.samples.falls = (1..values.len()).filter(|at| values[*at] < values[at - 1]).collect();
        }
    }

    /// Applies `function` to each window that holds a sample; it gets the step's number as well.
    pub(crate) fn map(
        self,
        evaluation: &Evaluation<'_>,
        keep_name: bool,
        mut function: impl FnMut(usize, &Window<'_>, &Labels) -> Option<Point>,
    ) -> Result<Vec<Series>, EvalError> {
        evaluation.check_room(self.series.len())?;
        let mut out = Vec::with_capacity(self.series.len());
        for (number, series) in self.series.iter().enumerate() {
            evaluation.check_cancelled()?;
            let mut column = Column::empty(self.step_count);
            let (mut floats, mut histograms) = (Cursors::default(), Cursors::default());
            for step in 0..self.step_count {
                let window = self.window((number, series), step, &mut floats, &mut histograms);
                if window.values.is_empty() && window.histograms.is_empty() {
                    continue;
                }
                if let Some(point) = function(step, &window, &series.labels) {
                    column.put_point(step, point);
                }
            }
            if column.present.any() {
                let drop_name = series.drop_name || !keep_name;
                out.push(Series { labels: series.labels.clone(), drop_name, column });
            }
        }
        Ok(out)
    }

    fn window<'a>(
        &self,
        (number, series): (usize, &'a WindowedSeries),
        step: usize,
        floats: &mut Cursors,
        histograms: &mut Cursors,
    ) -> Window<'a> {
        let end_ms = self.references.at(step);
        let start_ms = end_ms - self.range_ms;
        let (after_ms, until_ms) = (start_ms - self.beyond_ms.0, end_ms + self.beyond_ms.1);
        let samples = &series.samples;
        let (from, to) =
            floats.advance(samples.timestamps_ms.len(), after_ms, until_ms, |at| samples.timestamps_ms[at]);
        let (first, last) =
            histograms.advance(samples.histograms.len(), after_ms, until_ms, |at| samples.histograms[at].0);
        // A fall at the window's first float lies between it and one outside.
        let begin = floats.fall_from(&samples.falls, from);
        let end = floats.fall_to(&samples.falls, to);
        Window {
            whole: &samples.values,
            from,
            series: number,
            falls: Falls { positions: &samples.falls[begin..end.max(begin)], values: &samples.values },
            timestamps_ms: &samples.timestamps_ms[from..to],
            values: &samples.values[from..to],
            histograms: &samples.histograms[first..last],
            starts_ms: samples.starts_ms.get(from..to).unwrap_or_default(),
            histogram_starts_ms: samples.histogram_starts_ms.get(first..last).unwrap_or_default(),
            start_ms,
            end_ms,
        }
    }

    /// Calls `function` with the window of each series at the only step of an instant query, if it holds a sample.
    pub(crate) fn each(&self, mut function: impl FnMut(&WindowedSeries, &Window<'_>)) {
        let last = self.step_count.saturating_sub(1);
        for (number, series) in self.series.iter().enumerate() {
            let window = self.window((number, series), last, &mut Cursors::default(), &mut Cursors::default());
            if !window.values.is_empty() || !window.histograms.is_empty() {
                function(series, &window);
            }
        }
    }

    /// The range's length in seconds.
    pub(crate) fn range_seconds(&self) -> f64 {
        self.range_ms as f64 / 1000.0
    }
}

/// Where a window begins and ends in rising timestamps; both only move forward.
#[derive(Default)]
struct Cursors {
    from: usize,
    to: usize,
    fall_from: usize,
    fall_to: usize,
}

impl Cursors {
    /// The positions of what lies in `(after_ms, until_ms]`.
    fn advance(&mut self, len: usize, after_ms: i64, until_ms: i64, at_ms: impl Fn(usize) -> i64) -> (usize, usize) {
        while self.to < len && at_ms(self.to) <= until_ms {
            self.to += 1;
        }
        while self.from < self.to && at_ms(self.from) <= after_ms {
            self.from += 1;
        }
        (self.from, self.to)
    }

    /// The first fall behind the float at `from`.
    fn fall_from(&mut self, falls: &[usize], from: usize) -> usize {
        while falls.get(self.fall_from).is_some_and(|at| *at <= from) {
            self.fall_from += 1;
        }
        self.fall_from
    }

    /// The first fall at or behind `to`.
    fn fall_to(&mut self, falls: &[usize], to: usize) -> usize {
        while falls.get(self.fall_to).is_some_and(|at| *at < to) {
            self.fall_to += 1;
        }
        self.fall_to
    }
}

/// Evaluates a range vector expression; `function` is what will be applied to it.
pub(crate) fn windows(evaluation: &Evaluation<'_>, expr: &Expr, function: &str) -> Result<Windows, EvalError> {
    match &expr.unwrap_parens().kind {
        ExprKind::Matrix(matrix) => from_selector(evaluation, matrix, function),
        ExprKind::Subquery(subquery) => from_subquery(evaluation, subquery),
        _ => Err(EvalError::Unsupported("this range vector".to_owned())),
    }
}

fn from_selector(evaluation: &Evaluation<'_>, matrix: &MatrixSelector, function: &str) -> Result<Windows, EvalError> {
    let edges = Edges::of(&matrix.selector);
    edges.check(function)?;
    let lookback_ms = evaluation.options.lookback_ms;
    let beyond_ms = match edges {
        Edges::Plain => (0, 0),
        Edges::Anchored => (lookback_ms, 0),
        Edges::Smoothed => (lookback_ms, lookback_ms),
    };
    let references = References::new(evaluation, matrix.selector.at, matrix.selector.offset_ms);
    let reach_ms = (matrix.range_ms.saturating_add(beyond_ms.0), beyond_ms.1);
    let found = selector::read(evaluation, &matrix.selector, &references, reach_ms, function)?;
    let series = found.into_iter().map(|series| {
        let labels = series.labels.clone();
        WindowedSeries { labels, drop_name: false, samples: without_stale(series) }
    });
    Ok(Windows {
        series: series.collect(),
        edges,
        references,
        range_ms: matrix.range_ms,
        beyond_ms,
        step_count: evaluation.steps.count,
    })
}

fn from_subquery(evaluation: &Evaluation<'_>, subquery: &Subquery) -> Result<Windows, EvalError> {
    let references = References::new(evaluation, subquery.at, subquery.offset_ms);
    let step_ms = subquery.step_ms.unwrap_or(evaluation.options.subquery_step_ms).max(1);
    let open_ms = references.first().saturating_sub(subquery.range_ms);
    // Steps are absolute multiples, and the window is open on the left.
    let mut start_ms = step_ms * (open_ms / step_ms);
    if start_ms <= open_ms {
        start_ms += step_ms;
    }
    let inner = evaluation.within(Steps::range(start_ms, references.last(), step_ms)?);
    let vector = match inner.operand(&subquery.expr)? {
        Operand::Vector(vector) => vector,
        Operand::Scalar(values) => vec![Series::constant(values)],
        Operand::Text(_) => return Err(EvalError::Unsupported("a subquery over a text".to_owned())),
    };
    let series: Vec<WindowedSeries> = vector
        .into_iter()
        .map(|series| {
            let (timestamps, values): (Vec<i64>, Vec<f64>) =
                series.column.iter().map(|(step, value)| (inner.steps.at(step), value)).unzip();
            let histograms = series.column.histograms();
            let histograms = histograms.map(|(step, found)| (inner.steps.at(step), without_hint(Arc::clone(found))));
            let samples = Samples {
                timestamps_ms: Arc::from(timestamps),
                values,
                histograms: histograms.collect(),
                starts_ms: Vec::new(),
                histogram_starts_ms: Vec::new(),
                falls: Vec::new(),
            };
            WindowedSeries { labels: series.labels, drop_name: series.drop_name, samples }
        })
        .collect();
    let loaded = |samples: &Samples| {
        samples.values.len() + samples.histograms.iter().map(|(_, found)| histogram_samples(found)).sum::<usize>()
    };
    evaluation.charge(series.iter().map(|series| loaded(&series.samples)).sum())?;
    Ok(Windows {
        series,
        edges: Edges::Plain,
        references,
        range_ms: subquery.range_ms,
        beyond_ms: (0, 0),
        step_count: evaluation.steps.count,
    })
}

/// A series' samples without stale markers; shared where there are none.
pub(crate) fn without_stale(mut series: SeriesColumns) -> Samples {
    series.histograms.retain(|(_, histogram)| !histogram.is_stale());
    if series.values.iter().any(|value| is_stale(*value)) {
        let kept = series.timestamps_ms.iter().zip(&series.values).filter(|(_, value)| !is_stale(**value));
        let (timestamps, values): (Vec<i64>, Vec<f64>) = kept.map(|(at, value)| (*at, *value)).unzip();
        (series.timestamps_ms, series.values) = (Arc::from(timestamps), values);
    }
    let (mut starts_ms, mut histogram_starts_ms) = (Vec::new(), Vec::new());
    if !series.starts_ms.is_empty() {
        starts_ms = series.timestamps_ms.iter().map(|at| start_of(&series, *at)).collect();
        histogram_starts_ms = series.histograms.iter().map(|(at, _)| start_of(&series, *at)).collect();
    }
    let SeriesColumns { timestamps_ms, values, histograms, .. } = series;
    Samples { timestamps_ms, values, histograms, starts_ms, histogram_starts_ms, falls: Vec::new() }
}
