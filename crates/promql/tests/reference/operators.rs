//! Binary operators, by their definitions.

use model::{Labels, METRIC_NAME};
use promql_syntax::{Binary, BinaryOp, MatchCardinality, VectorMatching};

use super::{Elem, Failure, Outcome, Reference};

impl Reference<'_> {
    pub(super) fn binary(&self, binary: &Binary, at_ms: i64) -> Result<Outcome, Failure> {
        let drops = !binary.op.is_comparison() || binary.return_bool;
        let with_scalar = |vector: Vec<Elem>, sides: &dyn Fn(f64) -> (f64, f64)| {
            let found = vector.into_iter().filter_map(|elem| {
                let (left, right) = sides(elem.value);
                let value = result(binary, left, right, elem.value)?;
                Some(Elem { value, drop_name: elem.drop_name || drops, ..elem })
            });
            Outcome::Vector(found.collect())
        };
        Ok(match (self.eval(&binary.lhs, at_ms)?, self.eval(&binary.rhs, at_ms)?) {
            (Outcome::Scalar(left), Outcome::Scalar(right)) => {
                Outcome::Scalar(result(binary, left, right, left).unwrap_or(f64::NAN))
            }
            (Outcome::Vector(vector), Outcome::Scalar(right)) => with_scalar(vector, &|value| (value, right)),
            (Outcome::Scalar(left), Outcome::Vector(vector)) => with_scalar(vector, &|value| (left, value)),
            (Outcome::Vector(left), Outcome::Vector(right)) => {
                let matching = binary.matching.clone().unwrap_or_default();
                if binary.op.is_set() {
                    return Ok(Outcome::Vector(set(binary.op, &matching, left, right)));
                }
                Outcome::Vector(matched(binary, &matching, &left, &right, drops)?)
            }
        })
    }
}

fn result(binary: &Binary, left: f64, right: f64, kept: f64) -> Option<f64> {
    let holds = match binary.op {
        BinaryOp::Add => return Some(left + right),
        BinaryOp::Sub => return Some(left - right),
        BinaryOp::Mul => return Some(left * right),
        BinaryOp::Div => return Some(left / right),
        BinaryOp::Mod => return Some(left % right),
        BinaryOp::Pow => return Some(left.powf(right)),
        BinaryOp::Atan2 => return Some(left.atan2(right)),
        BinaryOp::Equal => left == right,
        BinaryOp::NotEqual => left != right,
        BinaryOp::Less => left < right,
        BinaryOp::LessEqual => left <= right,
        BinaryOp::Greater => right < left,
        BinaryOp::GreaterEqual => right <= left,
        _ => return None,
    };
    if binary.return_bool { Some(if holds { 1.0 } else { 0.0 }) } else { holds.then_some(kept) }
}

fn signature(matching: &VectorMatching, labels: &Labels) -> Labels {
    let named = |name: &str| matching.labels.iter().any(|label| label == name);
    labels.filtered(|name| if matching.on { named(name) } else { name != METRIC_NAME && !named(name) })
}

fn set(op: BinaryOp, matching: &VectorMatching, left: Vec<Elem>, right: Vec<Elem>) -> Vec<Elem> {
    let has = |vector: &[Elem], elem: &Elem| {
        let wanted = signature(matching, &elem.labels);
        vector.iter().any(|other| signature(matching, &other.labels) == wanted)
    };
    match op {
        BinaryOp::And => left.into_iter().filter(|elem| has(&right, elem)).collect(),
        BinaryOp::Unless => left.into_iter().filter(|elem| !has(&right, elem)).collect(),
        _ => {
            let added: Vec<Elem> = right.into_iter().filter(|elem| !has(&left, elem)).collect();
            left.into_iter().chain(added).collect()
        }
    }
}

fn matched(
    binary: &Binary,
    matching: &VectorMatching,
    left: &[Elem],
    right: &[Elem],
    drops: bool,
) -> Result<Vec<Elem>, Failure> {
    let swapped = matching.cardinality == MatchCardinality::OneToMany;
    let one_to_one = matching.cardinality == MatchCardinality::OneToOne;
    let (many, one) = if swapped { (right, left) } else { (left, right) };
    if many.is_empty() {
        return Ok(Vec::new());
    }
    for (position, elem) in one.iter().enumerate() {
        let wanted = signature(matching, &elem.labels);
        if one[..position].iter().any(|other| signature(matching, &other.labels) == wanted) {
            return Err("many-to-many".to_owned());
        }
    }
    let mut seen: Vec<Labels> = Vec::new();
    let mut out: Vec<Elem> = Vec::new();
    for elem in many {
        let wanted = signature(matching, &elem.labels);
        let Some(partner) = one.iter().find(|other| signature(matching, &other.labels) == wanted) else { continue };
        let labels = if one_to_one {
            let named = |name: &str| matching.labels.iter().any(|label| label == name);
            elem.labels.filtered(|name| named(name) == matching.on)
        } else {
            let mut builder = elem.labels.to_builder();
            for name in &matching.include {
                builder.set(name, partner.labels.get(name).unwrap_or_default());
            }
            builder.build()
        };
        let key = if one_to_one { wanted } else { labels.clone() };
        if seen.contains(&key) {
            return Err("multiple matches".to_owned());
        }
        seen.push(key);
        let (a, b) = if swapped { (partner.value, elem.value) } else { (elem.value, partner.value) };
        if let Some(value) = result(binary, a, b, a) {
            out.push(Elem { labels, drop_name: elem.drop_name || drops, value });
        }
    }
    Ok(out)
}
