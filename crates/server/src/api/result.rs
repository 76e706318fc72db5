//! A query's answer as a body, written piece by piece as the client takes it: a range answer may be hundreds of
//! megabytes of text, and a client that reads slowly must cost no more memory than the answer itself.

use std::convert::Infallible;
use std::vec::IntoIter;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use model::Labels;
use promql::{MatrixSeries, Value, VectorSample};

use super::answer::{close_success, open_success};
use super::json::{write_histogram_point, write_labels, write_point, write_seconds, write_string};

/// A piece is handed on when it has this many bytes; one series more may be in it.
const PIECE_BYTES: usize = 64 << 10;

/// `{"status":"success","data":{"resultType":…,"result":…}}`; `stats` is a further entry of the data, with its comma.
pub(super) fn respond(value: Value, stats: &str, warnings: &[String], infos: &[String]) -> Response {
    let mut pieces = Pieces::new(value, stats, warnings, infos);
    let first = pieces.next().unwrap_or_default();
    let body = match pieces.tail {
        // All of it: then its length can be said.
        None => Body::from(first),
        Some(_) => Body::from_stream(stream::iter(std::iter::once(first).chain(pieces).map(Ok::<_, Infallible>))),
    };
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The series that are still to be written.
enum Rest {
    Nothing,
    Vector(IntoIter<VectorSample>),
    Matrix(IntoIter<MatrixSeries>),
}

/// The body, a piece at a time. A series' memory goes when it is written.
struct Pieces {
    /// What is written and not yet handed on.
    text: String,
    rest: Rest,
    /// Whether a series was written, so that the next one needs a comma.
    begun: bool,
    /// What follows the last series; nothing once it is written.
    tail: Option<String>,
}

impl Pieces {
    fn new(value: Value, stats: &str, warnings: &[String], infos: &[String]) -> Self {
        let mut text = open_success();
        text.push_str("{\"resultType\":\"");
        let (rest, end) = match value {
            Value::Scalar { at, value } => {
                text.push_str("scalar\",\"result\":");
                write_point(&mut text, at.as_ms(), value);
                (Rest::Nothing, "")
            }
            Value::String { at, value } => {
                text.push_str("string\",\"result\":[");
                write_seconds(&mut text, at.as_ms());
                text.push(',');
                write_string(&mut text, &value);
                (Rest::Nothing, "]")
            }
            Value::Vector(vector) => {
                text.push_str("vector\",\"result\":[");
                (Rest::Vector(vector.into_iter()), "]")
            }
            Value::Matrix(matrix) => {
                text.push_str("matrix\",\"result\":[");
                (Rest::Matrix(matrix.into_iter()), "]")
            }
        };
        let mut tail = format!("{end}{stats}}}");
        close_success(&mut tail, warnings, infos);
        Self { text, rest, begun: false, tail: Some(tail) }
    }

    /// Writes one series; false if there is none left.
    fn write_series(&mut self) -> bool {
        let text = &mut self.text;
        let begun = std::mem::replace(&mut self.begun, true);
        match &mut self.rest {
            Rest::Nothing => return false,
            Rest::Vector(rest) => {
                let Some(sample) = rest.next() else { return false };
                open_series(text, begun, &sample.labels);
                if let Some(histogram) = &sample.histogram {
                    text.push_str(",\"histogram\":");
                    write_histogram_point(text, sample.at.as_ms(), histogram);
                } else {
                    text.push_str(",\"value\":");
                    write_point(text, sample.at.as_ms(), sample.value);
                }
            }
            Rest::Matrix(rest) => {
                let Some(series) = rest.next() else { return false };
                open_series(text, begun, &series.labels);
                write_list(text, "values", series.samples.iter(), |text, sample| {
                    write_point(text, sample.at.as_ms(), sample.value);
                });
                write_list(text, "histograms", series.histograms.iter(), |text, (at, histogram)| {
                    write_histogram_point(text, at.as_ms(), histogram);
                });
            }
        }
        text.push('}');
        true
    }
}

impl Iterator for Pieces {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        self.tail.as_ref()?;
        while self.text.len() < PIECE_BYTES {
            if !self.write_series() {
                self.text.push_str(&self.tail.take().unwrap_or_default());
                break;
            }
        }
        Some(Bytes::from(std::mem::take(&mut self.text)))
    }
}

fn open_series(text: &mut String, begun: bool, labels: &Labels) {
    text.push_str(if begun { ",{\"metric\":" } else { "{\"metric\":" });
    write_labels(text, labels);
}

/// `,"name":[…]`, or nothing if there are no items.
fn write_list<T>(
    text: &mut String,
    name: &str,
    items: impl ExactSizeIterator<Item = T>,
    write: impl Fn(&mut String, T),
) {
    if items.len() == 0 {
        return;
    }
    text.push_str(&format!(",\"{name}\":["));
    for (position, item) in items.enumerate() {
        if position != 0 {
            text.push(',');
        }
        write(text, item);
    }
    text.push(']');
}

#[cfg(test)]
mod tests {
    use model::{Sample, Timestamp};
    use serde_json::json;

    use super::*;

    fn matrix(series: usize, samples: i64) -> Value {
        let of = |index: usize| MatrixSeries {
            labels: Labels::from_pairs([("i", index.to_string())]),
            samples: (0..samples).map(|at| Sample { at: Timestamp::from_ms(at), value: 0.5 }).collect(),
            histograms: Vec::new(),
        };
        Value::Matrix((0..series).map(of).collect())
    }

    #[test]
    fn pieces_make_one_json_however_long_it_is() {
        for (series, samples, pieces_min) in [(0, 0, 1), (1, 1, 1), (3, 4_000, 1), (40, 4_000, 20)] {
            let pieces: Vec<Bytes> = Pieces::new(matrix(series, samples), "", &[], &[]).collect();
            assert!(pieces_min <= pieces.len(), "{series} x {samples}: {} pieces", pieces.len());
            let read: serde_json::Value = serde_json::from_slice(&pieces.concat()).expect("JSON");
            let result = read["data"]["result"].as_array().expect("a list");
            assert_eq!(result.len(), series);
            let counted: usize = result.iter().filter_map(|one| one["values"].as_array()).map(Vec::len).sum();
            assert_eq!(counted, series * usize::try_from(samples).expect("a count"));
        }
    }

    #[test]
    fn everything_around_the_series_is_there() {
        let text = |value, stats: &str, warnings: &[String]| {
            let pieces: Vec<Bytes> = Pieces::new(value, stats, warnings, &["i".to_owned()]).collect();
            serde_json::from_slice::<serde_json::Value>(&pieces.concat()).expect("JSON")
        };
        let at = Timestamp::from_ms(1_500);
        let found = text(Value::String { at, value: "a\"".to_owned() }, ",\"stats\":{}", &["w".to_owned()]);
        let data = json!({"resultType": "string", "result": [1.5, "a\""], "stats": {}});
        assert_eq!(found, json!({"status": "success", "data": data, "warnings": ["w"], "infos": ["i"]}));
        let found = text(Value::Scalar { at, value: 2.0 }, "", &[]);
        let data = json!({"resultType": "scalar", "result": [1.5, "2"]});
        assert_eq!(found, json!({"status": "success", "data": data, "infos": ["i"]}));
    }
}
