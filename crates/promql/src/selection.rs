//! Aggregations that pick some of the series as they are: `topk`, `bottomk`, `limitk`, `limit_ratio`.

use std::cmp::Ordering;

use model::Labels;
use promql_syntax::{Aggregate, AggregateOp};

use crate::aggregation::groups;
use crate::column::Bits;
use crate::error::{EvalError, fail};
use crate::evaluation::Evaluation;
use crate::remarks;
use crate::series::Series;

/// Evaluates one of them.
pub(crate) fn select(evaluation: &Evaluation<'_>, aggregate: &Aggregate) -> Result<Vec<Series>, EvalError> {
    let op = aggregate.op;
    let params = match &aggregate.param {
        Some(param) => evaluation.scalar(param)?,
        None => vec![0.0; evaluation.steps.count],
    };
    if params.iter().any(|param| param.is_nan()) {
        return fail(if op == AggregateOp::LimitRatio { "Ratio value is NaN" } else { "Parameter value is NaN" });
    }
    if op == AggregateOp::LimitRatio {
        for ratio in params.iter().filter(|ratio| 1.0 < ratio.abs()) {
            let capped = ratio.signum();
            let text = format!(
                "ratio value should be between -1 and 1, got {}, capping to {}",
                units::float::shortest_g(*ratio),
                units::float::shortest_g(capped)
            );
            evaluation.notes.warn(aggregate.param.as_ref().map_or(aggregate.expr.span, |param| param.span), text);
        }
    } else if let Some(over) = params.iter().find(|param| 9.223_372_036_854_775e18 <= param.abs()) {
        return fail(format!("Scalar value {} overflows int64", units::float::shortest_g(*over)));
    }
    let mut vector = evaluation.vector(&aggregate.expr)?;
    if matches!(op, AggregateOp::Topk | AggregateOp::Bottomk) {
        let ignored: Vec<bool> = vector.iter_mut().map(|series| series.column.drop_histograms()).collect();
        if ignored.contains(&true) {
            evaluation.notes.info(aggregate.expr.span, remarks::ignored_in_aggregation(op.as_str()));
        }
    }
    let groups = groups(&vector, aggregate);
    let hashes: Vec<f64> = if op == AggregateOp::LimitRatio {
        vector.iter().map(|series| share_of(&series.labels)).collect()
    } else {
        Vec::new()
    };
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
                AggregateOp::Topk => best(&mut present, wanted(*param), |a, b| rank(value(a), value(b), true)),
                _ => best(&mut present, wanted(*param), |a, b| rank(value(a), value(b), false)),
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
        series.column.keep(&kept[at]);
        series.column.present.any().then_some(series)
    });
    Ok(chosen.collect())
}

/// A number in 0 to 1 that depends on the labels alone: Prometheus' hash of them, so that the same series are picked. It is
/// XXH64 of all names and values, each behind its length in one byte, or from 255 on in three after a byte 255.
fn share_of(labels: &Labels) -> f64 {
    let mut bytes = Vec::with_capacity(labels.encoded_bytes());
    for part in labels.iter().flat_map(|(name, value)| [name, value]) {
        match u8::try_from(part.len()) {
            Ok(short) if short < u8::MAX => bytes.push(short),
            _ => {
                bytes.push(u8::MAX);
                bytes.extend_from_slice(&part.len().to_le_bytes()[..3]);
            }
        }
        bytes.extend_from_slice(part.as_bytes());
    }
    xxhash_rust::xxh64::xxh64(&bytes, 0) as f64 / u64::MAX as f64
}

/// Keeps the first `count` in the order of `rank`, and in that order; equal ones in the order they had.
fn best(positions: &mut Vec<usize>, count: usize, rank: impl Fn(usize, usize) -> Ordering) {
    let order = |a: &usize, b: &usize| rank(*a, *b).then(a.cmp(b));
    if 0 < count && count < positions.len() {
        positions.select_nth_unstable_by(count - 1, order);
    }
    positions.truncate(count);
    positions.sort_unstable_by(order);
}

/// How many a parameter asks for.
fn wanted(param: f64) -> usize {
    if param < 1.0 { 0 } else { param as usize }
}

/// Highest (or lowest) first, NaN after everything.
fn rank(a: f64, b: f64, descending: bool) -> Ordering {
    let order = a.partial_cmp(&b).unwrap_or(Ordering::Equal);
    a.is_nan().cmp(&b.is_nan()).then(if descending { order.reverse() } else { order })
}
