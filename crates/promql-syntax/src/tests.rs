//! What the oracle does not ask: spans, features, bounds, and that no text makes the parser panic.

use std::time::Instant;

use proptest::prelude::*;

use super::*;

/// What `query` prints as, or its error.
fn printed(query: &str, features: Features) -> String {
    parse_with(query, features).map_or_else(|error| error.to_string(), |expr| expr.to_string())
}

fn check(query: &str, expected: &str) {
    assert_eq!(printed(query, Features::ALL), expected, "{query}");
}

fn outline(expr: &Expr, query: &str, out: &mut Vec<String>) {
    out.push(expr.span.slice(query).to_owned());
    expr.children().into_iter().for_each(|child| outline(child, query, out));
}

#[test]
fn every_node_knows_its_place() {
    for (query, expected) in [
        (
            "sum by (a) (rate(x{b='c'}[5m] offset 1m)) / -2",
            vec![
                "sum by (a) (rate(x{b='c'}[5m] offset 1m)) / -2",
                "sum by (a) (rate(x{b='c'}[5m] offset 1m))",
                "rate(x{b='c'}[5m] offset 1m)",
                "x{b='c'}[5m] offset 1m",
                "-2",
            ],
        ),
        (
            "deriv((x @ end())[1h:]) + y",
            vec![
                "deriv((x @ end())[1h:]) + y",
                "deriv((x @ end())[1h:])",
                "(x @ end())[1h:]",
                "(x @ end())",
                "x @ end()",
                "y",
            ],
        ),
        ("topk(1, x) without (a)", vec!["topk(1, x) without (a)", "1", "x"]),
    ] {
        let expr = parse(query).expect(query);
        let mut found = Vec::new();
        outline(&expr, query, &mut found);
        assert_eq!(found, expected, "{query}");
    }
}

#[test]
fn operators_bind_as_in_mathematics() {
    for (query, expected) in [
        (
            "1 + 2 * 3 ^ 2 ^ 1",
            ["1 + 2 * 3 ^ 2 ^ 1", "1", "2 * 3 ^ 2 ^ 1", "2", "3 ^ 2 ^ 1", "3", "2 ^ 1", "2", "1"].as_slice(),
        ),
        ("-a ^ 2 * b", &["-a ^ 2 * b", "-a ^ 2", "a ^ 2", "a", "2", "b"]),
        ("2 ^ -a", &["2 ^ -a", "2", "-a", "a"]),
        ("a - b - c", &["a - b - c", "a - b", "a", "b", "c"]),
        ("a or b and c", &["a or b and c", "a", "b and c", "b", "c"]),
        ("a offset 2 ^ 2", &["a offset 2 ^ 2", "a offset 2", "2"]),
    ] {
        let expr = parse(query).expect(query);
        let mut found = Vec::new();
        outline(&expr, query, &mut found);
        assert_eq!(found, expected, "{query}");
    }
}

#[test]
fn computed_durations_wait_for_step_and_range() {
    check("x[5m * 2]", "x[5m * 2]");
    check("x[-(step() + 1)]", "x[-(step() + 1)]");
    check("x[min_of(step(), 1h):max_of(range(), 5)]", "x[min_of(step(), 1h):max_of(range(), 5)]");
    check("x offset -min_of(1, step()) + 1", "x offset -min_of(1, step()) + 1");
    check("x[1m / 0]", "1:6: parse error: division by zero");
    check("x[0]", "1:3: parse error: duration must be greater than 0");
    assert_eq!(
        printed("x[5m * 2]", Features::default()),
        "1:3: parse error: experimental duration expression is not enabled"
    );

    let context = DurationContext { step_ms: 15_000, range_ms: 3_600_000 };
    for (query, expected) in [
        ("x[5m*2]", "x[10m]"),
        ("x[2^3^2] offset (1h-5m)", "x[8m32s] offset 55m"),
        ("x[step()*4:step()] offset -step()", "x[1m:15s] offset -15s"),
        ("x[1h30m % 1h]", "x[30m]"),
        ("x[max_of(range(), 2h)]", "x[2h]"),
    ] {
        let mut expr = parse_with(query, Features::ALL).expect(query);
        resolve_durations(&mut expr, context).expect(query);
        assert_eq!(expr.to_string(), expected, "{query}");
    }
    let mut zero = parse_with("x[step()]", Features::ALL).expect("a query");
    let instant = DurationContext { step_ms: 0, range_ms: 0 };
    let error = resolve_durations(&mut zero, instant).expect_err("a range of zero").to_string();
    assert_eq!(error, "2:8: duration must be greater than 0");
}

#[test]
fn young_syntax_is_taken_where_it_is_switched_on() {
    check("rate(x[5m] anchored)", "rate(x[5m] anchored)");
    check("x smoothed offset 1m", "x smoothed offset 1m");
    check("x anchored smoothed", "1:1: parse error: anchored and smoothed modifiers cannot be used together");
    check("a + fill(0) b", "a + fill (0) b");
    check(
        "a + on (x) group_left fill_left(-Inf) fill_right(7) b",
        "a + on (x) group_left () fill_left (-Inf) fill_right (7) b",
    );
    check("fill + fill(1) fill", "fill + fill (1) fill");
    check("a and fill(0) b", "1:1: parse error: filling in missing series not allowed for set operators");
    check("a </ 5 >/ b", "a </ 5 >/ b");
    check("start() + end() + step() + range()", "start() + end() + step() + range()");
    check("smoothed + step + anchored", "smoothed + step + anchored");
    assert_eq!(printed("fill(a)", Features::default()), "1:1: parse error: unknown function with name \"fill\"");
    let stable = Features { experimental_functions: false, ..Features::default() };
    assert_eq!(printed("info(a)", stable), "1:1: parse error: function \"info\" is not enabled");
    assert_eq!(
        printed("limitk(1, a)", stable),
        "1:1: parse error: limitk() is experimental and must be enabled with \
         --enable-feature=promql-experimental-functions"
    );
}

#[test]
fn unexpected_words_are_named_with_their_context() {
    for (query, expected) in [
        ("sum(a b)", "1:7: parse error: unexpected identifier \"b\" in aggregation"),
        ("abs(a b)", "1:7: parse error: unexpected identifier \"b\""),
        ("abs(a,)", "1:6: parse error: trailing commas not allowed in function call args"),
        ("a +", "1:4: parse error: unexpected end of input"),
        ("a + * b", "1:5: parse error: unexpected <op:*>"),
        ("a sum", "1:3: parse error: unexpected <aggr:sum>"),
        ("a \"a long text\"", "1:3: parse error: unexpected string \"\\\"a long te\"..."),
        (
            "{\"a\" \"b\"}",
            "1:6: parse error: unexpected string \"\\\"b\\\"\" in label matching, expected \",\" or \"}\"",
        ),
        ("a:b(c)", "1:4: parse error: unexpected \"(\""),
        (
            "a @ 1e30",
            "1:1: parse error: timestamp out of bounds for @ modifier: 1000000000000000019884624838656.000000",
        ),
        ("a{__name__=\"b\"}", "1:1: parse error: metric name must not be set twice: \"a\" or \"b\""),
        ("sum by (\"\") (a)", "1:9: parse error: invalid label name for grouping: \"\""),
        ("1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"),
        ("1 + on (a) 2", "1:1: parse error: vector matching only allowed between instant vectors"),
        ("info(a, b)", "1:9: parse error: expected label selectors only, got vector selector instead"),
        ("a !", "1:3: parse error: unexpected character after '!': '\u{fffd}'"),
        ("\u{7}", "1:1: parse error: unexpected character: '\\a'"),
        ("a\nb", "2:1: parse error: unexpected identifier \"b\""),
        ("\"\\8\"", "1:1: parse error: unknown escape sequence U+0038 '8'"),
        ("x[9e10]", "1:3: parse error: duration out of range"),
    ] {
        check(query, expected);
    }
}

#[test]
fn selectors_and_label_sets_stand_alone() {
    let matchers = parse_selector("up{job!=\"a\"}").expect("a selector");
    assert_eq!(matchers.iter().map(ToString::to_string).collect::<Vec<_>>(), ["job!=\"a\"", "__name__=\"up\""]);
    assert_eq!(parse_selector("{}").map(|matchers| matchers.len()), Ok(0));
    for (selector, expected) in [
        ("up offset 5m", "1:4: parse error: unexpected <offset>"),
        ("", "unknown position: parse error: unexpected end of input"),
        ("rate(up[5m])", "1:5: parse error: unexpected \"(\""),
    ] {
        assert_eq!(parse_selector(selector).map_err(|error| error.to_string()), Err(expected.to_owned()));
    }

    for (text, expected, rest) in [
        ("up{job=\"a\", b=''} 1 2x3", "up{job=\"a\"}", " 1 2x3"),
        ("up {{schema:1}}", "up", " {{schema:1}}"),
        ("{\"a.b\"} _x5", "{\"a.b\"}", " _x5"),
        ("{} 1", "{}", " 1"),
    ] {
        let (labels, bytes) = parse_labels(text).expect(text);
        assert_eq!((labels.to_string().as_str(), &text[bytes..]), (expected, rest));
    }
    assert!(parse_labels("up{job=~\"a\"} 1").is_err());
}

#[test]
fn everything_has_a_bound() {
    let nested = |levels: usize| format!("{}a{}", "(".repeat(levels), ")".repeat(levels));
    assert!(parse(&nested(NESTING_DEPTH_MAX)).is_ok());
    let deep = [
        nested(NESTING_DEPTH_MAX + 1),
        nested(20_000),
        "abs(".repeat(10_000),
        "sum(".repeat(10_000),
        "a or b and c == d + e * -f ^ (".repeat(1_000),
        format!("x[{}1]", "1+".repeat(30_000)),
        format!("x[{}1]", "-".repeat(60_000)),
        format!("x[{}1]", "2^".repeat(30_000)),
        format!("x[{}1]", "(".repeat(60_000)),
        format!("{}a", "-".repeat(60_000)),
        format!("{}a", "a ^ ".repeat(15_000)),
        format!("{}a", "a + ".repeat(15_000)),
        format!("a{}", "[5m:]".repeat(12_000)),
    ];
    for query in deep {
        let error = parse_with(&query, Features::ALL).expect_err(&query[..20]).to_string();
        assert!(error.contains("more than"), "{:.40}: {error}", query);
    }
    assert!(parse(&format!("{}a", "a or ".repeat(200))).is_ok());
    let long = parse(&" ".repeat(QUERY_BYTES_MAX + 1)).expect_err("too long");
    assert_eq!(long.message, "the expression is longer than 65536 bytes");
}

#[test]
fn a_query_of_two_kilobytes() {
    let part = r#"sum by (instance, job) (rate(http_requests_total{job=~"api|web", code!~"5..", le="0.1"}[5m] offset 1h)) / 2"#;
    // Compiling regular expressions takes longer than all the rest, so once without.
    for part in [part.to_owned(), part.replace("!~", "!=")] {
        let query = vec![part; 18].join(" + ");
        let started = Instant::now();
        let rounds = 100;
        for _ in 0..rounds {
            assert!(parse(&query).is_ok());
        }
        println!("{} bytes parse in {:?}", query.len(), started.elapsed() / rounds);
    }
}

/// Words of the language in any order, most of them no query.
fn token_soup() -> impl Strategy<Value = String> {
    let words = [
        "a",
        "b:c",
        "sum",
        "topk",
        "by",
        "without",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "5m",
        "1",
        "0x1f",
        "1e3",
        "\"s\"",
        "'\\xff'",
        "`r`",
        ",",
        "=",
        "!=",
        "=~",
        "!~",
        "==",
        "<=",
        "<",
        ">/",
        "+",
        "-",
        "*",
        "/",
        "%",
        "^",
        "and",
        "or",
        "unless",
        "on",
        "ignoring",
        "group_left",
        "bool",
        "offset",
        "@",
        "start",
        "end",
        "step",
        "range()",
        "min_of",
        "rate",
        "abs",
        "time()",
        "info",
        ":",
        "anchored",
        "smoothed",
        "fill",
        "#c\n",
        "inf",
        "é",
        "\\",
        "x[5m]",
        "x{a=\"b\"}",
        "(1+2)",
        "sum by (a) (x)",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..30)
        .prop_flat_map(|words| prop::sample::select(vec![words.join(" "), words.concat()]))
}

/// Queries, grown from the inside out. Without infinity, whose printed form has a sign that a `^` behind it would take.
fn query() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(
        [
            "a",
            "a{b=\"c\",d!~'e|f'}",
            "{\"x.y\"} offset -5m",
            "a @ 10 offset 1h",
            "a[5m:30s] @ end()",
            "1h",
            "-0.5",
            "\"\\xff\\n\"",
            "a[step()+1]",
            "x smoothed",
            "a[1m] anchored",
        ]
        .as_slice(),
    )
    .prop_map(str::to_owned);
    leaf.prop_recursive(5, 40, 3, |inner| {
        prop_oneof![
            (
                inner.clone(),
                prop::sample::select(
                    [
                        "+",
                        "-",
                        "^",
                        "*",
                        "</",
                        "and",
                        "> bool",
                        "or on (a)",
                        "/ ignoring (a) group_left (b)",
                        "+ fill(1)"
                    ]
                    .as_slice()
                ),
                inner.clone()
            )
                .prop_map(|(l, op, r)| format!("{l} {op} {r}")),
            inner.clone().prop_map(|e| format!("-{e}")),
            inner.clone().prop_map(|e| format!("({e})")),
            inner.clone().prop_map(|e| format!("sum({e}) by (a, \"b.c\")")),
            inner.clone().prop_map(|e| format!("quantile without () (0.5, {e})")),
            inner.clone().prop_map(|e| format!("rate({e})")),
            inner.prop_map(|e| format!("({e})[1h:]")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_parser_panic(soup in token_soup(), any in "\\PC{0,40}") {
        for text in [soup, any] {
            if let Ok(expr) = parse_with(&text, Features::ALL) {
                prop_assert!(!expr.to_string().is_empty() && !pretty(&expr).is_empty());
            }
            if let Ok((_, bytes)) = parse_labels(&text) {
                prop_assert!(text.is_char_boundary(bytes));
            }
        }
    }

    #[test]
    fn what_is_printed_parses_to_the_same(text in query()) {
        if let Ok(expr) = parse_with(&text, Features::ALL) {
            let once = expr.to_string();
            prop_assert_eq!(printed(&once, Features::ALL), once.clone(), "{}", text);
            let formatted = pretty(&expr);
            prop_assert_eq!(printed(&formatted, Features::ALL), once, "{}", formatted);
        }
    }
}
