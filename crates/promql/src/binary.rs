//! Binary operators: between numbers, between a vector and a number, and between two vectors whose series must find each
//! other.

use std::collections::HashMap;

use model::{Labels, METRIC_NAME};
use promql_syntax::{Binary, BinaryOp, MatchCardinality, VectorMatching};

use crate::column::{Bits, Column};
use crate::error::{EvalError, fail};
use crate::evaluation::{Evaluation, Operand};
use crate::series::{Series, merge};

/// Evaluates a binary operation.
pub(crate) fn operate(evaluation: &Evaluation<'_>, operation: &Binary) -> Result<Operand, EvalError> {
    let (lhs, rhs) = (evaluation.operand(&operation.lhs)?, evaluation.operand(&operation.rhs)?);
    let op = operation.op;
    if matches!(op, BinaryOp::TrimUpper | BinaryOp::TrimLower) {
        return Err(EvalError::Unsupported(format!("the operator {}", op.as_str())));
    }
    match (lhs, rhs) {
        (Operand::Scalar(mut lhs), Operand::Scalar(rhs)) => {
            for (left, right) in lhs.iter_mut().zip(rhs) {
                *left =
                    if op.is_comparison() { truth(compare(op, *left, right)) } else { arithmetic(op, *left, right) };
            }
            Ok(Operand::Scalar(lhs))
        }
        (Operand::Vector(vector), Operand::Scalar(scalar)) => {
            Ok(Operand::Vector(with_scalar(operation, vector, |step, value| (value, scalar[step]))))
        }
        (Operand::Scalar(scalar), Operand::Vector(vector)) => {
            Ok(Operand::Vector(with_scalar(operation, vector, |step, value| (scalar[step], value))))
        }
        (Operand::Vector(lhs), Operand::Vector(rhs)) => {
            let all = VectorMatching::default();
            let matching = operation.matching.as_ref().unwrap_or(&all);
            if matching.fill_lhs.is_some() || matching.fill_rhs.is_some() {
                return Err(EvalError::Unsupported("the modifier fill".to_owned()));
            }
            if op.is_set() {
                return Ok(Operand::Vector(set(evaluation, op, matching, lhs, rhs)));
            }
            between_vectors(operation, matching, lhs, rhs).map(Operand::Vector)
        }
        _ => Err(EvalError::Unsupported("an operation with a text".to_owned())),
    }
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

fn compare(op: BinaryOp, left: f64, right: f64) -> bool {
    match op {
        BinaryOp::Equal => left == right,
        BinaryOp::NotEqual => left != right,
        BinaryOp::Less => left < right,
        BinaryOp::LessEqual => left <= right,
        BinaryOp::Greater => left > right,
        _ => left >= right,
    }
}

fn arithmetic(op: BinaryOp, left: f64, right: f64) -> f64 {
    match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        BinaryOp::Div => left / right,
        BinaryOp::Mod => left % right,
        BinaryOp::Pow => left.powf(right),
        _ => left.atan2(right),
    }
}

/// The value of an operation whose comparison, without `bool`, filters: it then keeps `kept`.
fn value(operation: &Binary, left: f64, right: f64, kept: f64) -> Option<f64> {
    let op = operation.op;
    if !op.is_comparison() {
        return Some(arithmetic(op, left, right));
    }
    let holds = compare(op, left, right);
    if operation.return_bool { Some(truth(holds)) } else { holds.then_some(kept) }
}

/// Whether the result is another metric.
fn drops_name(operation: &Binary) -> bool {
    !operation.op.is_comparison() || operation.return_bool
}

fn with_scalar(operation: &Binary, mut vector: Vec<Series>, sides: impl Fn(usize, f64) -> (f64, f64)) -> Vec<Series> {
    for series in &mut vector {
        series.drop_name |= drops_name(operation);
        let column = &mut series.column;
        for step in 0..column.values.len() {
            if !column.present.get(step) {
                continue;
            }
            let own = column.values[step];
            let (left, right) = sides(step, own);
            match value(operation, left, right, own) {
                Some(value) => column.values[step] = value,
                None => column.present.clear(step),
            }
        }
    }
    vector.retain(|series| series.column.present.any());
    vector
}

/// By what series find each other.
fn signature(matching: &VectorMatching, labels: &Labels) -> Labels {
    let named = |name: &str| matching.labels.iter().any(|label| label == name);
    if matching.on { labels.filtered(named) } else { labels.filtered(|name| name != METRIC_NAME && !named(name)) }
}

/// Positions of the series with each signature.
fn by_signature(matching: &VectorMatching, vector: &[Series]) -> HashMap<Labels, Vec<usize>> {
    let mut found: HashMap<Labels, Vec<usize>> = HashMap::with_capacity(vector.len());
    for (position, series) in vector.iter().enumerate() {
        found.entry(signature(matching, &series.labels)).or_default().push(position);
    }
    found
}

/// `and`, `or`, `unless`: which series there are, step by step; values stay.
fn set(
    evaluation: &Evaluation<'_>,
    op: BinaryOp,
    matching: &VectorMatching,
    mut lhs: Vec<Series>,
    rhs: Vec<Series>,
) -> Vec<Series> {
    let presence = |vector: &[Series]| {
        let mut found: HashMap<Labels, Bits> = HashMap::new();
        for series in vector {
            let none = || Bits::none(evaluation.steps.count);
            found.entry(signature(matching, &series.labels)).or_insert_with(none).union(&series.column.present);
        }
        found
    };
    let keep_where = |vector: &mut Vec<Series>, other: &HashMap<Labels, Bits>, wanted: bool| {
        for series in vector.iter_mut() {
            let partner = other.get(&signature(matching, &series.labels));
            let steps: Vec<usize> = series.column.present.iter().collect();
            for step in steps {
                if partner.is_some_and(|bits| bits.get(step)) != wanted {
                    series.column.present.clear(step);
                }
            }
        }
        vector.retain(|series| series.column.present.any());
    };
    match op {
        BinaryOp::And => keep_where(&mut lhs, &presence(&rhs), true),
        BinaryOp::Unless => keep_where(&mut lhs, &presence(&rhs), false),
        _ => {
            let mut added = rhs;
            keep_where(&mut added, &presence(&lhs), false);
            lhs.extend(added);
        }
    }
    lhs
}

/// Arithmetic and comparison between series that find each other. The "one" side must have at most one series of a
/// signature at each step.
fn between_vectors(
    operation: &Binary,
    matching: &VectorMatching,
    lhs: Vec<Series>,
    rhs: Vec<Series>,
) -> Result<Vec<Series>, EvalError> {
    let swapped = matching.cardinality == MatchCardinality::OneToMany;
    let (many, one) = if swapped { (rhs, lhs) } else { (lhs, rhs) };
    let one_by_signature = by_signature(matching, &one);
    refuse_duplicates(matching, &one, &one_by_signature, if swapped { "left" } else { "right" })?;

    let one_to_one = matching.cardinality == MatchCardinality::OneToOne;
    let mut taken: HashMap<Labels, Bits> = HashMap::new();
    let mut results: HashMap<Labels, Bits> = HashMap::new();
    let mut out = Vec::with_capacity(many.len());
    for series in &many {
        let signature = signature(matching, &series.labels);
        let Some(partners) = one_by_signature.get(&signature) else { continue };
        for partner in partners.iter().map(|at| &one[*at]) {
            let labels = result_labels(matching, one_to_one, &series.labels, &partner.labels);
            let count = series.column.values.len();
            let mut column = Column::empty(count);
            let mut matched = Bits::none(count);
            for step in series.column.present.iter().filter(|step| partner.column.present.get(*step)) {
                matched.set(step);
                let (many_value, one_value) = (series.column.values[step], partner.column.values[step]);
                let (left, right) = if swapped { (one_value, many_value) } else { (many_value, one_value) };
                if let Some(value) = value(operation, left, right, left) {
                    column.put(step, value);
                }
            }
            if !matched.any() {
                continue;
            }
            // Refused before a comparison may drop the sample.
            let (seen, message) = if one_to_one {
                (
                    taken.entry(signature.clone()),
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
                )
            } else {
                (
                    results.entry(labels.clone()),
                    "multiple matches for labels: grouping labels must ensure unique matches",
                )
            };
            let seen = seen.or_insert_with(|| Bits::none(count));
            if seen.intersects(&matched) {
                return fail(message);
            }
            seen.union(&matched);
            let drop_name = drops_name(operation) || series.drop_name;
            out.push(Series { labels, drop_name, column });
        }
    }
    merge(out)
}

fn refuse_duplicates(
    matching: &VectorMatching,
    one: &[Series],
    by_signature: &HashMap<Labels, Vec<usize>>,
    side: &str,
) -> Result<(), EvalError> {
    let mut doubled: Vec<&Vec<usize>> = by_signature.values().filter(|positions| 1 < positions.len()).collect();
    doubled.sort();
    for positions in doubled {
        for (index, first) in positions.iter().enumerate() {
            for second in &positions[index + 1..] {
                if one[*first].column.present.intersects(&one[*second].column.present) {
                    let mut pair = [one[*first].labels.to_braces(), one[*second].labels.to_braces()];
                    pair.sort();
                    let group = signature(matching, &one[*first].labels).to_braces();
                    return fail(format!(
                        "found duplicate series for the match group {group} on the {side} hand-side of the operation: \
                         [{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
                        pair[0], pair[1]
                    ));
                }
            }
        }
    }
    Ok(())
}

fn result_labels(matching: &VectorMatching, one_to_one: bool, many: &Labels, one: &Labels) -> Labels {
    if one_to_one {
        let named = |name: &str| matching.labels.iter().any(|label| label == name);
        return if matching.on { many.filtered(named) } else { many.filtered(|name| !named(name)) };
    }
    let mut builder = many.to_builder();
    for name in &matching.include {
        builder.set(name, one.get(name).unwrap_or_default());
    }
    builder.build()
}
