//! `sort` and its relatives: they order an instant query's answer.

use std::cmp::Ordering;

use promql_syntax::{Expr, Span};

use crate::error::EvalError;
use crate::evaluation::Evaluation;
use crate::series::Series;

pub(super) fn call(
    evaluation: &Evaluation<'_>,
    name: &str,
    args: &[Expr],
    span: Span,
) -> Result<Vec<Series>, EvalError> {
    let mut vector = evaluation.vector(&args[0])?;
    if matches!(name, "sort" | "sort_desc") {
        vector.iter_mut().for_each(|series| _ = series.column.drop_histograms());
        vector.retain(|series| series.column.present.any());
    }
    if 1 < evaluation.steps.count {
        let text = "sort is ineffective for range queries since results are always ordered by labels";
        evaluation.notes.warn(span, text);
        return Ok(vector);
    }
    let value = |series: &Series| series.column.get(0).unwrap_or(f64::NAN);
    match name {
        "sort" => vector.sort_by(|a, b| nan_last(value(a), value(b), false)),
        "sort_desc" => vector.sort_by(|a, b| nan_last(value(a), value(b), true)),
        _ => {
            let labels = args[1..].iter().map(|arg| evaluation.text(arg)).collect::<Result<Vec<_>, _>>()?;
            vector.sort_by(|a, b| by_labels(a, b, &labels));
            if name.ends_with("_desc") {
                vector.reverse();
            }
        }
    }
    Ok(vector)
}

fn nan_last(a: f64, b: f64, descending: bool) -> Ordering {
    let order = a.partial_cmp(&b).unwrap_or(Ordering::Equal);
    a.is_nan().cmp(&b.is_nan()).then(if descending { order.reverse() } else { order })
}

fn by_labels(a: &Series, b: &Series, names: &[String]) -> Ordering {
    let value = |series: &Series, name: &str| series.labels.get(name).unwrap_or_default().to_owned();
    names
        .iter()
        .map(|name| natural(&value(a, name), &value(b, name)))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| a.labels.cmp(&b.labels))
}

/// Runs of digits compare as numbers, the rest as text.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (Some(x), Some(y)) = (a.chars().next(), b.chars().next()) else { return a.len().cmp(&b.len()) };
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let run = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
            let ((digits_a, rest_a), (digits_b, rest_b)) = (a.split_at(run(a)), b.split_at(run(b)));
            let (plain_a, plain_b) = (digits_a.trim_start_matches('0'), digits_b.trim_start_matches('0'));
            let order = plain_a.len().cmp(&plain_b.len()).then_with(|| plain_a.cmp(plain_b));
            if order.is_ne() {
                return order;
            }
            (a, b) = (rest_a, rest_b);
        } else if x == y {
            (a, b) = (&a[x.len_utf8()..], &b[y.len_utf8()..]);
        } else {
            return x.cmp(&y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_compare_as_numbers() {
        for (a, b, expected) in [
            ("cpu2", "cpu10", Ordering::Less),
            ("a", "b", Ordering::Less),
            ("x1", "x01", Ordering::Equal),
            ("a1", "a", Ordering::Greater),
        ] {
            assert_eq!(natural(a, b), expected, "{a} {b}");
        }
    }
}
