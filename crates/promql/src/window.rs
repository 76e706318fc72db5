//! Range vectors: for each step the samples in a window that ends at the step's moment.

use std::sync::Arc;

use model::Labels;
use promql_syntax::{Expr, ExprKind, Subquery};

use crate::column::Column;
use crate::error::EvalError;
use crate::evaluation::{Evaluation, Operand};
use crate::selector::{self, References, without_stale};
use crate::series::Series;
use crate::steps::Steps;

/// A series' labels, whether its name is to be dropped, and its samples.
pub(crate) type Sampled = (Labels, bool, Vec<(i64, f64)>);

/// A range vector over all steps: the samples once, and where each step's window lies.
pub(crate) struct Windows {
    pub(crate) series: Vec<WindowedSeries>,
    references: References,
    range_ms: i64,
    step_count: usize,
}

/// A series of a range vector.
pub(crate) struct WindowedSeries {
    pub(crate) labels: Labels,
    pub(crate) drop_name: bool,
    timestamps_ms: Arc<[i64]>,
    values: Vec<f64>,
}

/// The samples of one series that lie in `(start_ms, end_ms]`, at least one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window<'a> {
    pub(crate) timestamps_ms: &'a [i64],
    pub(crate) values: &'a [f64],
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
}

impl Windows {
    /// Applies `function` to each window that holds a sample; it gets the step's number as well.
    pub(crate) fn map(
        self,
        evaluation: &Evaluation<'_>,
        keep_name: bool,
        mut function: impl FnMut(usize, &Window<'_>, &Labels) -> Option<f64>,
    ) -> Result<Vec<Series>, EvalError> {
        let mut out = Vec::with_capacity(self.series.len());
        for series in self.series {
            evaluation.check_cancelled()?;
            let mut column = Column::empty(self.step_count);
            let (mut from, mut to) = (0, 0);
            let timestamps = &series.timestamps_ms[..];
            for step in 0..self.step_count {
                let end_ms = self.references.at(step);
                let start_ms = end_ms - self.range_ms;
                while to < timestamps.len() && timestamps[to] <= end_ms {
                    to += 1;
                }
                while from < to && timestamps[from] <= start_ms {
                    from += 1;
                }
                if from == to {
                    continue;
                }
                let window =
                    Window { timestamps_ms: &timestamps[from..to], values: &series.values[from..to], start_ms, end_ms };
                if let Some(value) = function(step, &window, &series.labels) {
                    column.put(step, value);
                }
            }
            if column.present.any() {
                let drop_name = series.drop_name || !keep_name;
                out.push(Series { labels: series.labels, drop_name, column });
            }
        }
        Ok(out)
    }

    /// The samples themselves at the only step of an instant query.
    pub(crate) fn into_samples(self) -> Vec<Sampled> {
        let end_ms = self.references.last();
        let inside = |at: i64| end_ms - self.range_ms < at && at <= end_ms;
        self.series
            .into_iter()
            .map(|series| {
                let samples = series.timestamps_ms.iter().zip(&series.values);
                let samples = samples.filter(|(at, _)| inside(**at)).map(|(at, value)| (*at, *value)).collect();
                (series.labels, series.drop_name, samples)
            })
            .filter(|(_, _, samples): &(_, _, Vec<_>)| !samples.is_empty())
            .collect()
    }

    /// The range's length in seconds.
    pub(crate) fn range_seconds(&self) -> f64 {
        self.range_ms as f64 / 1000.0
    }
}

/// Evaluates a range vector expression; `function` is what will be applied to it.
pub(crate) fn windows(evaluation: &Evaluation<'_>, expr: &Expr, function: &str) -> Result<Windows, EvalError> {
    match &expr.unwrap_parens().kind {
        ExprKind::Matrix(matrix) => {
            if matrix.range_expr.is_some() {
                return Err(EvalError::Unsupported("a computed duration".to_owned()));
            }
            let references = References::new(evaluation, matrix.selector.at, matrix.selector.offset_ms);
            let found = selector::read(evaluation, &matrix.selector, &references, matrix.range_ms, function)?;
            let series = found.into_iter().map(|series| {
                let labels = series.labels.clone();
                let (timestamps_ms, values) = without_stale(series);
                WindowedSeries { labels, drop_name: false, timestamps_ms, values }
            });
            Ok(Windows {
                series: series.collect(),
                references,
                range_ms: matrix.range_ms,
                step_count: evaluation.steps.count,
            })
        }
        ExprKind::Subquery(subquery) => from_subquery(evaluation, subquery),
        _ => Err(EvalError::Unsupported("this range vector".to_owned())),
    }
}

fn from_subquery(evaluation: &Evaluation<'_>, subquery: &Subquery) -> Result<Windows, EvalError> {
    if subquery.range_expr.is_some() || subquery.step_expr.is_some() || subquery.offset_expr.is_some() {
        return Err(EvalError::Unsupported("a computed duration".to_owned()));
    }
    let references = References::new(evaluation, subquery.at, subquery.offset_ms);
    let step_ms = subquery.step_ms.unwrap_or(evaluation.options.subquery_step_ms).max(1);
    let open_ms = references.first() - subquery.range_ms;
    // Steps are absolute multiples, and the window is open on the left.
    let mut start_ms = step_ms * (open_ms / step_ms);
    if start_ms <= open_ms {
        start_ms += step_ms;
    }
    let inner = evaluation.within(Steps::range(start_ms, references.last(), step_ms));
    let vector = match inner.operand(&subquery.expr)? {
        Operand::Vector(vector) => vector,
        Operand::Scalar(values) => {
            let mut column = Column::empty(inner.steps.count);
            values.into_iter().enumerate().for_each(|(step, value)| column.put(step, value));
            vec![Series { labels: Labels::empty(), drop_name: false, column }]
        }
        Operand::Text(_) => return Err(EvalError::Unsupported("a subquery over a text".to_owned())),
    };
    let series: Vec<WindowedSeries> = vector
        .into_iter()
        .map(|series| {
            let (timestamps, values): (Vec<i64>, Vec<f64>) =
                series.column.iter().map(|(step, value)| (inner.steps.at(step), value)).unzip();
            WindowedSeries {
                labels: series.labels,
                drop_name: series.drop_name,
                timestamps_ms: Arc::from(timestamps),
                values,
            }
        })
        .collect();
    evaluation.charge(series.iter().map(|series| series.values.len()).sum())?;
    Ok(Windows { series, references, range_ms: subquery.range_ms, step_count: evaluation.steps.count })
}
