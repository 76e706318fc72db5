//! Examples of what was counted.

use axum::extract::State as Extract;
use axum::response::Response;
use model::Matcher;
use promql_syntax::{Expr, ExprKind};
use storage::SeriesExemplars;

use super::answer::{ApiError, raw_success};
use super::json::{write_labels, write_seconds};
use super::params::Params;
use crate::State;

/// `/api/v1/query_exemplars`: the exemplars of all series that the expression selects anywhere.
pub(crate) async fn query(Extract(state): Extract<State>, params: Params) -> Result<Response, ApiError> {
    let range = params.range()?;
    if range.end < range.start {
        return Err(ApiError::bad_data("end timestamp must not be before start timestamp"));
    }
    let expr = promql_syntax::parse(params.first("query").unwrap_or_default())
        .map_err(|error| ApiError::bad_data(error.to_string()))?;
    let mut selectors = Vec::new();
    collect_selectors(&expr, &mut selectors);
    // Without a selector a store would give all exemplars.
    let found = match selectors.is_empty() {
        true => Vec::new(),
        false => state.read(move |storage| storage.exemplars(&selectors, range)).await?,
    };
    Ok(raw_success(&present(&found), &[], &[]))
}

fn collect_selectors(expr: &Expr, found: &mut Vec<Vec<Matcher>>) {
    match &expr.kind {
        ExprKind::Vector(selector) => found.push(selector.matchers.clone()),
        ExprKind::Matrix(matrix) => found.push(matrix.selector.matchers.clone()),
        _ => expr.children().into_iter().for_each(|child| collect_selectors(child, found)),
    }
}

fn present(found: &[SeriesExemplars]) -> String {
    let mut data = String::from("[");
    for (position, series) in found.iter().enumerate() {
        data.push_str(if position == 0 { "{\"seriesLabels\":" } else { ",{\"seriesLabels\":" });
        write_labels(&mut data, &series.labels);
        data.push_str(",\"exemplars\":[");
        for (position, exemplar) in series.exemplars.iter().enumerate() {
            data.push_str(if position == 0 { "{\"labels\":" } else { ",{\"labels\":" });
            write_labels(&mut data, &exemplar.labels);
            data.push_str(",\"value\":\"");
            units::float::write_api_value(&mut data, exemplar.value);
            data.push_str("\",\"timestamp\":");
            write_seconds(&mut data, exemplar.at.as_ms());
            data.push('}');
        }
        data.push_str("]}");
    }
    data.push(']');
    data
}

#[cfg(test)]
mod tests {
    use model::{Exemplar, Labels, Timestamp};

    use super::*;

    #[test]
    fn exemplars_are_written_as_prometheus_writes_them() {
        let exemplar = |id: &str, value, at_ms| Exemplar {
            labels: Labels::from_pairs([("trace_id", id)]),
            value,
            at: Timestamp::from_ms(at_ms),
        };
        let series = SeriesExemplars {
            labels: Labels::from_pairs([("__name__", "hits_total"), ("job", "a")]),
            exemplars: vec![exemplar("x", 6.0, 1_600_096_945_479), exemplar("y", 0.5, 1_600_096_955_000)],
        };
        let expected = concat!(
            r#"[{"seriesLabels":{"__name__":"hits_total","job":"a"},"exemplars":["#,
            r#"{"labels":{"trace_id":"x"},"value":"6","timestamp":1600096945.479},"#,
            r#"{"labels":{"trace_id":"y"},"value":"0.5","timestamp":1600096955}]}]"#
        );
        assert_eq!(present(&[series]), expected);
        assert_eq!(present(&[]), "[]");
    }

    #[test]
    fn every_selector_of_an_expression_counts() {
        let check = |query: &str, expected: &[&str]| {
            let mut found = Vec::new();
            collect_selectors(&promql_syntax::parse(query).expect(query), &mut found);
            let values: Vec<&str> = found.iter().filter_map(|set| set.last()).map(Matcher::value).collect();
            assert_eq!(values, expected, "{query}");
        };
        check("1 + 1", &[]);
        check("sum(rate(a[5m])) / max_over_time(b[5m:1m])", &["a", "b"]);
    }
}
