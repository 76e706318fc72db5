//! Random queries.

use proptest::prelude::*;
use proptest::sample::select;

/// How deep queries nest.
const DEPTH_MAX: u32 = 4;

fn modifier() -> impl Strategy<Value = &'static str> {
    select(vec!["", "", "", " offset 30s", " offset -40s", " @ 400", " @ start()", " @ end() offset 1m"])
}

fn selector() -> impl Strategy<Value = String> {
    let metric = select(vec!["c_total", "g", "h", "nothing", "{__name__=~\"g|h\"}"]);
    let matchers = select(vec!["", "", "{a=\"x\"}", "{a!=\"x\"}", "{a=~\"x|y\",b!=\"2\"}", "{c=\"\"}"]);
    (metric, matchers).prop_map(|(metric, matchers)| match metric {
        braces if braces.starts_with('{') => braces.to_owned(),
        name => format!("{name}{matchers}"),
    })
}

fn range() -> impl Strategy<Value = String> {
    let duration = select(vec!["15s", "44s", "1m", "5m"]);
    (selector(), duration, modifier())
        .prop_map(|(selector, duration, modifier)| format!("{selector}[{duration}]{modifier}"))
}

fn grouping() -> impl Strategy<Value = &'static str> {
    select(vec!["", " by (a)", " by (b, c)", " without (b)", " by (__name__, a)", " without ()"])
}

fn number() -> impl Strategy<Value = &'static str> {
    select(vec!["0", "1", "2.5", "-3", "NaN", "Inf", "time()"])
}

fn over_range() -> impl Strategy<Value = &'static str> {
    select(vec![
        "rate",
        "increase",
        "delta",
        "irate",
        "idelta",
        "changes",
        "resets",
        "count_over_time",
        "sum_over_time",
        "avg_over_time",
        "min_over_time",
        "max_over_time",
        "last_over_time",
        "first_over_time",
        "present_over_time",
    ])
}

fn operator() -> impl Strategy<Value = &'static str> {
    select(vec!["+", "-", "*", "/", "%", "==", "!=", ">", "<=", "> bool", "!= bool", "^", "atan2"])
}

/// A query that gives an instant vector.
pub(crate) fn vector() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (selector(), modifier()).prop_map(|(selector, modifier)| format!("{selector}{modifier}")),
        (over_range(), range()).prop_map(|(function, range)| format!("{function}({range})")),
        range().prop_map(|range| format!("quantile_over_time(0.3, {range})")),
        number().prop_map(|number| format!("vector({number})")),
    ];
    leaf.prop_recursive(DEPTH_MAX, 24, 3, |inner| {
        let aggregate = select(vec!["sum", "avg", "min", "max", "count", "group"]);
        let matching = select(vec![
            "",
            "on (a)",
            "on (a, b)",
            "ignoring (b)",
            "on ()",
            "on (a) group_left ()",
            "ignoring (b) group_right (c)",
            "on (b) group_left (a)",
        ]);
        let set_matching = select(vec!["", "on (a)", "ignoring (a)", "on ()"]);
        let subquery = select(vec!["[2m:20s]", "[3m:]", "[1m:30s] offset 45s", "[2m:1m] @ 500"]);
        prop_oneof![
            (aggregate, grouping(), inner.clone())
                .prop_map(|(op, grouping, inner)| format!("{op}{grouping} ({inner})")),
            (grouping(), inner.clone()).prop_map(|(grouping, inner)| format!("quantile{grouping} (0.7, {inner})")),
            (grouping(), inner.clone()).prop_map(|(grouping, inner)| format!("sum(topk{grouping} (2, {inner}))")),
            (inner.clone(), operator(), number()).prop_map(|(inner, op, number)| format!("({inner}) {op} {number}")),
            (number(), operator(), inner.clone()).prop_map(|(number, op, inner)| format!("{number} {op} ({inner})")),
            (inner.clone(), operator(), matching, inner.clone())
                .prop_map(|(left, op, matching, right)| format!("({left}) {op} {matching} ({right})")),
            (inner.clone(), select(vec!["and", "or", "unless"]), set_matching, inner.clone())
                .prop_map(|(left, op, matching, right)| format!("({left}) {op} {matching} ({right})")),
            (over_range(), inner.clone(), subquery)
                .prop_map(|(function, inner, subquery)| format!("{function}(({inner}){subquery})")),
            (select(vec!["abs", "floor", "-", "absent"]), inner.clone())
                .prop_map(|(function, inner)| format!("{function}({inner})")),
            (inner.clone(), number()).prop_map(|(inner, number)| format!("clamp_min({inner}, {number})")),
            inner.prop_map(|inner| format!("vector(scalar({inner}))")),
        ]
    })
}
