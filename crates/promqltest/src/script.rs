//! Reads scripts.

use model::Labels;
use thiserror::Error;

use crate::command::{Command, Eval, Expectations, Kind, Load, Text, When};
use crate::points::{self, Point};

/// A line that is none of the language.
#[derive(Clone, Debug, Error)]
#[error("line {line}: {message}")]
pub struct ScriptError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// Reads a script.
pub(crate) fn parse(text: &str) -> Result<Vec<Command>, ScriptError> {
    let lines: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.starts_with('#'))
        .collect();
    let mut commands = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let (line, head) = lines[at];
        at += 1;
        if head.is_empty() {
            continue;
        }
        let body_end =
            lines[at..].iter().position(|(_, line)| line.is_empty() || is_head(line)).unwrap_or(lines.len() - at);
        let body = &lines[at..at + body_end];
        let kind = parse_command(head, body).map_err(|(line, message)| ScriptError { line, message });
        let kind =
            kind.map_err(|error| ScriptError { line: if error.line == 0 { line } else { error.line }, ..error })?;
        commands.push(Command { line, kind });
        at += body_end;
    }
    Ok(commands)
}

fn is_head(line: &str) -> bool {
    let word = line.split_whitespace().next().unwrap_or_default();
    matches!(
        word,
        "clear" | "load" | "load_with_nhcb" | "eval" | "eval_fail" | "eval_warn" | "eval_info" | "eval_ordered"
    )
}

/// Line (0 for the head) and message.
type Fault = (usize, String);

fn parse_command(head: &str, body: &[(usize, &str)]) -> Result<Kind, Fault> {
    let (word, rest) = head.split_once(char::is_whitespace).unwrap_or((head, ""));
    match word {
        "clear" => Ok(Kind::Clear),
        "load" | "load_with_nhcb" => {
            let interval_ms = duration(rest.trim())?;
            let mut load =
                Load { interval_ms, series: Vec::new(), starts: Vec::new(), with_native: word == "load_with_nhcb" };
            for (line, text) in body {
                let fault = |why: String| (*line, why);
                match starts(text) {
                    Some(starts) => load.starts.push(starts.map_err(fault)?),
                    None => load.series.push(series(text).map_err(fault)?),
                }
            }
            Ok(Kind::Load(load))
        }
        _ => eval(word, rest.trim(), body).map(Kind::Eval),
    }
}

fn eval(word: &str, rest: &str, body: &[(usize, &str)]) -> Result<Eval, Fault> {
    let (when, query) = if let Some(rest) = rest.strip_prefix("instant at ") {
        let (at, query) = rest.trim().split_once(char::is_whitespace).ok_or((0, "no query".to_owned()))?;
        (When::Instant(duration(at)?), query)
    } else if let Some(rest) = rest.strip_prefix("range from ") {
        let words: Vec<&str> = rest.splitn(6, char::is_whitespace).collect();
        let [start, "to", end, "step", step, query] = words[..] else {
            return Err((0, "expected: range from A to B step C QUERY".to_owned()));
        };
        let (start_ms, end_ms, step_ms) = (duration(start)?, duration(end)?, duration(step)?);
        (When::Range { start_ms, end_ms, step_ms }, query)
    } else {
        return Err((0, "expected instant or range".to_owned()));
    };
    let mut expect = Expectations::default();
    match word {
        "eval_fail" => expect.fail = Some(Text::Any),
        "eval_warn" => expect.warn.push(Text::Any),
        "eval_info" => expect.info.push(Text::Any),
        "eval_ordered" => expect.ordered = true,
        _ => {}
    }
    let mut expected = Vec::new();
    for (line, text) in body {
        let fault = |why: String| (*line, why);
        if let Some(rest) = text.strip_prefix("expect ") {
            expectation(rest.trim(), &mut expect).map_err(fault)?;
        } else if let Some(message) = text.strip_prefix("expected_fail_message ") {
            expect.fail = Some(Text::Exact(message.trim().to_owned()));
        } else if let Some(pattern) = text.strip_prefix("expected_fail_regexp ") {
            expect.fail = Some(Text::Matching(pattern.trim().to_owned()));
        } else if let Ok(value) = units::float::parse(text) {
            expected.push((Labels::empty(), vec![Point::Value(value)]));
        } else {
            expected.push(series(text).map_err(fault)?);
        }
    }
    Ok(Eval { query: query.trim().to_owned(), when, expect, series: expected })
}

fn expectation(text: &str, expect: &mut Expectations) -> Result<(), String> {
    let (kind, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    let message = if let Some(text) = rest.strip_prefix("msg:") {
        Text::Exact(unquoted(text.trim()))
    } else if let Some(text) = rest.strip_prefix("regex:") {
        Text::Matching(unquoted(text.trim()))
    } else {
        Text::Any
    };
    match kind {
        "fail" => expect.fail = Some(message),
        "warn" => expect.warn.push(message),
        "info" => expect.info.push(message),
        "no_warn" => expect.no_warn = true,
        "no_info" => expect.no_info = true,
        "ordered" => expect.ordered = true,
        "string" => expect.string = Some(unquoted(rest)),
        "range" => {
            let words: Vec<&str> = rest.split_whitespace().collect();
            let ["vector", "from", start, "to", end, "step", step] = words[..] else {
                return Err(format!("unknown expectation {text:?}"));
            };
            let ms = |text| duration(text).map_err(|(_, why): Fault| why);
            expect.range_vector = Some((ms(start)?, ms(end)?, ms(step)?));
        }
        _ => return Err(format!("unknown expectation {text:?}")),
    }
    Ok(())
}

/// The text between double or back quotes, or as it is.
fn unquoted(text: &str) -> String {
    let inner = |quote: char| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    if let Some(raw) = inner('`') {
        return raw.to_owned();
    }
    match inner('"') {
        Some(escaped) => escaped.replace("\\\"", "\"").replace("\\\\", "\\"),
        None => text.to_owned(),
    }
}

fn series(text: &str) -> Result<(Labels, Vec<Point>), String> {
    let (labels, used) = promql_syntax::parse_labels(text).map_err(|error| error.to_string())?;
    Ok((labels, points::parse(&text[used..])?))
}

/// Labels and, for each interval, when the counter began.
type Starts = (Labels, Vec<Option<i64>>);

/// The line of a load that says when counters began: `counter{a="b"}@st _ -30s-1mx3`.
fn starts(text: &str) -> Option<Result<Starts, String>> {
    let (labels, used) = promql_syntax::parse_labels(text).ok()?;
    let rest = text[used..].strip_prefix("@st")?;
    Some(points::parse_starts(rest).map(|starts| (labels, starts)))
}

/// A duration, or seconds.
fn duration(text: &str) -> Result<i64, Fault> {
    if let Some(negative) = text.strip_prefix('-') {
        return duration(negative).map(|ms| -ms);
    }
    if let Ok(seconds) = text.parse::<f64>() {
        return Ok((seconds * 1000.0).round() as i64);
    }
    units::duration::parse_ms(text).map_err(|error| (0, error.to_string()))
}
