//! The notation for a series' points: `5 2+3x2 _ stale`.

/// What stands at one interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Point {
    /// Nothing.
    Gap,
    Value(f64),
    /// A native histogram, which cannot be read yet.
    Histogram,
}

/// More points than this in one series are a typing error.
const POINTS_MAX: usize = 1_000_000;

/// Reads a series' points; the error says which of them is none.
pub(crate) fn parse(text: &str) -> Result<Vec<Point>, String> {
    let mut points = Vec::new();
    for token in tokens(text) {
        parse_token(token, &mut points).ok_or_else(|| format!("{token:?} is no point"))?;
        if POINTS_MAX < points.len() {
            return Err(format!("more than {POINTS_MAX} points"));
        }
    }
    Ok(points)
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

fn parse_token(token: &str, points: &mut Vec<Point>) -> Option<()> {
    if let Some(start) = token.find("{{") {
        let end = token.rfind("}}")? + 2;
        let times = token[end..].rsplit_once('x').map_or(Some(0), |(_, times)| times.parse::<usize>().ok())?;
        debug_assert_eq!(start, 0);
        points.extend(std::iter::repeat_n(Point::Histogram, times + 1));
        return Some(());
    }
    let (body, times) = match token.rsplit_once('x') {
        Some((body, times)) if !body.is_empty() && !body.ends_with('0') || token.starts_with('_') => {
            (body, Some(times.parse::<usize>().ok()?))
        }
        Some((body, times))
            if times.bytes().all(|b| b.is_ascii_digit()) && !body.is_empty() && body != "0" && body != "-0" =>
        {
            (body, Some(times.parse::<usize>().ok()?))
        }
        Some(("0", times)) => ("0", Some(times.parse::<usize>().ok()?)),
        _ => (token, None),
    };
    match body {
        "_" => points.extend(std::iter::repeat_n(Point::Gap, times.unwrap_or(1))),
        "stale" => {
            points.extend(std::iter::repeat_n(Point::Value(model::STALE_NAN), times.map_or(1, |times| times + 1)))
        }
        _ => {
            let (start, step) = match times {
                None => (units::float::parse(body).ok()?, 0.0),
                Some(_) => split_step(body)?,
            };
            let mut value = start;
            for _ in 0..=times.unwrap_or(0) {
                points.push(Point::Value(value));
                value += step;
            }
        }
    }
    Some(())
}

/// `1+2` and `1-2`, `1e-3+2`, or only `1`.
fn split_step(body: &str) -> Option<(f64, f64)> {
    let sign = body
        .char_indices()
        .skip(1)
        .find(|(at, c)| matches!(c, '+' | '-') && !body[..*at].ends_with(['e', 'E', '+', '-']));
    let Some((at, sign)) = sign else { return Some((units::float::parse(body).ok()?, 0.0)) };
    let step = units::float::parse(&body[at + 1..]).ok()?;
    Some((units::float::parse(&body[..at]).ok()?, if sign == '-' { -step } else { step }))
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
                    Point::Gap | Point::Histogram => -99.0,
                })
                .collect();
            assert_eq!(found, expected, "{text}");
        };
        check("5 2+3x2 _ 1x2", &[5.0, 2.0, 5.0, 8.0, -99.0, 1.0, 1.0, 1.0]);
        check("_x3 0x1 10-2x2 -1-1x1", &[-99.0, -99.0, -99.0, 0.0, 0.0, 10.0, 8.0, 6.0, -1.0, -2.0]);
        check(
            "0+10x2 1e-3+1x1 100x1 {{schema:0 sum:1}}x1",
            &[0.0, 10.0, 20.0, 0.001, 1.001, 100.0, 100.0, -99.0, -99.0],
        );
        assert!(parse("1 abc").is_err());
    }
}
