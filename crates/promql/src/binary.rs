//! Binary operators: between numbers, between a vector and a number, and between two vectors whose series must find each
//! other.

use std::collections::{BTreeMap, HashMap};

use model::{Labels, METRIC_NAME};
use promql_syntax::{Binary, BinaryOp, MatchCardinality, Span, VectorMatching};

use crate::column::{Bits, Column, Point};
use crate::element::{Failure, Operation, arithmetic, compare, truth};
use crate::error::{EvalError, fail};
use crate::evaluation::{Evaluation, Operand};
use crate::series::{Series, merge};

/// Evaluates a binary operation.
pub(crate) fn operate(evaluation: &Evaluation<'_>, binary: &Binary, span: Span) -> Result<Operand, EvalError> {
    let op = binary.op;
    let trims = matches!(op, BinaryOp::TrimUpper | BinaryOp::TrimLower);
    // Trimming needs whole buckets.
    let inner = evaluation.detecting_resets(evaluation.detect_resets && !trims);
    let (lhs, rhs) = (inner.operand(&binary.lhs)?, inner.operand(&binary.rhs)?);
    let operation = Operation::new(binary, span, &evaluation.notes);
    match (lhs, rhs) {
        (Operand::Scalar(mut lhs), Operand::Scalar(rhs)) => {
            if trims {
                return fail(format!("operator \"{}\" not allowed for Scalar operations", op.as_str()));
            }
            for (left, right) in lhs.iter_mut().zip(rhs) {
                *left =
                    if op.is_comparison() { truth(compare(op, *left, right)) } else { arithmetic(op, *left, right) };
            }
            Ok(Operand::Scalar(lhs))
        }
        (Operand::Vector(vector), Operand::Scalar(scalar)) => {
            Ok(Operand::Vector(with_scalar(&operation, vector, &scalar, false)))
        }
        (Operand::Scalar(scalar), Operand::Vector(vector)) => {
            Ok(Operand::Vector(with_scalar(&operation, vector, &scalar, true)))
        }
        (Operand::Vector(lhs), Operand::Vector(rhs)) => {
            let all = VectorMatching::default();
            let matching = binary.matching.as_ref().unwrap_or(&all);
            if op.is_set() {
                return Ok(Operand::Vector(set(evaluation, op, matching, lhs, rhs)));
            }
            let between = Between { operation, matching, failures: Failures::default() };
            between.series(evaluation, lhs, rhs).map(Operand::Vector)
        }
        _ => Err(EvalError::Unsupported("an operation with a text".to_owned())),
    }
}

/// Why samples had no result: the last reason of each step.
#[derive(Default)]
struct Failures(BTreeMap<usize, Failure>);

impl Failures {
    /// The result, or nothing and the reason kept.
    fn sift(&mut self, step: usize, result: Result<Option<Point>, Failure>) -> Option<Point> {
        result.unwrap_or_else(|failure| {
            self.0.insert(step, failure);
            None
        })
    }

    fn note(&self, operation: &Operation<'_>) {
        self.0.values().for_each(|failure| operation.note(failure));
    }
}

/// `scalar_first`: the scalar is on the left.
fn with_scalar(operation: &Operation<'_>, mut vector: Vec<Series>, scalar: &[f64], scalar_first: bool) -> Vec<Series> {
    let mut failures = Failures::default();
    let for_floats = !matches!(operation.op, BinaryOp::TrimUpper | BinaryOp::TrimLower);
    for series in &mut vector {
        series.drop_name |= operation.drops_name();
        let column = &mut series.column;
        for step in 0..column.values.len() {
            if !column.present.get(step) {
                continue;
            }
            if for_floats && column.histogram(step).is_none() {
                let own = column.values[step];
                let (left, right) = if scalar_first { (scalar[step], own) } else { (own, scalar[step]) };
                match operation.floats(left, right, own) {
                    Some(value) => column.values[step] = value,
                    None => column.present.clear(step),
                }
                continue;
            }
            let Some(own) = column.point(step) else { continue };
            let scalar = Point::Float(scalar[step]);
            let (left, right) = if scalar_first { (&scalar, &own) } else { (&own, &scalar) };
            match failures.sift(step, operation.points(left, right, &own)) {
                Some(point) => column.put_point(step, point),
                None => column.remove(step),
            }
        }
    }
    failures.note(operation);
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
                    series.column.remove(step);
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
struct Between<'a> {
    operation: Operation<'a>,
    matching: &'a VectorMatching,
    failures: Failures,
}

/// What results there are already, step by step: of each signature, or of each label set.
#[derive(Default)]
struct Seen(HashMap<Labels, Bits>);

impl Between<'_> {
    fn series(
        mut self,
        evaluation: &Evaluation<'_>,
        lhs: Vec<Series>,
        rhs: Vec<Series>,
    ) -> Result<Vec<Series>, EvalError> {
        let matching = self.matching;
        let swapped = matching.cardinality == MatchCardinality::OneToMany;
        let (many, one) = if swapped { (rhs, lhs) } else { (lhs, rhs) };
        // Prometheus swaps the sides for `group_right` and not the fills, so `fill_left` there stands for the right side.
        let (fill_many, fill_one) = (matching.fill_lhs, matching.fill_rhs);
        let one_by_signature = by_signature(matching, &one);
        // Where one side has nothing, Prometheus does not look at the other, unless there is a fill for it.
        let mut both = Bits::none(evaluation.steps.count);
        both.union(&anywhere(evaluation, &many, fill_many.is_some()));
        both.intersect(&anywhere(evaluation, &one, fill_one.is_some()));
        refuse_duplicates(matching, &one, &one_by_signature, &both, if swapped { "left" } else { "right" })?;

        let one_to_one = matching.cardinality == MatchCardinality::OneToOne;
        let mut seen = Seen::default();
        let mut many_present: HashMap<Labels, Bits> = HashMap::new();
        let mut out = Vec::with_capacity(many.len());
        for series in &many {
            evaluation.check_cancelled()?;
            let count = series.column.values.len();
            let signature = signature(matching, &series.labels);
            if fill_many.is_some() {
                let present = many_present.entry(signature.clone()).or_insert_with(|| Bits::none(count));
                present.union(&series.column.present);
            }
            let mut alone = series.column.present.clone();
            for partner in one_by_signature.get(&signature).into_iter().flatten().map(|at| &one[*at]) {
                let mut matched = series.column.present.clone();
                matched.intersect(&partner.column.present);
                if !matched.any() {
                    continue;
                }
                alone.subtract(&matched);
                let labels = result_labels(matching, one_to_one, &series.labels, &partner.labels);
                // Refused before a comparison may drop the sample.
                seen.add(one_to_one, &signature, &labels, &matched)?;
                let column = self.column(&matched, &series.column, &partner.column, swapped);
                let drop_name = self.operation.drops_name() || series.drop_name;
                out.push(Series { labels, drop_name, column });
            }
            if let Some(fill) = fill_one
                && alone.any()
            {
                let labels = result_labels(matching, one_to_one, &series.labels, &Labels::empty());
                seen.add(one_to_one, &signature, &labels, &alone)?;
                let column = self.column(&alone, &series.column, &Series::constant(vec![fill; count]).column, swapped);
                let drop_name = self.operation.drops_name() || series.drop_name;
                out.push(Series { labels, drop_name, column });
            }
        }
        if let Some(fill) = fill_many {
            for series in &one {
                let signature = signature(matching, &series.labels);
                let mut alone = series.column.present.clone();
                if let Some(present) = many_present.get(&signature) {
                    alone.subtract(present);
                }
                if alone.any() {
                    // Nobody is on the other side, so the result is called by what the two would have had in common.
                    let labels = result_labels(matching, one_to_one, &signature, &series.labels);
                    let filled = Series::constant(vec![fill; series.column.values.len()]).column;
                    let column = self.column(&alone, &filled, &series.column, swapped);
                    out.push(Series { labels, drop_name: self.operation.drops_name(), column });
                }
            }
        }
        self.failures.note(&self.operation);
        merge(out)
    }

    /// The results at the steps in `at`.
    fn column(&mut self, at: &Bits, many: &Column, one: &Column, swapped: bool) -> Column {
        let (left, right) = if swapped { (one, many) } else { (many, one) };
        let mut column = Column::empty(left.values.len());
        let trims = matches!(self.operation.op, BinaryOp::TrimUpper | BinaryOp::TrimLower);
        if !left.has_histograms() && !right.has_histograms() && !trims {
            for step in at.iter() {
                let (left, right) = (left.values[step], right.values[step]);
                if let Some(value) = self.operation.floats(left, right, left) {
                    column.put(step, value);
                }
            }
            return column;
        }
        for step in at.iter() {
            let (Some(left), Some(right)) = (left.point(step), right.point(step)) else { continue };
            if let Some(point) = self.failures.sift(step, self.operation.points(&left, &right, &left)) {
                column.put_point(step, point);
            }
        }
        column
    }
}

impl Seen {
    fn add(&mut self, one_to_one: bool, signature: &Labels, labels: &Labels, at: &Bits) -> Result<(), EvalError> {
        let (key, message) = if one_to_one {
            (signature, "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)")
        } else {
            (labels, "multiple matches for labels: grouping labels must ensure unique matches")
        };
        match self.0.get_mut(key) {
            Some(seen) if seen.intersects(at) => return fail(message),
            Some(seen) => seen.union(at),
            None => _ = self.0.insert(key.clone(), at.clone()),
        }
        Ok(())
    }
}

/// The steps at which a side has anything; all of them if what is missing is filled in.
fn anywhere(evaluation: &Evaluation<'_>, side: &[Series], filled: bool) -> Bits {
    let mut steps = Bits::none(evaluation.steps.count);
    if filled {
        (0..evaluation.steps.count).for_each(|step| steps.set(step));
    }
    side.iter().for_each(|series| steps.union(&series.column.present));
    steps
}

/// Refuses series of the "one" side that have the same signature at one of the steps in `at`.
fn refuse_duplicates(
    matching: &VectorMatching,
    one: &[Series],
    by_signature: &HashMap<Labels, Vec<usize>>,
    at: &Bits,
    side: &str,
) -> Result<(), EvalError> {
    let mut doubled: Vec<&Vec<usize>> = by_signature.values().filter(|positions| 1 < positions.len()).collect();
    doubled.sort();
    for positions in doubled {
        for (index, first) in positions.iter().enumerate() {
            for second in &positions[index + 1..] {
                let mut together = one[*first].column.present.clone();
                together.intersect(at);
                if together.intersects(&one[*second].column.present) {
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
