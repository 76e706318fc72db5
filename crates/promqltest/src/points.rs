//! The notation for a series' points: `5 2+3x2 _ stale {{schema:1 sum:3 count:2 buckets:[1 1]}}`.

use model::Histogram;

use crate::histogram::{self, Described};

/// What stands at one interval.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Point {
    /// Nothing.
    Gap,
    Value(f64),
    /// A native histogram.
    Histogram(Described),
}

/// More points than this in one series are a typing error.
const POINTS_MAX: usize = 1_000_000;

/// Reads a series' points; the error says which of them is none.
pub(crate) fn parse(text: &str) -> Result<Vec<Point>, String> {
    let mut points = Vec::new();
    for token in tokens(text) {
        parse_token(token, &mut points)?;
        if POINTS_MAX < points.len() {
            return Err(format!("more than {POINTS_MAX} points"));
        }
    }
    Ok(points)
}

/// Reads when counters began: durations relative to the sample's moment, in milliseconds, `None` for nothing.
pub(crate) fn parse_starts(text: &str) -> Result<Vec<Option<i64>>, String> {
    let mut starts = Vec::new();
    for token in tokens(text) {
        let bad = || format!("{token:?} is no start");
        let (body, times) = split_times(token).ok_or_else(bad)?;
        if body == "_" {
            starts.extend(std::iter::repeat_n(None, times.unwrap_or(1)));
            continue;
        }
        let (start, step) = split_step(body);
        let ms = |text: &str| {
            let (sign, text) = match text.strip_prefix('-') {
                Some(rest) => (-1, rest),
                None => (1, text.strip_prefix('+').unwrap_or(text)),
            };
            if text == "0" { Some(0) } else { units::duration::parse_ms(text).ok().map(|ms| sign * ms) }
        };
        let mut value = ms(start).ok_or_else(bad)?;
        let step = step.map_or(Some(0), ms).ok_or_else(bad)?;
        for _ in 0..=times.unwrap_or(0).min(POINTS_MAX) {
            starts.push(Some(value));
            value += step;
        }
    }
    Ok(starts)
}

/// Splits at white space outside `{{…}}`.
fn tokens(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let mut depth = 0usize;
        let end = rest
            .char_indices()
            .find(|(_, c)| {
                match c {
                    '{' => depth += 1,
                    '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                depth == 0 && c.is_whitespace()
            })
            .map_or(rest.len(), |(at, _)| at);
        found.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    found
}

fn parse_token(token: &str, points: &mut Vec<Point>) -> Result<(), String> {
    if token.starts_with("{{") {
        return parse_histograms(token, points);
    }
    parse_floats(token, points).ok_or_else(|| format!("{token:?} is no point"))
}

/// `{{…}}`, `{{…}}x3`, `{{…}}+{{…}}x3`, `{{…}}-{{…}}x3`
fn parse_histograms(token: &str, points: &mut Vec<Point>) -> Result<(), String> {
    let bad = || format!("{token:?} is no histogram");
    let first_end = token.find("}}").ok_or_else(bad)? + 2;
    let first = histogram::parse(&token[..first_end])?;
    let rest = &token[first_end..];
    let (sign, rest) = match rest.as_bytes().first() {
        None => {
            points.push(Point::Histogram(first));
            return Ok(());
        }
        Some(b'x') => {
            let times: usize = rest[1..].parse().map_err(|_none| bad())?;
            points.extend(std::iter::repeat_n(Point::Histogram(first), times.min(POINTS_MAX) + 1));
            return Ok(());
        }
        Some(b'+') => (1, &rest[1..]),
        Some(b'-') => (-1, &rest[1..]),
        Some(_) => return Err(bad()),
    };
    let step_end = rest.find("}}").ok_or_else(bad)? + 2;
    let step = histogram::parse(&rest[..step_end])?.histogram;
    let times: usize = match rest[step_end..].strip_prefix('x') {
        Some(times) => times.parse().map_err(|_none| bad())?,
        None => return Err(bad()),
    };
    let combine: fn(&Histogram, &Histogram) -> _ =
        if 0 < sign { promql::histogram::add } else { promql::histogram::subtract };
    let mut current = first;
    points.push(Point::Histogram(current.clone()));
    for _ in 0..times.min(POINTS_MAX) {
        current.histogram = combine(&current.histogram, &step).map_err(|error| format!("{token:?}: {error}"))?;
        points.push(Point::Histogram(current.clone()));
    }
    Ok(())
}

fn parse_floats(token: &str, points: &mut Vec<Point>) -> Option<()> {
    let (body, times) = split_times(token)?;
    match body {
        "_" => points.extend(std::iter::repeat_n(Point::Gap, times.unwrap_or(1))),
        "stale" => {
            points.extend(std::iter::repeat_n(Point::Value(model::STALE_NAN), times.map_or(1, |times| times + 1)))
        }
        _ => {
            let (start, step) = match times {
                None => (units::float::parse(body).ok()?, 0.0),
                Some(_) => {
                    let (start, step) = split_step(body);
                    let step = step.map_or(Some(0.0), |step| units::float::parse(step).ok())?;
                    (units::float::parse(start).ok()?, step)
                }
            };
            let mut value = start;
            for _ in 0..=times.unwrap_or(0).min(POINTS_MAX) {
                points.push(Point::Value(value));
                value += step;
            }
        }
    }
    Some(())
}

/// What stands before `x` and how often it is repeated; hexadecimal numbers have an `x` of their own.
fn split_times(token: &str) -> Option<(&str, Option<usize>)> {
    let Some((body, times)) = token.rsplit_once('x') else { return Some((token, None)) };
    let hexadecimal = matches!(body, "0" | "-0" | "+0") && token.len() > body.len() + 1 && token.contains(['p', 'P']);
    if hexadecimal || body.is_empty() { Some((token, None)) } else { Some((body, Some(times.parse().ok()?))) }
}

/// `1+2` as `1` and `+2`, `1-2` as `1` and `-2`, `1e-3+2`, or only `1`.
fn split_step(body: &str) -> (&str, Option<&str>) {
    let sign = body
        .char_indices()
        .skip(1)
        .find(|(at, c)| matches!(c, '+' | '-') && !body[..*at].ends_with(['e', 'E', '+', '-']));
    match sign {
        Some((at, _)) => (&body[..at], Some(&body[at..])),
        None => (body, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_expanded() {
        let check = |text: &str, expected: &[f64]| {
            let found: Vec<f64> = parse(text)
                .unwrap()
                .into_iter()
                .map(|point| match point {
                    Point::Value(value) => value,
                    Point::Gap => -99.0,
                    Point::Histogram(described) => described.histogram.sum,
                })
                .collect();
            assert_eq!(found, expected, "{text}");
        };
        check("5 2+3x2 _ 1x2", &[5.0, 2.0, 5.0, 8.0, -99.0, 1.0, 1.0, 1.0]);
        check("_x3 0x1 10-2x2 -1-1x1", &[-99.0, -99.0, -99.0, 0.0, 0.0, 10.0, 8.0, 6.0, -1.0, -2.0]);
        check("0+10x2 1e-3+1x1 100x1", &[0.0, 10.0, 20.0, 0.001, 1.001, 100.0, 100.0]);
        check("{{sum:1}}x1 {{sum:2}}+{{sum:3}}x1 {{sum:9}}", &[1.0, 1.0, 2.0, 5.0, 9.0]);
        for bad in ["1 abc", "{{sum:1}}y", "{{sum:1}}+{{sum:2}}", "{{what:1}}"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn starts_are_relative_to_their_samples() {
        let check = |text: &str, expected: &[Option<i64>]| assert_eq!(parse_starts(text).unwrap(), expected, "{text}");
        check("_ -30s-1mx2 1ms", &[None, Some(-30_000), Some(-90_000), Some(-150_000), Some(1)]);
        check("0 +1m -0msx1 1ms-1mx1", &[Some(0), Some(60_000), Some(0), Some(0), Some(1), Some(-59_999)]);
    }
}
