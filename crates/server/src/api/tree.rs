//! An expression as JSON, in the shape that Prometheus' page draws as a tree (`translateAST` in its API).

use model::Matcher;
use promql_syntax::{
    Arity, AtModifier, Binary, Call, Expr, ExprKind, MatchCardinality, ValueType, VectorMatching, VectorSelector,
};
use serde_json::{Value, json};

/// The tree of `expr`. Lengths are in milliseconds.
pub(super) fn of(expr: &Expr) -> Value {
    match &expr.kind {
        ExprKind::Number(number) => json!({"type": "numberLiteral", "val": units::float::shortest_f(number.value)}),
        ExprKind::String(text) => json!({"type": "stringLiteral", "val": text}),
        ExprKind::Paren(inner) => json!({"type": "parenExpr", "expr": of(inner)}),
        ExprKind::Unary(unary) => json!({"type": "unaryExpr", "op": unary.op.as_str(), "expr": of(&unary.expr)}),
        ExprKind::Vector(selector) => of_selector("vectorSelector", selector),
        ExprKind::Matrix(matrix) => {
            let mut tree = of_selector("matrixSelector", &matrix.selector);
            tree["range"] = matrix.range_ms.into();
            tree
        }
        ExprKind::Subquery(subquery) => json!({
            "type": "subquery",
            "expr": of(&subquery.expr),
            "range": subquery.range_ms,
            "step": subquery.step_ms.unwrap_or(0),
            "offset": subquery.offset_ms,
            "timestamp": at(subquery.at),
            "startOrEnd": start_or_end(subquery.at),
        }),
        ExprKind::Call(call) => of_call(call),
        ExprKind::Aggregate(aggregate) => json!({
            "type": "aggregation",
            "op": aggregate.op.as_str(),
            "expr": of(&aggregate.expr),
            "param": aggregate.param.as_ref().map(of),
            "grouping": aggregate.grouping,
            "without": aggregate.without,
        }),
        ExprKind::Binary(binary) => of_binary(binary),
    }
}

fn of_selector(kind: &str, selector: &VectorSelector) -> Value {
    let matcher =
        |matcher: &Matcher| json!({"name": matcher.name(), "type": matcher.op().as_str(), "value": matcher.value()});
    json!({
        "type": kind,
        "name": selector.name,
        "matchers": selector.matchers.iter().map(matcher).collect::<Vec<_>>(),
        "offset": selector.offset_ms,
        "timestamp": at(selector.at),
        "startOrEnd": start_or_end(selector.at),
        "anchored": selector.anchored,
        "smoothed": selector.smoothed,
    })
}

fn of_call(call: &Call) -> Value {
    let function = call.function;
    // How often the last type may stand beyond what is required: any number of times is -1.
    let variadic = match function.arity {
        Arity::Fixed => 0,
        Arity::Optional(more) => i64::try_from(more).unwrap_or(i64::MAX),
        Arity::Any => -1,
    };
    json!({
        "type": "call",
        "func": {
            "name": function.name,
            "argTypes": function.arg_types.iter().map(|kind| ValueType::as_str(*kind)).collect::<Vec<_>>(),
            "variadic": variadic,
            "returnType": function.return_type.as_str(),
        },
        "args": call.args.iter().map(of).collect::<Vec<_>>(),
    })
}

fn of_binary(binary: &Binary) -> Value {
    json!({
        "type": "binaryExpr",
        "op": binary.op.as_str(),
        "lhs": of(&binary.lhs),
        "rhs": of(&binary.rhs),
        "matching": binary.matching.as_ref().map(of_matching),
        "bool": binary.return_bool,
    })
}

fn of_matching(matching: &VectorMatching) -> Value {
    let card = match matching.cardinality {
        MatchCardinality::OneToOne => "one-to-one",
        MatchCardinality::ManyToOne => "many-to-one",
        MatchCardinality::OneToMany => "one-to-many",
        MatchCardinality::ManyToMany => "many-to-many",
    };
    json!({
        "card": card,
        "labels": matching.labels,
        "on": matching.on,
        "include": matching.include,
        "fillValues": {"lhs": matching.fill_lhs, "rhs": matching.fill_rhs},
    })
}

fn at(modifier: Option<AtModifier>) -> Option<i64> {
    match modifier {
        Some(AtModifier::Timestamp(ms)) => Some(ms),
        Some(AtModifier::Start | AtModifier::End) | None => None,
    }
}

fn start_or_end(modifier: Option<AtModifier>) -> Option<&'static str> {
    match modifier {
        Some(AtModifier::Start) => Some("start"),
        Some(AtModifier::End) => Some("end"),
        Some(AtModifier::Timestamp(_)) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Prometheus 3.5 answers, with the keys that later versions add.
    #[test]
    fn trees_are_prometheus() {
        let check = |query: &str, expected: Value| {
            assert_eq!(of(&promql_syntax::parse(query).expect(query)), expected, "{query}");
        };
        let selector = |name: &str| {
            json!({
                "type": "vectorSelector", "name": name, "matchers": [{"name": "__name__", "type": "=", "value": name}],
                "offset": 0, "timestamp": null, "startOrEnd": null, "anchored": false, "smoothed": false,
            })
        };
        check(
            "-(1)",
            json!({
                "type": "unaryExpr", "op": "-",
                "expr": {"type": "parenExpr", "expr": {"type": "numberLiteral", "val": "1"}},
            }),
        );
        check("Inf", json!({"type": "numberLiteral", "val": "+Inf"}));
        check(
            "round(x)",
            json!({
                "type": "call", "args": [selector("x")],
                "func": {"name": "round", "argTypes": ["vector", "scalar"], "variadic": 1, "returnType": "vector"},
            }),
        );
        check(
            "topk without (a) (3, x)",
            json!({
                "type": "aggregation", "op": "topk", "expr": selector("x"), "grouping": ["a"], "without": true,
                "param": {"type": "numberLiteral", "val": "3"},
            }),
        );
        check(
            "a / on (i) group_left (x) b",
            json!({
                "type": "binaryExpr", "op": "/", "lhs": selector("a"), "rhs": selector("b"), "bool": false,
                "matching": {
                    "card": "many-to-one", "labels": ["i"], "on": true, "include": ["x"],
                    "fillValues": {"lhs": null, "rhs": null},
                },
            }),
        );
        check(
            r#"x{b!~"c"}[5m] offset 1m"#,
            json!({
                "type": "matrixSelector", "name": "x", "range": 300_000, "offset": 60_000, "timestamp": null,
                "startOrEnd": null, "anchored": false, "smoothed": false,
                "matchers": [{"name": "b", "type": "!~", "value": "c"}, {"name": "__name__", "type": "=", "value": "x"}],
            }),
        );
        check(
            "x[5m:1m] @ end()",
            json!({
                "type": "subquery", "expr": selector("x"), "range": 300_000, "step": 60_000, "offset": 0,
                "timestamp": null, "startOrEnd": "end",
            }),
        );
    }
}
