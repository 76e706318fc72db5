//! What clients may use.

use std::collections::BTreeMap;

use axum::response::Response;
use promql_syntax::{AggregateOp, FUNCTIONS, Features};

use super::answer::success;

/// Operators and keywords besides the aggregations.
const OPERATORS: [&str; 25] = [
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "=~",
    "!~",
    "and",
    "or",
    "unless",
    "atan2",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "bool",
    "offset",
    "@",
];

/// `/api/v1/features`: categories, and in each the names of features with whether they can be used.
pub(crate) async fn list() -> Response {
    success(&categories())
}

fn categories() -> BTreeMap<&'static str, BTreeMap<&'static str, bool>> {
    let syntax = Features::default();
    let functions =
        FUNCTIONS.iter().map(|function| (function.name, syntax.experimental_functions || !function.experimental));
    let aggregations =
        AggregateOp::ALL.iter().map(|op| (op.as_str(), syntax.experimental_functions || !op.is_experimental()));
    BTreeMap::from([
        (
            "api",
            BTreeMap::from([
                ("admin", false),
                ("exclude_alerts", true),
                ("labels_matchers", true),
                ("query_post", true),
            ]),
        ),
        ("prometheus", BTreeMap::from([("agent_mode", false), ("auto_reload_config", false)])),
        (
            "promql",
            BTreeMap::from([
                ("anchored", syntax.extended_range_selectors),
                ("at_modifier", true),
                ("duration_expr", syntax.duration_expressions),
                ("fill", syntax.binop_fill),
                ("negative_offset", true),
                ("smoothed", syntax.extended_range_selectors),
                ("subqueries", true),
            ]),
        ),
        ("promql_functions", functions.collect()),
        ("promql_operators", aggregations.chain(OPERATORS.map(|word| (word, true))).collect()),
        ("rules", BTreeMap::from([("keep_firing_for", true)])),
        ("tsdb", BTreeMap::from([("exemplar_storage", true), ("native_histograms", true)])),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_and_aggregation_is_listed() {
        let categories = categories();
        assert_eq!(categories["promql_functions"].len(), FUNCTIONS.len());
        assert_eq!(categories["promql_functions"].get("rate"), Some(&true));
        assert_eq!(categories["promql_operators"].len(), AggregateOp::ALL.len() + OPERATORS.len());
    }
}
