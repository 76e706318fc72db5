//! What its author may have meant, where a file is wrong.

use crate::schema::{Kind, Schema, State};
use crate::yaml::{Place, Value};

/// How far below a section a key is looked for.
const DEPTH_MAX: usize = 6;

/// A section with no more keys than this has them named where one is unknown.
const KEYS_NAMED_MAX: usize = 6;

/// The known key that a typing error away from `key`, if there is one near enough.
pub(crate) fn nearest<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = key.len() / 4 + 1;
    let scored = known.iter().map(|candidate| (distance(key, candidate), *candidate));
    scored.filter(|(distance, _)| *distance <= near).min().map(|(_, candidate)| candidate)
}

/// Levenshtein's distance in bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// What to do about a key that `section` does not have in a file of the form `file`, as the end of a sentence.
pub(crate) fn unknown_key(key: &str, section: &'static Schema, file: &'static Schema) -> String {
    let known: Vec<&str> =
        section.keys().filter(|row| !matches!(row.state, State::Refused(_))).map(|row| row.name).collect();
    // The same word elsewhere says more than another word here, unless it is only a slip of the finger.
    if let Some(known) = nearest(key, &known).filter(|known| distance(key, known) <= 2) {
        return format!("; did you mean {known:?}?");
    }
    if let Some(path) = find(key, section, DEPTH_MAX).or_else(|| find(key, file, DEPTH_MAX)) {
        return format!("; {key:?} belongs under {path}");
    }
    if let Some(known) = nearest(key, &known) {
        return format!("; did you mean {known:?}?");
    }
    if known.len() <= KEYS_NAMED_MAX { format!("; there are {}", known.join(", ")) } else { String::new() }
}

/// The path of the section nearest to `from`, below it, that has `key`.
fn find(key: &str, from: &'static Schema, depth_max: usize) -> Option<String> {
    let mut level: Vec<(String, &'static Schema)> = vec![(String::new(), from)];
    for depth in 0..depth_max {
        if let Some((path, _)) = level.iter().find(|(path, schema)| {
            let there = schema.key(key).is_some_and(|row| matches!(row.state, State::Active));
            there && (0 < depth || !path.is_empty())
        }) {
            return Some(path.clone());
        }
        if depth == 0 && level.iter().any(|(_, schema)| schema.key(key).is_some()) {
            return Some("the top level of the file".to_owned());
        }
        level = level.into_iter().flat_map(|(path, schema)| below(&path, schema)).collect();
    }
    None
}

/// The sections directly below one. What is inactive is no place to send anybody.
fn below(path: &str, schema: &'static Schema) -> Vec<(String, &'static Schema)> {
    let rows = schema.keys().filter(|row| row.state == State::Active);
    rows.filter_map(|row| {
        let inner = row.kind.schema()?;
        let mark = if matches!(row.kind, Kind::Section(_)) { "" } else { "[]" };
        let dot = if path.is_empty() { "" } else { "." };
        Some((format!("{path}{dot}{}{mark}", row.name), inner))
    })
    .collect()
}

/// How to write a value that has another shape than `expected`.
pub(crate) fn shape(expected: &str, found: &Value) -> Option<&'static str> {
    match (expected, found) {
        ("a list", Value::Mapping(_)) => Some("put `- ` before its first key"),
        ("a list", Value::Scalar(_)) => Some("write [...] around it, or `- ` before it"),
        ("a mapping", Value::Sequence(_)) => Some("leave out the `- ` before its keys"),
        ("a mapping", Value::Scalar(text)) if text.contains(':') && !text.contains(": ") => {
            Some("a mapping is KEY: VALUE, with a space after the colon")
        }
        ("a mapping", Value::Scalar(_)) => Some("a mapping is KEY: VALUE"),
        _ => None,
    }
}

/// What to do about a text that is no duration, as the end of a sentence.
pub(crate) fn duration(text: &str) -> String {
    let spaceless: String = text.to_lowercase().split_whitespace().collect();
    let digits = spaceless.len() - spaceless.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, word) = spaceless.split_at(digits);
    let unit = match word {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "ms" | "millisecond" | "milliseconds" => "ms",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hour" | "hours" | "hr" => "h",
        "d" | "day" | "days" => "d",
        _ => return String::new(),
    };
    if number.is_empty() { String::new() } else { format!("; did you mean {number}{unit}?") }
}

/// What to do about a text that is no YAML, from the line where that was seen.
pub(crate) fn syntax(text: &str, place: Place) -> Option<&'static str> {
    let number = usize::try_from(place.line).ok()?.checked_sub(1)?;
    let indented_by_tab = |line: &str| line.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t');
    // The parser may notice only at the next token.
    let mut near = text.lines().skip(number.saturating_sub(1)).take(3);
    if near.any(indented_by_tab) {
        return Some("a tab indents a line here; YAML takes spaces only");
    }
    let line = text.lines().nth(number)?;
    let value = line.trim_start().trim_start_matches("- ");
    let value = value.split_once(": ").map_or(value, |(_, value)| value).trim_start();
    // A tag that somebody knew how to write.
    if value.starts_with("!!") {
        return None;
    }
    match value.chars().next()? {
        '*' | '&' | '!' | '%' | '@' | '`' | '{' | '[' => {
            Some("a text that begins with one of * & ! % @ ` { [ must stand in quotes")
        }
        _ if value.contains(": ") && !value.starts_with(['"', '\'']) => {
            Some("a text that holds \": \" must stand in quotes")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::{PROMETHEUS, scrape};

    #[test]
    fn near_misses_are_named() {
        let known = ["scrape_interval", "scrape_timeout", "job_name"];
        for (key, expected) in [
            ("scrape_intervall", Some("scrape_interval")),
            ("jobname", Some("job_name")),
            ("scrape_timout", Some("scrape_timeout")),
            ("colour", None),
        ] {
            assert_eq!(nearest(key, &known), expected);
        }
    }

    #[test]
    fn keys_are_sent_where_they_belong() {
        for (key, section, expected) in [
            ("targets", &scrape::JOB, "; \"targets\" belongs under static_configs[]"),
            ("job_name", &PROMETHEUS, "; \"job_name\" belongs under scrape_configs[]"),
            ("scrape_configs", &scrape::JOB, "; \"scrape_configs\" belongs under the top level of the file"),
            ("password", &scrape::JOB, "; \"password\" belongs under basic_auth"),
            ("consult_sd_configs", &scrape::JOB, "; did you mean \"consul_sd_configs\"?"),
            ("colour", &scrape::JOB, ""),
        ] {
            assert_eq!(unknown_key(key, section, &PROMETHEUS), expected);
        }
    }

    #[test]
    fn durations_get_a_unit() {
        for (text, expected) in [
            ("15", "; did you mean 15s?"),
            ("5 minutes", "; did you mean 5m?"),
            ("1H", "; did you mean 1h?"),
            ("soon", ""),
            ("-1h", ""),
        ] {
            assert_eq!(duration(text), expected, "{text}");
        }
    }
}
