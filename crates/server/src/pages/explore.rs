//! `/query`: an expression, its graph and its table. Takes Prometheus' old `/graph` parameters too.

use std::time::Instant;

use axum::extract::{Query, State as Extract};
use axum::response::Response;
use chart::{Frame, Height, PlotOptions, Summary};
use model::{Labels, METRIC_NAME, TimeRange, Timestamp};
use promql_syntax::{Expr, ExprKind, ParseError, ValueType};
use serde::Deserialize;
use units::unit::Unit;

use super::ask::{AskError, Line, Lines};
use super::view::explore::{ExplorePage, ExploreResult, Names, QueryProblem, ResultRow};
use super::view::parts::{Empty, Html, Icon, Link, Mood, counted};
use super::view::shell::{Section, Shell};
use super::view::time;
use super::window::Window;
use super::{ask, firing, names, panel, show};
use crate::State;
use crate::query::When;

/// Rows of the table; the JSON has all.
const ROWS_MAX: usize = 500;
/// Lines of the field, at least and at most.
const FIELD_ROWS: (usize, usize) = (2, 12);
/// Names in the list.
const NAMES_MAX: usize = 30;
/// Names that are suggested for one that does not exist.
const SUGGESTIONS: usize = 3;
/// Steps of a graph, whatever step is asked for.
const STEPS_MAX: i64 = 11_000;

/// Parameters of the query page.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ExploreParams {
    expr: Option<String>,
    #[serde(rename = "g0.expr")]
    graph_expr: Option<String>,
    #[serde(rename = "g0.tab")]
    graph_tab: Option<String>,
    from: Option<String>,
    to: Option<String>,
    step: Option<String>,
    tab: Option<String>,
    find: Option<String>,
}

/// `GET /query`
pub(crate) async fn page(Extract(state): Extract<State>, Query(params): Query<ExploreParams>) -> Response {
    let now = state.now();
    let window = Window::parse(params.from.as_deref(), params.to.as_deref(), now, time::local_offset_s(now.as_ms()));
    let step_auto = units::duration::format_ms(window.step_ms);
    let step = params.step.unwrap_or_default().trim().to_owned();
    let asked_ms = units::duration::parse_ms(&step).ok();
    let longest_ms = window.end_ms - window.start_ms;
    let window = match asked_ms.filter(|ms| 0 < *ms && longest_ms / ms <= STEPS_MAX) {
        Some(step_ms) => window.with_step(step_ms),
        None => window,
    };
    let expr = params.expr.or(params.graph_expr).unwrap_or_default();
    // Prometheus' links say 1 for the table.
    let table = params.tab.as_deref() == Some("table") || params.graph_tab.as_deref() == Some("1");
    let tab = if table { "table" } else { "graph" };

    let known = known_names(&state, &window).await;
    let started = Instant::now();
    let answered = answer(&state, &expr, table, &window).await;
    let elapsed_ms = started.elapsed().as_secs_f64() * 1_000.0;
    let (cost, warnings, error, result) = match answered {
        Ok(None) => (String::new(), Vec::new(), None, nothing_asked()),
        Ok(Some(lines)) => {
            let samples: usize = lines.lines.iter().map(|line| line.values.len()).sum();
            let cost = format!(
                "{}, {}, {elapsed_ms:.1} ms{}",
                counted(lines.lines.len(), "series", "series"),
                counted(samples, "sample", "samples"),
                if table { String::new() } else { format!(", step {}", units::duration::format_ms(window.step_ms)) }
            );
            let warnings = lines.warnings;
            let found = !lines.lines.is_empty();
            let result =
                if found { present(lines.lines, &expr, table, &window) } else { nothing_found(&expr, &known, &window) };
            (cost, warnings, None, result)
        }
        Err(error) => {
            let empty = Empty::new(Mood::Neutral, "No result").line("The expression has an error, see above.");
            (String::new(), Vec::new(), Some(problem(&expr, &error)), ExploreResult::Empty(empty))
        }
    };

    let link = |tab: &str| link(&expr, &window, &step, tab);
    let path = format!("/query?{}", encode(&[("expr", &expr), ("tab", tab)]));
    show(&ExplorePage {
        shell: Shell {
            firing: firing(&state),
            picker: Some(window.picker(&path)),
            ..Shell::new(Section::Explore, "Explore", link(tab))
        },
        rows: expr.lines().count().clamp(FIELD_ROWS.0, FIELD_ROWS.1),
        tab,
        from: window.from.clone(),
        to: window.to.clone(),
        step_auto,
        cost,
        error,
        warnings,
        graph_href: link("graph"),
        table_href: link("table"),
        json_href: json_href(&expr, table, &window),
        result,
        names: names_to_choose(&known, params.find.unwrap_or_default(), &window),
        step,
        expr,
    })
}

/// The names of all metrics within the window, sorted.
async fn known_names(state: &State, window: &Window) -> Vec<String> {
    let range = TimeRange::new(Timestamp::from_ms(window.start_ms), window.end());
    // The list is a convenience: where the store fails, the query says so itself.
    state.read(move |store| store.label_values(METRIC_NAME, &[], range)).await.unwrap_or_default()
}

fn names_to_choose(known: &[String], find: String, window: &Window) -> Names {
    let fitting = names::containing(known, &find);
    let shown = fitting.iter().take(NAMES_MAX);
    Names {
        count: match fitting.len() {
            0 if known.is_empty() => "Nothing was scraped in this time".to_owned(),
            all if all == known.len() => format!("{}, the first {}", counted(all, "name", "names"), shown.len()),
            fitting => format!("{fitting} of {}", counted(known.len(), "name", "names")),
        },
        links: shown.map(|name| Link { href: panel::query_href(name, window), word: (*name).to_owned() }).collect(),
        find,
    }
}

/// Why nothing was found: a name that nobody has, or labels that nobody has.
fn nothing_found(expr: &str, known: &[String], window: &Window) -> ExploreResult {
    let missing = promql_syntax::parse(expr).map(|parsed| metric_names(&parsed)).unwrap_or_default();
    let Some(missing) = missing.into_iter().find(|name| !known.contains(name)) else {
        let empty = Empty::new(Mood::Neutral, "No series").icon(Icon::Search);
        return ExploreResult::Empty(
            empty.line("The metric exists, but no series has these labels, or values for this, in this time."),
        );
    };
    let near = names::nearest(known, &missing, SUGGESTIONS);
    let mut empty = Empty::new(Mood::Warn, "No metric of that name").icon(Icon::Search).line(format!(
        "Nothing named {missing} was scraped in this time.{}",
        if near.is_empty() { "" } else { " Nearest:" }
    ));
    empty.tags = near
        .into_iter()
        .map(|name| Link { href: panel::query_href(&expr.replace(&missing, name), window), word: name.to_owned() })
        .collect();
    ExploreResult::Empty(empty)
}

/// The metrics that an expression names.
fn metric_names(expr: &Expr) -> Vec<String> {
    let own = match &expr.kind {
        ExprKind::Vector(selector) => Some(&selector.name),
        ExprKind::Matrix(matrix) => Some(&matrix.selector.name),
        _ => None,
    };
    let own = own.filter(|name| !name.is_empty()).cloned();
    own.into_iter().chain(expr.children().into_iter().flat_map(metric_names)).collect()
}

/// `None` where nothing is asked.
async fn answer(state: &State, expr: &str, table: bool, window: &Window) -> Result<Option<Lines>, AskError> {
    if expr.trim().is_empty() {
        return Ok(None);
    }
    let parsed = promql_syntax::parse(expr)?;
    let drawable = matches!(parsed.value_type(), ValueType::Vector | ValueType::Scalar);
    if table || !drawable {
        return ask::run(state, parsed, When::Instant(window.end())).await.map(Some);
    }
    ask::range(state, expr, window).await.map(Some)
}

fn present(mut lines: Vec<Line>, expr: &str, table: bool, window: &Window) -> ExploreResult {
    if table {
        return table_of(&lines, window);
    }
    // Stable colours: the order of the labels, not of the storage.
    lines.sort_by(|a, b| a.labels.cmp(&b.labels));
    let series = lines.into_iter().enumerate().map(|(slot, line)| {
        let name = if line.labels.is_empty() { expr.to_owned() } else { line.labels.to_string() };
        line.into_series(name, slot)
    });
    let frame =
        Frame { series: series.collect(), from_ms: window.start_ms, to_ms: window.end_ms, gap_ms: window.gap_ms() };
    let options = PlotOptions {
        height: Height::H4,
        utc_offset_s: window.utc_offset_s,
        ..PlotOptions::new(panel::sentence("The expression", &frame, "short"), Unit::parse("short"))
    };
    ExploreResult::Graph {
        plot: Html(chart::time_series(&frame, &options)),
        legend: Html(chart::legend_table(&frame, &options, "Series", &[Summary::Last, Summary::Mean, Summary::Max])),
    }
}

/// A column for every label that occurs, the name first.
fn table_of(lines: &[Line], window: &Window) -> ExploreResult {
    let mut names: Vec<String> = Vec::new();
    for line in lines {
        for (name, _) in &line.labels {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
    }
    names.sort_by_key(|name| (name != METRIC_NAME, name.clone()));
    let row = |line: &Line| ResultRow {
        cells: names.iter().map(|name| cell(&line.labels, name)).collect(),
        value: line.values.iter().map(|value| units::float::api_value(*value)).collect::<Vec<_>>().join(" "),
    };
    ExploreResult::Table {
        at: time::date_and_clock(window.end_ms, window.utc_offset_s),
        rows: lines.iter().take(ROWS_MAX).map(row).collect(),
        more: lines.len().saturating_sub(ROWS_MAX),
        names,
    }
}

fn cell(labels: &Labels, name: &str) -> String {
    labels.get(name).unwrap_or_default().to_owned()
}

fn problem(expr: &str, error: &AskError) -> QueryProblem {
    let (before, at, after) = match error {
        AskError::Parse(error) => around(expr, error),
        AskError::Run(_) => ("", "", ""),
    };
    QueryProblem { heading: error.to_string(), before: before.to_owned(), at: at.to_owned(), after: after.to_owned() }
}

/// The expression, cut where it goes wrong.
fn around<'a>(expr: &'a str, error: &ParseError) -> (&'a str, &'a str, &'a str) {
    let (start, end) = (error.span.start as usize, error.span.end as usize);
    match (expr.get(..start), expr.get(start..end), expr.get(end..)) {
        (Some(before), Some(at), Some(after)) => (before, at, after),
        _ => (expr, "", ""),
    }
}

fn nothing_asked() -> ExploreResult {
    let empty = Empty::new(Mood::Neutral, "Ask something").icon(Icon::Search);
    ExploreResult::Empty(
        empty
            .line("An expression in PromQL, Shift Enter to run it. For a start, the load of this machine:")
            .link("/query?expr=node_load1", "node_load1"),
    )
}

fn link(expr: &str, window: &Window, step: &str, tab: &str) -> String {
    let query =
        [("expr", expr), ("from", &window.from), ("to", &window.to), ("step", step), ("tab", tab)].map(|pair| pair);
    format!("/query?{}", encode(&query))
}

fn json_href(expr: &str, table: bool, window: &Window) -> String {
    let seconds = |ms: i64| units::float::api_value(ms as f64 / 1_000.0);
    if table {
        return format!("/api/v1/query?{}", encode(&[("query", expr), ("time", &seconds(window.end_ms))]));
    }
    let (start, end, step) = (seconds(window.start_ms), seconds(window.end_ms), seconds(window.step_ms));
    format!("/api/v1/query_range?{}", encode(&[("query", expr), ("start", &start), ("end", &end), ("step", &step)]))
}

fn encode(pairs: &[(&str, &str)]) -> String {
    let given = pairs.iter().filter(|(_, value)| !value.is_empty());
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_shown_at_its_place() {
        let expr = "sum(rate(up[5m])";
        let error = promql_syntax::parse(expr).unwrap_err();
        let shown = problem(expr, &AskError::Parse(error));
        assert_eq!(format!("{}{}{}", shown.before, shown.at, shown.after), expr);
        assert!(shown.heading.contains("parse error: unclosed left parenthesis"), "{}", shown.heading);
    }

    #[test]
    fn a_table_has_a_column_for_every_label() {
        let line = |pairs: &[(&str, &str)], value| Line {
            labels: Labels::from_pairs(pairs.iter().copied()),
            timestamps_ms: std::sync::Arc::new([0]),
            values: vec![value],
        };
        let window = Window::parse(None, None, model::Timestamp::from_ms(1_795_357_800_000), 0);
        let lines = [line(&[("__name__", "up"), ("job", "a")], 1.0), line(&[("__name__", "up"), ("host", "b")], 0.5)];
        let ExploreResult::Table { at, names, rows, .. } = table_of(&lines, &window) else { panic!("no table") };
        assert_eq!((at.as_str(), names.join(" ").as_str()), ("2026-11-22 14:30:00", "__name__ host job"));
        assert_eq!(rows[1].cells, ["up", "b", ""]);
        assert_eq!(rows[1].value, "0.5");
    }
}
