//! A panel: queries to a chart, or to the reason for having none.

use chart::{Frame, PlotOptions};
use futures_util::future::join_all;
use model::Timestamp;
use units::unit::Unit;

use super::ask::{self, AskError, Line};
use super::view::parts::{Empty, Html, Icon, Mood, Panel, PanelBody, counted};
use super::window::Window;
use crate::State;

/// Series of one panel; the chart draws fewer, but its legend counts them.
const SERIES_MAX: usize = 200;

/// What a panel asks and how it shows it.
#[derive(Clone, Debug)]
pub(crate) struct PanelPlan {
    pub(crate) id: String,
    pub(crate) title: &'static str,
    pub(crate) span: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) queries: Vec<PanelQuery>,
    pub(crate) fill: bool,
    pub(crate) stack: bool,
    pub(crate) max: Option<f64>,
    /// What stands there when no query finds anything.
    pub(crate) empty: Empty,
}

/// One query of a panel.
#[derive(Clone, Debug)]
pub(crate) struct PanelQuery {
    pub(crate) expr: String,
    /// The name of its series.
    pub(crate) name: &'static str,
    /// Its colour on the whole page.
    pub(crate) slot: usize,
}

/// A panel, and the newest value of each of its queries.
#[derive(Clone, Debug)]
pub(crate) struct LoadedPanel {
    pub(crate) panel: Panel,
    pub(crate) newest: Vec<Option<f64>>,
}

/// Asks the panel's queries and draws them.
pub(crate) async fn load(state: &State, plan: PanelPlan, window: &Window) -> LoadedPanel {
    let answers = join_all(plan.queries.iter().map(|query| ask::range(state, &query.expr, window))).await;
    let answers: Vec<Result<Vec<Line>, AskError>> =
        answers.into_iter().map(|answer| answer.map(|lines| lines.lines)).collect();
    present(plan, answers, window)
}

fn present(plan: PanelPlan, answers: Vec<Result<Vec<Line>, AskError>>, window: &Window) -> LoadedPanel {
    let href = plan.queries.first().map(|query| query_href(&query.expr, window));
    let mut frame =
        Frame { series: Vec::new(), from_ms: window.start_ms, to_ms: window.end_ms, gap_ms: window.gap_ms() };
    let (mut newest, mut failure) = (Vec::new(), None);
    for (query, answer) in plan.queries.iter().zip(answers) {
        match answer {
            Ok(lines) => {
                newest.push(lines.first().and_then(|line| line.value_at(window.end())));
                let named = lines.into_iter().map(|line| line.into_series(query.name.to_owned(), query.slot));
                frame.series.extend(named);
            }
            Err(error) => {
                newest.push(None);
                failure = failure.or(Some(error));
            }
        }
    }
    frame.series.truncate(SERIES_MAX);
    let body = match failure {
        Some(error) => PanelBody::Empty(Empty::new(Mood::Crit, "The query failed").line(error.to_string())),
        None if frame.is_empty() => PanelBody::Empty(plan.empty),
        None => {
            let options = PlotOptions {
                fill: plan.fill,
                stack: plan.stack,
                max: plan.max,
                utc_offset_s: window.utc_offset_s,
                ..PlotOptions::new(sentence(plan.title, &frame, plan.unit), Unit::parse(plan.unit))
            };
            PanelBody::Chart {
                plot: Html(chart::time_series(&frame, &options)),
                legend: Html(chart::legend_line(&frame, &options)),
            }
        }
    };
    let panel = Panel {
        id: plan.id,
        title: plan.title.to_owned(),
        href,
        unit: String::new(),
        span: plan.span,
        end: None,
        body,
    };
    LoadedPanel { panel, newest }
}

/// The picture as a sentence: what, how many lines, and their newest values.
pub(crate) fn sentence(title: &str, frame: &Frame, unit: &str) -> String {
    let unit = Unit::parse(unit);
    let newest: Vec<String> = frame
        .series
        .iter()
        .take(chart::LINES_MAX)
        .filter_map(|series| Some(format!("{} {}", series.name, unit.format(series.last()?, None))))
        .collect();
    let count = counted(frame.series.len(), "line", "lines");
    format!("{title}, {count} over time; newest: {}", newest.join(", "))
}

/// The query page with an expression over a window.
pub(crate) fn query_href(expr: &str, window: &Window) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("expr", expr)
        .append_pair("from", &window.from)
        .append_pair("to", &window.to)
        .finish();
    format!("/query?{query}")
}

/// What stands in a panel whose collector has not been heard often enough.
pub(crate) fn waiting(first: Option<i64>, at: Timestamp) -> Empty {
    let empty = Empty::new(Mood::Neutral, "Waiting for the first samples").icon(Icon::Clock);
    match first {
        Some(first_ms) if at.as_ms() - first_ms < 60_000 => {
            empty.line("A rate needs two samples; they come within seconds.")
        }
        _ => empty,
    }
}
