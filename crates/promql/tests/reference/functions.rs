//! Functions and aggregations, by their definitions.

use std::collections::BTreeMap;

use model::{Labels, METRIC_NAME};
use promql_syntax::{Aggregate, AggregateOp, Call, ExprKind, MatrixSelector};

use super::{Elem, Failure, Outcome, Ranged, Reference};

impl Reference<'_> {
    pub(super) fn call(&self, call: &Call, at_ms: i64) -> Result<Outcome, Failure> {
        let args = &call.args;
        let name = call.function.name;
        let of_vector = |function: &dyn Fn(f64) -> Option<f64>| -> Result<Outcome, Failure> {
            let mapped = self
                .vector(&args[0], at_ms)?
                .into_iter()
                .filter_map(|elem| Some(Elem { value: function(elem.value)?, drop_name: true, ..elem }));
            Ok(Outcome::Vector(mapped.collect()))
        };
        match name {
            "time" => Ok(Outcome::Scalar(at_ms as f64 / 1000.0)),
            "vector" => {
                let value = self.scalar(&args[0], at_ms)?;
                Ok(Outcome::Vector(vec![Elem { labels: Labels::empty(), drop_name: false, value }]))
            }
            "scalar" => {
                let vector = self.vector(&args[0], at_ms)?;
                Ok(Outcome::Scalar(if let [only] = &vector[..] { only.value } else { f64::NAN }))
            }
            "abs" => of_vector(&|value| Some(value.abs())),
            "floor" => of_vector(&|value| Some(value.floor())),
            "clamp_min" => {
                let least = self.scalar(&args[1], at_ms)?;
                of_vector(&|value| Some(if value.is_nan() || least.is_nan() { f64::NAN } else { value.max(least) }))
            }
            "absent" => {
                let empty = self.vector(&args[0], at_ms)?.is_empty();
                let labels = match &args[0].unwrap_parens().kind {
                    ExprKind::Vector(selector) | ExprKind::Matrix(MatrixSelector { selector, .. }) => {
                        let asked = selector
                            .matchers
                            .iter()
                            .filter(|matcher| matcher.op() == model::MatchOp::Equal && matcher.name() != METRIC_NAME);
                        Labels::from_pairs(asked.map(|matcher| (matcher.name(), matcher.value())))
                    }
                    _ => Labels::empty(),
                };
                let one = Elem { labels, drop_name: false, value: 1.0 };
                Ok(Outcome::Vector(if empty { vec![one] } else { Vec::new() }))
            }
            _ => {
                let (parameter, matrix) = if name == "quantile_over_time" {
                    (self.scalar(&args[0], at_ms)?, self.matrix(&args[1], at_ms)?)
                } else {
                    (f64::NAN, self.matrix(&args[0], at_ms)?)
                };
                let keeps = matches!(name, "last_over_time" | "first_over_time");
                let found = matrix.into_iter().filter_map(|ranged| {
                    let value = over_range(name, parameter, &ranged)?;
                    Some(Elem { labels: ranged.labels, drop_name: ranged.drop_name || !keeps, value })
                });
                Ok(Outcome::Vector(found.collect()))
            }
        }
    }

    pub(super) fn aggregate(&self, aggregate: &Aggregate, at_ms: i64) -> Result<Outcome, Failure> {
        let parameter = aggregate.param.as_ref().map(|param| self.scalar(param, at_ms)).transpose()?;
        let mut groups: BTreeMap<Labels, (bool, Vec<Elem>)> = BTreeMap::new();
        for elem in self.vector(&aggregate.expr, at_ms)? {
            let named = |name: &str| aggregate.grouping.iter().any(|label| label == name);
            let labels = if aggregate.without {
                elem.labels.filtered(|name| name != METRIC_NAME && !named(name))
            } else {
                elem.labels.filtered(named)
            };
            groups.entry(labels).or_insert_with(|| (elem.drop_name, Vec::new())).1.push(elem);
        }
        let mut out = Vec::new();
        for (labels, (drop_name, members)) in groups {
            let mut values: Vec<f64> = members.iter().map(|elem| elem.value).collect();
            let value = match aggregate.op {
                AggregateOp::Sum => values.iter().sum(),
                AggregateOp::Avg => values.iter().sum::<f64>() / values.len() as f64,
                AggregateOp::Count => values.len() as f64,
                AggregateOp::Group => 1.0,
                AggregateOp::Min => extreme(&values, |a, b| a < b),
                AggregateOp::Max => extreme(&values, |a, b| b < a),
                AggregateOp::Stddev => variance(&values).sqrt(),
                AggregateOp::Quantile => quantile(parameter.unwrap_or(f64::NAN), &mut values),
                AggregateOp::Topk | AggregateOp::Bottomk => {
                    let wanted = parameter.unwrap_or(0.0);
                    let mut ranked = members;
                    ranked.sort_by(|a, b| {
                        let order = a.value.partial_cmp(&b.value).unwrap_or(std::cmp::Ordering::Equal);
                        let order = if aggregate.op == AggregateOp::Topk { order.reverse() } else { order };
                        a.value.is_nan().cmp(&b.value.is_nan()).then(order)
                    });
                    ranked.truncate(if wanted < 1.0 { 0 } else { wanted as usize });
                    out.extend(ranked);
                    continue;
                }
                other => return Err(format!("{} is not known here", other.as_str())),
            };
            out.push(Elem { labels, drop_name, value });
        }
        Ok(Outcome::Vector(out))
    }
}

fn over_range(name: &str, parameter: f64, ranged: &Ranged) -> Option<f64> {
    let mut values: Vec<f64> = ranged.samples.iter().map(|(_, value)| *value).collect();
    let pairs = || values.windows(2).map(|pair| (pair[0], pair[1]));
    let count = values.len() as f64;
    Some(match name {
        "count_over_time" => count,
        "present_over_time" => 1.0,
        "sum_over_time" => values.iter().sum(),
        "avg_over_time" => values.iter().sum::<f64>() / count,
        "min_over_time" => extreme(&values, |a, b| a < b),
        "max_over_time" => extreme(&values, |a, b| b < a),
        "last_over_time" => *values.last()?,
        "first_over_time" => *values.first()?,
        "stddev_over_time" => variance(&values).sqrt(),
        "changes" => pairs().filter(|(a, b)| a != b && !(a.is_nan() && b.is_nan())).count() as f64,
        "resets" => pairs().filter(|(a, b)| b < a).count() as f64,
        "quantile_over_time" => quantile(parameter, &mut values),
        "rate" | "increase" | "delta" => return extrapolated(name, ranged),
        "irate" | "idelta" => {
            let [.., (before_ms, before), (last_ms, last)] = ranged.samples[..] else { return None };
            match name {
                "idelta" => last - before,
                _ => (if last < before { last } else { last - before }) / ((last_ms - before_ms) as f64 / 1000.0),
            }
        }
        _ => return None,
    })
}

fn extrapolated(name: &str, ranged: &Ranged) -> Option<f64> {
    let samples = &ranged.samples;
    let ((first_ms, first), (last_ms, last)) = (*samples.first()?, *samples.last()?);
    if samples.len() < 2 {
        return None;
    }
    let counter = name != "delta";
    let mut change = last - first;
    for pair in samples.windows(2).filter(|pair| counter && pair[1].1 < pair[0].1) {
        change += pair[0].1;
    }
    let seconds = |ms: i64| ms as f64 / 1000.0;
    let sampled = seconds(last_ms - first_ms);
    let spacing = sampled / (samples.len() - 1) as f64;
    let (mut before, mut after) = (seconds(first_ms - ranged.from_ms), seconds(ranged.to_ms - last_ms));
    if 1.1 * spacing <= before {
        before = spacing / 2.0;
    }
    if counter && 0.0 < change && 0.0 <= first && sampled * (first / change) < before {
        before = sampled * (first / change);
    }
    if 1.1 * spacing <= after {
        after = spacing / 2.0;
    }
    let whole = change * ((sampled + before + after) / sampled);
    Some(if name == "rate" { whole / seconds(ranged.to_ms - ranged.from_ms) } else { whole })
}

/// The value that is before all others; NaN only if there is nothing else.
fn extreme(values: &[f64], before: impl Fn(f64, f64) -> bool) -> f64 {
    let numbers = values.iter().copied().filter(|value| !value.is_nan());
    numbers.reduce(|best, value| if before(value, best) { value } else { best }).unwrap_or(f64::NAN)
}

fn variance(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count
}

fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if q.is_nan() {
        return f64::NAN;
    }
    if !(0.0..=1.0).contains(&q) {
        return if q < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    values.sort_by(f64::total_cmp);
    values.sort_by_key(|value| !value.is_nan());
    let rank = q * (values.len() - 1) as f64;
    let (lower, share) = (rank.floor() as usize, rank.fract());
    let upper = (lower + 1).min(values.len() - 1);
    values[lower] * (1.0 - share) + values[upper] * share
}
