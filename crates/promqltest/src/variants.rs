//! The other ways in which an instant eval is asked, with the same answer: as the middle of a range query, and with `@` at
//! its moment on every selector, at other moments.

use promql_syntax::{AtModifier, Expr, ExprKind};

/// Functions whose result changes with the moment of the evaluation although their arguments do not.
const UNSAFE_FUNCTIONS: [&str; 15] = [
    "days_in_month",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "hour",
    "minute",
    "month",
    "year", // without argument
    "predict_linear",
    "time",
    "timestamp", // of what has no `@`
    "start",
    "end",
    "range",
    "step",
];

/// The expression with `@ at_ms` on every selector and subquery that has none and is not inside one that has, printed;
/// `None` if its result depends on the moment of the evaluation all the same.
pub(crate) fn pinned(expr: &Expr, at_ms: i64) -> Option<String> {
    let mut expr = expr.clone();
    pin(&mut expr, at_ms).then(|| expr.to_string())
}

/// Whether the expression can be pinned.
fn pin(expr: &mut Expr, at_ms: i64) -> bool {
    let at = Some(AtModifier::Timestamp(at_ms));
    match &mut expr.kind {
        ExprKind::Vector(selector) => selector.at = selector.at.or(at),
        ExprKind::Matrix(matrix) => matrix.selector.at = matrix.selector.at.or(at),
        ExprKind::Subquery(subquery) => {
            // What stands inside refers to the subquery's moments, which are now the same whenever it is asked. A function
            // that looks at the moment of the evaluation still makes a case of its own.
            subquery.at = subquery.at.or(at);
            return !has_unsafe(&subquery.expr);
        }
        ExprKind::Call(call) if UNSAFE_FUNCTIONS.contains(&call.function.name) => return false,
        ExprKind::Call(call) if call.function.name == "info" => {
            // The second argument is no selector of its own.
            return call.args.first_mut().is_none_or(|base| pin(base, at_ms));
        }
        _ => {}
    }
    expr.children_mut().into_iter().all(|child| pin(child, at_ms))
}

fn has_unsafe(expr: &Expr) -> bool {
    let here = matches!(&expr.kind, ExprKind::Call(call) if UNSAFE_FUNCTIONS.contains(&call.function.name));
    here || expr.children().into_iter().any(has_unsafe)
}

/// The moments at which a pinned expression is asked.
pub(crate) fn moments(at_ms: i64) -> Vec<i64> {
    if at_ms == 0 { vec![-1_000, 0, 1_000] } else { vec![-10 * at_ms, 0, at_ms / 5, at_ms, 10 * at_ms] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use promql_syntax::{Features, parse_with};

    #[test]
    fn every_selector_is_pinned_once() {
        let check = |query: &str, expected: Option<&str>| {
            let expr = parse_with(query, Features::ALL).unwrap();
            assert_eq!(pinned(&expr, 60_000).as_deref(), expected, "{query}");
        };
        check("a + b @ 5", Some("a @ 60.000 + b @ 5.000"));
        check("rate(a[5m])", Some("rate(a[5m] @ 60.000)"));
        check("sum_over_time((a + b @ 3)[5m:1m])", Some("sum_over_time((a + b @ 3.000)[5m:1m] @ 60.000)"));
        check("a + time()", None);
        check("1", Some("1"));
    }
}
