//! The rules that the grammar cannot say: types, argument counts, matchers that select nothing in particular.

use model::METRIC_NAME;

use crate::ast::{Aggregate, Binary, Call, Expr, ExprKind, MatchCardinality, ValueType, VectorSelector};
use crate::bytes::quote;
use crate::error::ParseError;
use crate::functions::Arity;
use crate::operator::AggregateOp;
use crate::span::Span;

/// Checks the tree, and gives set operators their cardinality. `query` is the text, for the places of errors.
pub(crate) fn check(expr: &mut Expr, query: &str) -> Result<ValueType, ParseError> {
    let fail = |span: Span, message: String| Err(ParseError::new(query, span, message));
    let span = expr.span;
    match &mut expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) => {}
        ExprKind::Vector(selector) => check_selector(selector, span, query)?,
        ExprKind::Matrix(matrix) => check_selector(&matrix.selector, span, query)?,
        ExprKind::Subquery(subquery) => {
            let inner = check(&mut subquery.expr, query)?;
            if inner != ValueType::Vector {
                let message = format!("subquery is only allowed on instant vector, got {} instead", inner.as_str());
                return fail(span, message);
            }
        }
        ExprKind::Call(call) => check_call(call, span, query)?,
        ExprKind::Aggregate(aggregate) => check_aggregate(aggregate, query)?,
        ExprKind::Binary(binary) => check_binary(binary, span, query)?,
        ExprKind::Unary(unary) => {
            let operand = check(&mut unary.expr, query)?;
            if !matches!(operand, ValueType::Scalar | ValueType::Vector) {
                let message = format!(
                    "unary expression only allowed on expressions of type scalar or instant vector, got \"{}\"",
                    operand.documented()
                );
                return fail(span, message);
            }
        }
        ExprKind::Paren(inner) => {
            check(inner, query)?;
        }
    }
    Ok(expr.value_type())
}

fn expect_type(expr: &mut Expr, wanted: ValueType, context: &str, query: &str) -> Result<(), ParseError> {
    let found = check(expr, query)?;
    if found == wanted {
        return Ok(());
    }
    let message = format!("expected type {} in {context}, got {}", wanted.documented(), found.documented());
    Err(ParseError::new(query, expr.span, message))
}

fn check_selector(selector: &VectorSelector, span: Span, query: &str) -> Result<(), ParseError> {
    if selector.name.is_empty() {
        if selector.matchers.iter().all(model::Matcher::matches_absent) {
            let message = "vector selector must contain at least one non-empty matcher";
            return Err(ParseError::new(query, span, message));
        }
        return Ok(());
    }
    let in_braces = selector.matchers.iter().rev().skip(1).rev();
    match in_braces.into_iter().find(|matcher| matcher.name() == METRIC_NAME) {
        None => Ok(()),
        Some(second) => {
            let message =
                format!("metric name must not be set twice: {} or {}", quote(&selector.name), quote(second.value()));
            Err(ParseError::new(query, span, message))
        }
    }
}

fn check_call(call: &mut Call, span: Span, query: &str) -> Result<(), ParseError> {
    let function = call.function;
    let (given, min, max) = (call.args.len(), function.args_min(), function.args_max());
    let bound = match (function.arity, max) {
        (Arity::Fixed, _) if given != min => Some(format!("{min}")),
        (_, _) if given < min => Some(format!("at least {min}")),
        (_, Some(max)) if max < given => Some(format!("at most {max}")),
        _ => None,
    };
    if let Some(bound) = bound {
        let message = format!("expected {bound} argument(s) in call to \"{}\", got {given}", function.name);
        return Err(ParseError::new(query, span, message));
    }
    let context = format!("call to function \"{}\"", function.name);
    for (i, arg) in call.args.iter_mut().enumerate() {
        let wanted = function.arg_types[i.min(function.arg_types.len() - 1)];
        if function.name == "info" && i == 1 {
            check_info_labels(arg, &context, span, query)?;
            continue;
        }
        expect_type(arg, wanted, &context, query)?;
    }
    Ok(())
}

/// The second argument of `info` is a bare `{..}`, which may well select everything.
fn check_info_labels(arg: &Expr, context: &str, call: Span, query: &str) -> Result<(), ParseError> {
    let found = arg.value_type();
    let (span, message) = match &arg.kind {
        _ if found != ValueType::Vector => {
            (call, format!("expected type instant vector in {context}, got {}", found.documented()))
        }
        ExprKind::Vector(selector) if selector.name.is_empty() => return Ok(()),
        ExprKind::Vector(_) => (arg.span, "expected label selectors only, got vector selector instead".to_owned()),
        _ => (arg.span, "expected label selectors only".to_owned()),
    };
    Err(ParseError::new(query, span, message))
}

fn check_aggregate(aggregate: &mut Aggregate, query: &str) -> Result<(), ParseError> {
    expect_type(&mut aggregate.expr, ValueType::Vector, "aggregation expression", query)?;
    let wanted = if aggregate.op == AggregateOp::CountValues { ValueType::String } else { ValueType::Scalar };
    match &mut aggregate.param {
        Some(param) => expect_type(param, wanted, "aggregation parameter", query),
        None => Ok(()),
    }
}

fn check_binary(binary: &mut Binary, span: Span, query: &str) -> Result<(), ParseError> {
    let left = check(&mut binary.lhs, query)?;
    let right = check(&mut binary.rhs, query)?;
    let fail = |span: Span, message: String| Err(ParseError::new(query, span, message));
    let at_operator = operator_span(binary, query);
    if binary.return_bool && !binary.op.is_comparison() {
        return fail(at_operator, "bool modifier can only be used on comparison operators".to_owned());
    }
    let both_scalars = (left, right) == (ValueType::Scalar, ValueType::Scalar);
    if binary.op.is_comparison() && !binary.return_bool && both_scalars {
        return fail(at_operator, "comparisons between scalars must use BOOL modifier".to_owned());
    }
    let mut matching = binary.matching.take().unwrap_or_default();
    if binary.op.is_set() && matching.cardinality == MatchCardinality::OneToOne {
        matching.cardinality = MatchCardinality::ManyToMany;
    }
    if let Some(label) = matching.labels.iter().find(|label| matching.on && matching.include.contains(label)) {
        let label = quote(label);
        return fail(at_operator, format!("label {label} must not occur in ON and GROUP clause at once"));
    }
    for (side, found) in [(binary.lhs.span, left), (binary.rhs.span, right)] {
        if !matches!(found, ValueType::Scalar | ValueType::Vector) {
            return fail(side, "binary expression must contain only scalar and instant vector types".to_owned());
        }
    }
    let fills = matching.fill_lhs.is_some() || matching.fill_rhs.is_some();
    if (left, right) == (ValueType::Vector, ValueType::Vector) {
        if binary.op.is_set() && matching.cardinality != MatchCardinality::ManyToMany {
            return fail(span, format!("no grouping allowed for \"{}\" operation", binary.op.as_str()));
        }
        if binary.op.is_set() && fills {
            return fail(span, "filling in missing series not allowed for set operators".to_owned());
        }
        binary.matching = Some(matching);
        return Ok(());
    }
    if !matching.labels.is_empty() {
        return fail(span, "vector matching only allowed between instant vectors".to_owned());
    }
    if fills {
        return fail(span, "filling in missing series only allowed between instant vectors".to_owned());
    }
    if binary.op.is_set() {
        let message = format!("set operator \"{}\" not allowed in binary scalar expression", binary.op.as_str());
        return fail(span, message);
    }
    Ok(())
}

/// From the operator to the right side, without the spaces around.
fn operator_span(binary: &Binary, query: &str) -> Span {
    let (from, to) = (binary.lhs.span.end as usize, binary.rhs.span.start as usize);
    let between = query.get(from..to).unwrap_or_default();
    let start = from + between.len() - between.trim_start().len();
    Span::new(start, from + between.trim_end().len())
}
