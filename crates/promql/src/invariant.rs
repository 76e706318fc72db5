//! Parts of a query that are the same at every step, because every selector in them is pinned by `@`: they are evaluated
//! once.

use std::sync::Arc;

use promql_syntax::{Call, Expr, ExprKind};

use crate::column::{Column, Point};
use crate::evaluation::Operand;

/// Functions whose result depends on the moment of the evaluation, or that say something about range queries.
const VARYING: [&str; 16] = [
    "time",
    "timestamp",
    "predict_linear",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "days_in_month",
    "hour",
    "minute",
    "month",
    "year",
    "info",
    "sort",
    "sort_desc",
    "sort_by_label",
    "sort_by_label_desc",
];

/// Whether an expression is worth evaluating once: it has selectors, all of them pinned, and nothing else varies.
pub(crate) fn is_invariant(expr: &Expr) -> bool {
    has_selector(expr) && does_not_vary(expr)
}

fn has_selector(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Vector(_) | ExprKind::Matrix(_) | ExprKind::Subquery(_) => true,
        _ => expr.children().into_iter().any(has_selector),
    }
}

fn does_not_vary(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Vector(selector) => selector.at.is_some(),
        ExprKind::Matrix(matrix) => matrix.selector.at.is_some(),
        // What stands inside refers to the subquery's moments.
        ExprKind::Subquery(subquery) => subquery.at.is_some(),
        ExprKind::Call(Call { function, .. }) if VARYING.contains(&function.name) => false,
        _ => expr.children().into_iter().all(does_not_vary),
    }
}

/// The result of one step at `count` steps.
pub(crate) fn repeated(operand: Operand, count: usize) -> Operand {
    match operand {
        Operand::Scalar(values) => Operand::Scalar(vec![values.first().copied().unwrap_or(f64::NAN); count]),
        Operand::Vector(mut vector) => {
            for series in &mut vector {
                let point = series.column.point(0);
                let mut column = Column::empty(count);
                for step in 0..count {
                    match &point {
                        Some(Point::Float(value)) => column.put(step, *value),
                        Some(Point::Histogram(histogram)) => column.put_histogram(step, Arc::clone(histogram)),
                        None => {}
                    }
                }
                series.column = column;
            }
            Operand::Vector(vector)
        }
        text @ Operand::Text(_) => text,
    }
}
