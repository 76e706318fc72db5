//! Parameters of API calls: from the URL, or from a form body merged with the URL.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{Method, header};
use model::{Matcher, TimeRange, Timestamp};

use super::answer::ApiError;

/// Parameters in the order given; the body's come first, as in Go's `Request.Form`.
#[derive(Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// A moment that may be left out: Unix seconds with fraction, or RFC 3339.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let read = |text| {
            parse_time(text).map_err(|why| ApiError::parameter(name, format!("invalid time value for '{name}': {why}")))
        };
        self.first(name).map(read).transpose()
    }

    /// A moment that must be given.
    pub(crate) fn required_time(&self, name: &str) -> Result<Timestamp, ApiError> {
        parse_time(self.first(name).unwrap_or_default()).map_err(|why| ApiError::parameter(name, why))
    }

    /// A duration in milliseconds that must be given.
    pub(crate) fn required_duration_ms(&self, name: &str) -> Result<i64, ApiError> {
        parse_duration_ms(self.first(name).unwrap_or_default()).map_err(|why| ApiError::parameter(name, why))
    }

    /// A duration in milliseconds: seconds with fraction, or Prometheus' notation.
    pub(crate) fn duration_ms(&self, name: &str) -> Result<Option<i64>, ApiError> {
        self.first(name).map(|text| parse_duration_ms(text).map_err(|why| ApiError::parameter(name, why))).transpose()
    }

    /// `start` and `end`, all of time where they are missing. A range that ends before it starts holds nothing.
    pub(crate) fn range(&self) -> Result<TimeRange, ApiError> {
        let start = self.time("start")?.unwrap_or(Timestamp::MIN);
        let end = self.time("end")?.unwrap_or(Timestamp::MAX);
        Ok(TimeRange::new(start, end))
    }

    /// Every `match[]`. Each has to select something in particular.
    pub(crate) fn selectors(&self) -> Result<Vec<Vec<Matcher>>, ApiError> {
        let bad = |message: String| ApiError::bad_data(message);
        let read = |text| {
            let matchers = promql_syntax::parse_selector(text).map_err(|error| bad(error.to_string()))?;
            if matchers.iter().all(Matcher::matches_absent) {
                return Err(bad("match[] must contain at least one non-empty matcher".to_owned()));
            }
            Ok(matchers)
        };
        self.all("match[]").map(read).collect()
    }

    /// `limit`: how many results at the most, `None` for no limit.
    pub(crate) fn limit(&self) -> Result<Option<usize>, ApiError> {
        let Some(text) = self.first("limit") else { return Ok(None) };
        match text.parse::<i64>() {
            Ok(limit) if 0 <= limit => Ok(usize::try_from(limit).ok().filter(|limit| *limit != 0)),
            Ok(_) => Err(ApiError::parameter("limit", "limit must be non-negative")),
            Err(_) => Err(ApiError::parameter("limit", format!("strconv.Atoi: parsing {text:?}: invalid syntax"))),
        }
    }

    /// A truth in any of the forms that Go's `ParseBool` takes; false where it is missing.
    pub(crate) fn boolean(&self, name: &str) -> Result<bool, ApiError> {
        match self.first(name) {
            None | Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
            Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
            Some(text) => {
                let why = format!("error converting {name}: strconv.ParseBool: parsing {text:?}: invalid syntax");
                Err(ApiError::parameter(name, why))
            }
        }
    }
}

#[cfg(test)]
impl Params {
    /// From a query string.
    pub(crate) fn of(query: &str) -> Self {
        Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }
}

/// The warning that Prometheus gives when `limit` cut something.
const TRUNCATED: &str = "results truncated due to limit";

/// Cuts `items` to `limit` and says so.
pub(crate) fn truncate<T>(items: &mut Vec<T>, limit: Option<usize>) -> Vec<String> {
    match limit {
        Some(limit) if limit < items.len() => {
            items.truncate(limit);
            vec![TRUNCATED.to_owned()]
        }
        _ => Vec::new(),
    }
}

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let is_form = matches!(*request.method(), Method::POST | Method::PUT)
            && request
                .headers()
                .get(header::CONTENT_TYPE)
                .is_some_and(|value| value.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
        let mut pairs = Vec::new();
        if is_form {
            let body = Bytes::from_request(request, state)
                .await
                .map_err(|error| ApiError::bad_data(format!("error parsing form values: {error}")))?;
            pairs.extend(url::form_urlencoded::parse(&body).into_owned());
        }
        pairs.extend(url::form_urlencoded::parse(query.as_bytes()).into_owned());
        Ok(Self(pairs))
    }
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    let cannot = || format!("cannot parse {text:?} to a valid timestamp");
    if let Ok(seconds) = units::float::parse(text) {
        let ms = (seconds * 1000.0).round();
        return if ms.is_finite() && ms.abs() < 9.2e18 {
            #[expect(clippy::cast_possible_truncation, reason = "checked just above")]
            Ok(Timestamp::from_ms(ms as i64))
        } else {
            Err(cannot())
        };
    }
    text.parse::<jiff::Timestamp>().map(|at| Timestamp::from_ms(at.as_millisecond())).map_err(|_cause| cannot())
}

pub(super) fn parse_duration_ms(text: &str) -> Result<i64, String> {
    let cannot = || format!("cannot parse {text:?} to a valid duration");
    if let Ok(seconds) = units::float::parse(text) {
        let ms = seconds * 1000.0;
        return if ms.is_finite() && ms.abs() < 9.2e15 {
            #[expect(clippy::cast_possible_truncation, reason = "checked just above")]
            Ok(ms as i64)
        } else {
            Err(format!("{}. It overflows int64", cannot()))
        };
    }
    units::duration::parse_ms(text).map_err(|_cause| cannot())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_or_rfc3339() {
        for (text, expected) in [
            ("1435781430.781", Some(1_435_781_430_781)),
            ("2015-07-01T20:10:30.781Z", Some(1_435_781_430_781)),
            ("2015-07-01T22:10:30.781+02:00", Some(1_435_781_430_781)),
            ("-1", Some(-1_000)),
            ("yesterday", None),
            ("NaN", None),
            ("+Inf", None),
        ] {
            assert_eq!(parse_time(text).ok().map(Timestamp::as_ms), expected, "{text}");
        }
    }

    #[test]
    fn durations_are_seconds_or_prometheus_notation() {
        for (text, expected) in [("15", Some(15_000)), ("0.5", Some(500)), ("1h30m", Some(5_400_000)), ("x", None)] {
            assert_eq!(parse_duration_ms(text).ok(), expected, "{text}");
        }
    }
}
