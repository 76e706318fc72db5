//! Every query of Prometheus' test scripts and of the compliance list parses, and what is printed parses again.

use std::fs;

use promql_syntax::{Expr, Features, parse_labels, parse_with, pretty};

/// The query of an `eval` line: behind the times, up to the end of the line.
fn query_of(line: &str) -> Option<&str> {
    let words = line.strip_prefix("eval ").or_else(|| line.strip_prefix("eval_"))?;
    let from = |marker: &str, words_to_skip: usize| {
        let (_, rest) = words.split_once(marker)?;
        let mut rest = rest.trim_start();
        for _ in 0..words_to_skip {
            rest = rest.split_once(char::is_whitespace)?.1.trim_start();
        }
        Some(rest)
    };
    if words.contains("instant at ") { from("instant at ", 1) } else { from(" step ", 1) }
}

fn check(query: &str, place: &str) -> Expr {
    let expr = parse_with(query, Features::ALL).unwrap_or_else(|error| panic!("{place}: {query}: {error}"));
    for printed in [expr.to_string(), pretty(&expr)] {
        let again = parse_with(&printed, Features::ALL).unwrap_or_else(|error| panic!("{place}: {printed}: {error}"));
        assert_eq!(again.to_string(), expr.to_string(), "{place}");
    }
    expr
}

#[test]
fn the_test_scripts_parse() {
    let Some(folder) = test_support::shared_data("promqltest") else { return };
    let (mut queries, mut series) = (0, 0);
    for entry in fs::read_dir(folder).expect("the scripts") {
        let path = entry.expect("a file").path();
        if path.extension().is_none_or(|extension| extension != "test") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a script");
        let mut lines = (1..).zip(text.lines()).peekable();
        let mut loads = false;
        while let Some((number, line)) = lines.next() {
            let place = format!("{}:{number}", path.display());
            if let Some(query) = query_of(line.trim_start()) {
                let expects_failure = |line: &str| line.trim_start().starts_with("expect fail");
                let parses = parse_with(query, Features::ALL).is_ok();
                if parses || !lines.peek().is_some_and(|(_, next)| expects_failure(next)) {
                    check(query, &place);
                    queries += 1;
                }
            }
            let indented = line.starts_with(char::is_whitespace) && !line.trim().is_empty();
            loads = line.starts_with("load") || (loads && indented);
            if loads && indented && !line.trim_start().starts_with('#') {
                let line = line.trim_start();
                let (_, bytes) = parse_labels(line).unwrap_or_else(|error| panic!("{place}: {line}: {error}"));
                assert!(line[bytes..].starts_with([' ', '\t', '@']), "{place}: {line}");
                series += 1;
            }
        }
    }
    assert!(queries > 500 && series > 500, "{queries} queries, {series} series");
}

#[test]
fn the_compliance_queries_parse() {
    let Some(file) = test_support::shared_data("compliance-queries.tsv") else { return };
    let text = fs::read_to_string(file).expect("the queries");
    let mut count = 0;
    for line in text.lines() {
        let Some(("ok", query)) = line.split_once('\t') else { continue };
        check(query, "compliance");
        count += 1;
    }
    assert!(count > 500, "{count}");
}
