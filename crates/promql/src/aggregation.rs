//! Aggregations over the series of an instant vector.

use std::collections::HashMap;

use model::{Labels, METRIC_NAME};
use promql_syntax::{Aggregate, AggregateOp};

use crate::column::{Bits, Column};
use crate::error::{EvalError, fail};
use crate::evaluation::Evaluation;
use crate::functions::quantile_of;
use crate::kahan::{KahanMean, KahanSum, Welford};
use crate::series::Series;

/// Series that are aggregated into one.
struct Group {
    labels: Labels,
    drop_name: bool,
    /// Positions in the vector, in its order.
    members: Vec<usize>,
}

/// Evaluates an aggregation.
pub(crate) fn aggregate(evaluation: &Evaluation<'_>, aggregate: &Aggregate) -> Result<Vec<Series>, EvalError> {
    let op = aggregate.op;
    match op {
        AggregateOp::CountValues => {
            let param = aggregate.param.as_ref().map(|param| evaluation.text(param)).transpose()?;
            let label = param.unwrap_or_default();
            if label.is_empty() {
                return fail(format!("invalid label name {label:?}"));
            }
            let vector = evaluation.vector(&aggregate.expr)?;
            return count_values(evaluation, &vector, groups(&vector, aggregate), &label);
        }
        AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk | AggregateOp::LimitRatio => {
            return select(evaluation, aggregate);
        }
        _ => {}
    }
    let quantiles = match (&aggregate.param, op) {
        (Some(param), AggregateOp::Quantile) => {
            let quantiles = evaluation.scalar(param)?;
            for q in quantiles.iter().filter(|q| q.is_nan() || !(0.0..=1.0).contains(*q)) {
                evaluation
                    .notes
                    .warn(format!("quantile value should be between 0 and 1, got {}", units::float::shortest_g(*q)));
            }
            quantiles
        }
        _ => Vec::new(),
    };
    let vector = evaluation.vector(&aggregate.expr)?;
    let reduced = groups(&vector, aggregate).into_iter().map(|group| {
        let members: Vec<&Column> = group.members.iter().map(|at| &vector[*at].column).collect();
        let column = reduce(evaluation, op, &members, &quantiles);
        Series { labels: group.labels, drop_name: group.drop_name, column }
    });
    Ok(reduced.collect())
}

/// The groups, in the order in which the vector first mentions them.
fn groups(vector: &[Series], aggregate: &Aggregate) -> Vec<Group> {
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

fn count_values(
    evaluation: &Evaluation<'_>,
    vector: &[Series],
    groups: Vec<Group>,
    label: &str,
) -> Result<Vec<Series>, EvalError> {
    let mut out: Vec<Series> = Vec::new();
    let mut by_labels: HashMap<Labels, usize> = HashMap::new();
    for group in groups {
        for member in group.members {
            for (step, value) in vector[member].column.iter() {
                let labels = group.labels.to_builder().set(label, &units::float::shortest_f(value)).build();
                let at = *by_labels.entry(labels.clone()).or_insert_with(|| {
                    out.push(Series { labels, drop_name: false, column: Column::empty(evaluation.steps.count) });
                    out.len() - 1
                });
                let before = out[at].column.get(step).unwrap_or(0.0);
                out[at].column.put(step, before + 1.0);
            }
        }
    }
    Ok(out)
}

/// `topk`, `bottomk`, `limitk`, `limit_ratio`: some of the series, as they are.
fn select(evaluation: &Evaluation<'_>, aggregate: &Aggregate) -> Result<Vec<Series>, EvalError> {
    let op = aggregate.op;
    let params = match &aggregate.param {
        Some(param) => evaluation.scalar(param)?,
        None => vec![0.0; evaluation.steps.count],
    };
    if params.iter().any(|param| param.is_nan()) {
        return fail("Parameter value is NaN");
    }
    if op == AggregateOp::LimitRatio {
        for ratio in params.iter().filter(|ratio| 1.0 < ratio.abs()) {
            let capped = ratio.signum();
            evaluation.notes.warn(format!(
                "ratio value should be between -1 and 1, got {}, capping to {}",
                units::float::shortest_g(*ratio),
                units::float::shortest_g(capped)
            ));
        }
    } else if let Some(over) = params.iter().find(|param| 9.223_372_036_854_775e18 <= param.abs()) {
        return fail(format!("Scalar value {} overflows int64", units::float::shortest_g(*over)));
    }
    let vector = evaluation.vector(&aggregate.expr)?;
    let groups = groups(&vector, aggregate);
    let hashes: Vec<f64> = vector.iter().map(|series| series.labels.hash64() as f64 / 2f64.powi(64)).collect();
    let mut kept: Vec<Bits> = vector.iter().map(|_| Bits::none(evaluation.steps.count)).collect();
    // In an instant query the answer's order is the ranking.
    let mut order: Vec<usize> = Vec::new();
    for group in &groups {
        for (step, param) in params.iter().enumerate() {
            let mut present: Vec<usize> =
                group.members.iter().copied().filter(|at| vector[*at].column.present.get(step)).collect();
            let value = |at: usize| vector[at].column.values[step];
            match op {
                AggregateOp::LimitRatio => {
                    let ratio = param.clamp(-1.0, 1.0);
                    present.retain(|at| if 0.0 <= ratio { hashes[*at] < ratio } else { 1.0 + ratio <= hashes[*at] });
                }
                AggregateOp::Limitk => present.truncate(wanted(*param)),
                AggregateOp::Topk => {
                    present.sort_by(|a, b| rank(value(*a), value(*b), true));
                    present.truncate(wanted(*param));
                }
                _ => {
                    present.sort_by(|a, b| rank(value(*a), value(*b), false));
                    present.truncate(wanted(*param));
                }
            }
            for at in &present {
                kept[*at].set(step);
            }
            if evaluation.steps.count == 1 {
                order.extend(present);
            }
        }
    }
    if 1 < evaluation.steps.count {
        order = (0..vector.len()).collect();
    }
    let mut vector: Vec<Option<Series>> = vector.into_iter().map(Some).collect();
    let chosen = order.into_iter().filter_map(|at| {
        let mut series = vector[at].take()?;
        series.column.present = kept[at].clone();
        series.column.present.any().then_some(series)
    });
    Ok(chosen.collect())
}

/// How many a parameter asks for.
fn wanted(param: f64) -> usize {
    if param < 1.0 { 0 } else { param as usize }
}

/// Highest (or lowest) first, NaN after everything.
fn rank(a: f64, b: f64, descending: bool) -> std::cmp::Ordering {
    let order = a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal);
    a.is_nan().cmp(&b.is_nan()).then(if descending { order.reverse() } else { order })
}
