//! `absent` and `absent_over_time`.

use model::{Labels, METRIC_NAME, MatchOp};
use promql_syntax::{Expr, ExprKind, MatrixSelector, VectorSelector};

use crate::column::Column;
use crate::evaluation::Evaluation;
use crate::series::Series;

/// 1 at the steps where `vector` has nothing, with the labels that the selector asks for by `=`.
pub(super) fn series(evaluation: &Evaluation<'_>, arg: &Expr, vector: &[Series]) -> Vec<Series> {
    let mut column = Column::empty(evaluation.steps.count);
    for step in 0..evaluation.steps.count {
        if !vector.iter().any(|series| series.column.present.get(step)) {
            column.put(step, 1.0);
        }
    }
    vec![Series { labels: asked_labels(arg), drop_name: false, column }]
}

/// The labels that a plain selector asks for by `=`; a name that stands there twice, or with another operator, is
/// nobody's.
fn asked_labels(arg: &Expr) -> Labels {
    let selector: &VectorSelector = match &arg.unwrap_parens().kind {
        ExprKind::Vector(selector) => selector,
        ExprKind::Matrix(MatrixSelector { selector, .. }) => selector,
        _ => return Labels::empty(),
    };
    let alone = |name: &str| selector.matchers.iter().filter(|matcher| matcher.name() == name).count() == 1;
    let asked = selector
        .matchers
        .iter()
        .filter(|matcher| matcher.op() == MatchOp::Equal && matcher.name() != METRIC_NAME && alone(matcher.name()));
    Labels::from_pairs(asked.map(|matcher| (matcher.name(), matcher.value())))
}
