//! Aggregations over the series of an instant vector.

use std::collections::HashMap;
use std::sync::Arc;

use model::{Labels, METRIC_NAME};
use promql_syntax::{Aggregate, AggregateOp, Span, quote};

use crate::column::Column;
use crate::error::{EvalError, fail};
use crate::evaluation::Evaluation;
use crate::functions::{is_label_name, quantile_of, warn_of_quantiles};
use crate::histogram::{HistogramMean, HistogramSum, IncompatibleSchemas, text};
use crate::kahan::{KahanMean, KahanSum, Welford};
use crate::remarks;
use crate::selection;
use crate::series::Series;

/// Series that are aggregated into one.
pub(crate) struct Group {
    labels: Labels,
    drop_name: bool,
    /// Positions in the vector, in its order.
    pub(crate) members: Vec<usize>,
}

/// Evaluates an aggregation.
pub(crate) fn aggregate(evaluation: &Evaluation<'_>, aggregate: &Aggregate) -> Result<Vec<Series>, EvalError> {
    let op = aggregate.op;
    match op {
        AggregateOp::CountValues => {
            let param = aggregate.param.as_ref().map(|param| evaluation.text(param)).transpose()?;
            let label = param.unwrap_or_default();
            if !is_label_name(&label) {
                return fail(format!("invalid label name {}", quote(&label)));
            }
            let vector = evaluation.vector(&aggregate.expr)?;
            return Ok(count_values(evaluation, &vector, groups(&vector, aggregate), &label));
        }
        AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk | AggregateOp::LimitRatio => {
            return selection::select(evaluation, aggregate);
        }
        _ => {}
    }
    let quantiles = match (&aggregate.param, op) {
        (Some(param), AggregateOp::Quantile) => {
            let quantiles = evaluation.scalar(param)?;
            warn_of_quantiles(evaluation, &quantiles, param.span);
            quantiles
        }
        _ => Vec::new(),
    };
    let vector = evaluation.vector(&aggregate.expr)?;
    let span = aggregate.expr.span;
    let mut reduced = Vec::new();
    for group in groups(&vector, aggregate) {
        evaluation.check_cancelled()?;
        let members: Vec<&Series> = group.members.iter().map(|at| &vector[*at]).collect();
        let column = if members.iter().any(|series| series.column.has_histograms()) {
            reduce_mixed(evaluation, op, &members, &quantiles, span)
        } else {
            let columns: Vec<&Column> = members.iter().map(|series| &series.column).collect();
            reduce(evaluation, op, &columns, &quantiles)
        };
        if column.present.any() {
            reduced.push(Series { labels: group.labels, drop_name: group.drop_name, column });
        }
    }
    Ok(reduced)
}

/// The groups, in the order in which the vector first mentions them.
pub(crate) fn groups(vector: &[Series], aggregate: &Aggregate) -> Vec<Group> {
    if !aggregate.without && aggregate.grouping.is_empty() {
        let members: Vec<usize> = (0..vector.len()).collect();
        let all = vector.first().map(|first| Group { labels: Labels::empty(), drop_name: first.drop_name, members });
        return all.into_iter().collect();
    }
    let mut by_labels: HashMap<Labels, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    let named = |name: &str| aggregate.grouping.iter().any(|label| label == name);
    for (position, series) in vector.iter().enumerate() {
        let labels = if aggregate.without {
            series.labels.filtered(|name| name != METRIC_NAME && !named(name))
        } else if aggregate.grouping.is_empty() {
            Labels::empty()
        } else {
            series.labels.filtered(named)
        };
        let at = *by_labels.entry(labels.clone()).or_insert_with(|| {
            groups.push(Group { labels, drop_name: series.drop_name, members: Vec::new() });
            groups.len() - 1
        });
        groups[at].members.push(position);
    }
    groups
}

/// One column out of many, step by step.
fn reduce(evaluation: &Evaluation<'_>, op: AggregateOp, members: &[&Column], quantiles: &[f64]) -> Column {
    let count = evaluation.steps.count;
    let mut out = Column::empty(count);
    for column in members {
        out.present.union(&column.present);
    }
    match op {
        AggregateOp::Sum => fold(&mut out, members, KahanSum::default, |sum, value| sum.add(value), |sum| sum.value()),
        AggregateOp::Avg => {
            fold(&mut out, members, KahanMean::default, |mean, value| mean.add(value), |mean| mean.value());
        }
        AggregateOp::Stddev | AggregateOp::Stdvar => {
            let root = op == AggregateOp::Stddev;
            fold(
                &mut out,
                members,
                Welford::default,
                |welford, value| welford.add(value),
                |welford| {
                    if root { welford.variance().sqrt() } else { welford.variance() }
                },
            );
        }
        AggregateOp::Count => fold(&mut out, members, || 0.0, |count, _| *count += 1.0, |count| *count),
        AggregateOp::Group => fold(&mut out, members, || (), |(), _| (), |()| 1.0),
        AggregateOp::Min => fold(
            &mut out,
            members,
            || f64::NAN,
            |min, value| {
                if value < *min || min.is_nan() {
                    *min = value;
                }
            },
            |min| *min,
        ),
        AggregateOp::Max => fold(
            &mut out,
            members,
            || f64::NAN,
            |max, value| {
                if *max < value || max.is_nan() {
                    *max = value;
                }
            },
            |max| *max,
        ),
        _ => {
            let mut values = Vec::with_capacity(members.len());
            let steps: Vec<usize> = out.present.iter().collect();
            for step in steps {
                values.clear();
                values.extend(members.iter().filter_map(|column| column.get(step)));
                out.values[step] = quantile_of(quantiles[step], &mut values);
            }
        }
    }
    out
}

/// Goes member by member, an accumulator for each step.
fn fold<A>(
    out: &mut Column,
    members: &[&Column],
    start: impl Fn() -> A,
    add: impl Fn(&mut A, f64),
    finish: impl Fn(&A) -> f64,
) {
    let mut accumulators: Vec<A> = (0..out.values.len()).map(|_| start()).collect();
    for column in members {
        for (step, value) in column.iter() {
            add(&mut accumulators[step], value);
        }
    }
    for (value, accumulator) in out.values.iter_mut().zip(&accumulators) {
        *value = finish(accumulator);
    }
}

/// The same where there are histograms among the floats.
fn reduce_mixed(
    evaluation: &Evaluation<'_>,
    op: AggregateOp,
    members: &[&Series],
    quantiles: &[f64],
    span: Span,
) -> Column {
    match op {
        AggregateOp::Sum | AggregateOp::Avg => return sum_mixed(evaluation, op, members, span),
        AggregateOp::Count | AggregateOp::Group => {
            let mut out = Column::empty(evaluation.steps.count);
            for step in members.iter().flat_map(|series| series.column.present.iter()) {
                let counted = if op == AggregateOp::Count { out.get(step).unwrap_or(0.0) } else { 0.0 };
                out.put(step, counted + 1.0);
            }
            return out;
        }
        _ => {}
    }
    let mut columns: Vec<Column> = members.iter().map(|series| series.column.clone()).collect();
    let ignored: Vec<bool> = columns.iter_mut().map(Column::drop_histograms).collect();
    if ignored.contains(&true) {
        evaluation.notes.info(span, remarks::ignored_in_aggregation(op.as_str()));
    }
    let columns: Vec<&Column> = columns.iter().collect();
    reduce(evaluation, op, &columns, quantiles)
}

/// A sum or a mean of one kind, at one step.
enum Sum {
    Floats(KahanSum, KahanMean),
    Histograms(HistogramSum),
    Mean(HistogramMean),
    /// Things that cannot be added up.
    Nothing,
}

fn sum_mixed(evaluation: &Evaluation<'_>, op: AggregateOp, members: &[&Series], span: Span) -> Column {
    let mean = op == AggregateOp::Avg;
    let notes = &evaluation.notes;
    let mut sums: Vec<Option<Sum>> = (0..evaluation.steps.count).map(|_| None).collect();
    for series in members {
        for (step, value) in series.column.iter() {
            match sums[step].get_or_insert_with(|| Sum::Floats(KahanSum::default(), KahanMean::default())) {
                Sum::Floats(sum, _) if !mean => sum.add(value),
                Sum::Floats(_, mean) => mean.add(value),
                Sum::Nothing => {}
                mixed => {
                    notes.warn(span, remarks::MIXED_TYPES_IN_AGGREGATION);
                    *mixed = Sum::Nothing;
                }
            }
        }
        for (step, histogram) in series.column.histograms() {
            let Some(sum) = &mut sums[step] else {
                let first = if mean {
                    Sum::Mean(HistogramMean::new(histogram))
                } else {
                    Sum::Histograms(HistogramSum::new(histogram))
                };
                sums[step] = Some(first);
                continue;
            };
            let added = match sum {
                Sum::Histograms(sum) => sum.add(histogram),
                Sum::Mean(mean) => mean.add(histogram),
                Sum::Nothing => continue,
                Sum::Floats(..) => {
                    notes.warn(span, remarks::MIXED_TYPES_IN_AGGREGATION);
                    *sum = Sum::Nothing;
                    continue;
                }
            };
            if added == Err(IncompatibleSchemas) {
                notes.warn(span, remarks::mixed_schemas(series.labels.metric_name()));
                *sum = Sum::Nothing;
            }
        }
    }
    let mut out = Column::empty(evaluation.steps.count);
    for (step, sum) in sums.into_iter().enumerate().filter_map(|(step, sum)| Some((step, sum?))) {
        let (found, histogram) = match sum {
            Sum::Nothing => continue,
            Sum::Floats(sum, means) => {
                out.put(step, if mean { means.value() } else { sum.value() });
                continue;
            }
            Sum::Histograms(sum) => (sum.remarks, sum.finish()),
            Sum::Mean(mean) => (mean.remarks(), mean.finish()),
        };
        if found.resets_collide() {
            notes.warn(span, remarks::colliding_resets("aggregation"));
        }
        if found.bounds_reconciled {
            notes.info(span, remarks::reconciled_bounds("aggregation"));
        }
        out.put_histogram(step, Arc::new(histogram));
    }
    out
}

fn count_values(evaluation: &Evaluation<'_>, vector: &[Series], groups: Vec<Group>, label: &str) -> Vec<Series> {
    let mut out: Vec<Series> = Vec::new();
    let mut by_labels: HashMap<Labels, usize> = HashMap::new();
    for group in groups {
        for member in group.members {
            let column = &vector[member].column;
            let floats = column.iter().map(|(step, value)| (step, units::float::shortest_f(value)));
            let histograms = column.histograms().map(|(step, histogram)| (step, text(histogram)));
            for (step, value) in floats.chain(histograms) {
                let labels = group.labels.to_builder().set(label, &value).build();
                let at = *by_labels.entry(labels.clone()).or_insert_with(|| {
                    out.push(Series { labels, drop_name: false, column: Column::empty(evaluation.steps.count) });
                    out.len() - 1
                });
                let before = out[at].column.get(step).unwrap_or(0.0);
                out[at].column.put(step, before + 1.0);
            }
        }
    }
    out
}
