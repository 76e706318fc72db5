//! The latest samples as an exposition, for another Prometheus to scrape.

use axum::extract::State as Extract;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::{
    Labels, METRIC_NAME, Matcher, TimeRange, Timestamp, is_legacy_label_name, is_legacy_metric_name, is_stale,
};
use storage::{QueryError, Queryable, Select};

use super::params::Params;
use crate::State;

/// How names that the classic format cannot say are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    /// In quotes, for those who ask for it.
    Utf8,
    /// With underscores for what is not allowed.
    Underscores,
}

/// `/federate`
///
/// Native histograms have no form in the text and are left out, as in Prometheus.
pub(crate) async fn federate(Extract(state): Extract<State>, headers: HeaderMap, params: Params) -> Response {
    let selectors: Result<Vec<_>, _> = params.all("match[]").map(promql_syntax::parse_selector).collect();
    let selectors = match selectors {
        Ok(selectors) => selectors,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let names = if accept.contains("escaping=allow-utf-8") { Names::Utf8 } else { Names::Underscores };
    let (lookback_ms, samples_max) = (state.queries.lookback_ms(), state.queries.samples_max());
    let external = state.facts.configuration.load().external_labels.clone();
    let now = state.now();
    let range = TimeRange::new(now - (lookback_ms - 1), now);
    match state.read(move |storage| latest(storage, &selectors, range, samples_max)).await {
        Ok(samples) => {
            let escaping = if names == Names::Utf8 { "allow-utf-8" } else { "underscores" };
            let kind = format!("text/plain; version=0.0.4; charset=utf-8; escaping={escaping}");
            ([(header::CONTENT_TYPE, kind)], write(&samples, &external, names)).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

/// The last sample of every selected series that has not ended, by name and labels.
fn latest(
    storage: &dyn Queryable,
    selectors: &[Vec<Matcher>],
    range: TimeRange,
    samples_max: usize,
) -> Result<Vec<(Labels, Timestamp, f64)>, QueryError> {
    let mut found = Vec::new();
    for matchers in selectors {
        let select = Select { matchers, range, step_ms: 0, function: "", samples_max };
        for series in storage.select(&select)? {
            let (Some(at_ms), Some(value)) = (series.timestamps_ms.last(), series.values.last()) else { continue };
            if !is_stale(*value) && !series.labels.metric_name().is_empty() {
                found.push((series.labels, Timestamp::from_ms(*at_ms), *value));
            }
        }
    }
    found.sort_by(|(a, ..), (b, ..)| a.metric_name().cmp(b.metric_name()).then_with(|| a.cmp(b)));
    found.dedup_by(|(a, ..), (b, ..)| a == b);
    Ok(found)
}

fn write(samples: &[(Labels, Timestamp, f64)], external: &Labels, names: Names) -> String {
    let mut out = String::new();
    let mut last_name = None;
    for (labels, at, value) in samples {
        let name = labels.metric_name();
        if last_name != Some(name) {
            out.push_str(&format!("# TYPE {} untyped\n", metric_word(name, names)));
            last_name = Some(name);
        }
        let own = labels.iter().filter(|(label, _)| *label != METRIC_NAME);
        let added = external.iter().filter(|(label, _)| labels.get(label).is_none());
        let mut parts: Vec<String> =
            own.chain(added).map(|(label, value)| format!("{}={}", label_word(label, names), quoted(value))).collect();
        // Whoever scrapes this must not take its own target's instance for the series' own.
        if labels.get("instance").is_none() && external.get("instance").is_none() {
            parts.push("instance=\"\"".to_owned());
        }
        let word = metric_word(name, names);
        if word.starts_with('"') {
            parts.insert(0, word);
        } else {
            out.push_str(&word);
        }
        let value = units::float::shortest_g(*value);
        out.push_str(&format!("{{{}}} {value} {}\n", parts.join(","), at.as_ms()));
    }
    out
}

fn metric_word(name: &str, names: Names) -> String {
    match names {
        _ if is_legacy_metric_name(name) => name.to_owned(),
        Names::Utf8 => quoted(name),
        Names::Underscores => underscored(name, |c| c == ':'),
    }
}

fn label_word(name: &str, names: Names) -> String {
    match names {
        _ if is_legacy_label_name(name) => name.to_owned(),
        Names::Utf8 => quoted(name),
        Names::Underscores => underscored(name, |_| false),
    }
}

/// An underscore for each character that a classic name cannot have at its place.
fn underscored(name: &str, also: impl Fn(char) -> bool) -> String {
    let legal = |(position, c): (usize, char)| {
        let fits = c.is_ascii_alphabetic() || c == '_' || also(c) || (0 < position && c.is_ascii_digit());
        if fits { c } else { '_' }
    };
    name.chars().enumerate().map(legal).collect()
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use model::STALE_NAN;
    use storage::MemoryStorage;

    use super::*;

    fn page(selector: &str, external: &[(&str, &str)], names: Names) -> String {
        let storage = MemoryStorage::new();
        let push = |pairs: &[(&str, &str)], samples: &[(i64, f64)]| {
            storage.push(&Labels::from_pairs(pairs.iter().copied()), samples.iter().copied());
        };
        push(&[("__name__", "up"), ("instance", "a:1"), ("job", "x")], &[(1_000, 0.0), (2_000, 1.0)]);
        push(&[("__name__", "up"), ("instance", "b:1"), ("job", "x")], &[(2_000, f64::from_bits(STALE_NAN.to_bits()))]);
        push(&[("__name__", "job:up:sum"), ("job", "x")], &[(2_000, 0.25)]);
        push(&[("__name__", "a.b"), ("l\u{e9}", "q\"\n")], &[(2_000, f64::INFINITY)]);
        let matchers = promql_syntax::parse_selector(selector).expect(selector);
        let range = TimeRange::new(Timestamp::from_ms(0), Timestamp::from_ms(3_000));
        // Given twice, a selector still gives each series once.
        let samples = latest(&storage, &[matchers.clone(), matchers], range, 100).expect("in memory");
        write(&samples, &Labels::from_pairs(external.iter().copied()), names)
    }

    #[test]
    fn the_latest_samples_are_written_as_prometheus_writes_them() {
        let check = |selector: &str, external: &[(&str, &str)], names, expected: &str| {
            assert_eq!(page(selector, external, names), expected, "{selector}");
        };
        let up = "# TYPE up untyped\nup{instance=\"a:1\",job=\"x\",box=\"g\"} 1 2000\n";
        check("up", &[("box", "g"), ("job", "no")], Names::Utf8, up);
        let sum = "# TYPE job:up:sum untyped\njob:up:sum{job=\"x\",instance=\"\"} 0.25 2000\n";
        check("{__name__=~\"job:.*\"}", &[], Names::Underscores, sum);
        let quoted = "# TYPE \"a.b\" untyped\n{\"a.b\",\"l\u{e9}\"=\"q\\\"\\n\",instance=\"\"} +Inf 2000\n";
        check("{\"a.b\"}", &[], Names::Utf8, quoted);
        let escaped = "# TYPE a_b untyped\na_b{l_=\"q\\\"\\n\",instance=\"\"} +Inf 2000\n";
        check("{\"a.b\"}", &[], Names::Underscores, escaped);
        check("nothing", &[], Names::Utf8, "");
    }
}
