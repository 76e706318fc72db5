//! Evaluating expressions.

use axum::extract::State as Extract;
use axum::response::Response;
use promql::{Answer, EvalError, Value};
use promql_syntax::Expr;

use super::answer::{ApiError, ErrorKind, raw_success};
use super::json::{write_labels, write_point, write_string};
use super::params::{Params, truncate};
use crate::State;
use crate::query::{Overrides, RunError, When};

/// Points that a series of a range query may have.
const POINTS_MAX: i64 = 11_000;

/// `/api/v1/query`
pub(crate) async fn instant(Extract(state): Extract<State>, params: Params) -> Result<Response, ApiError> {
    let limit = params.limit()?;
    let at = params.time("time")?.unwrap_or_else(|| state.now());
    let overrides = overrides(&params)?;
    let expr = expression(&params)?;
    let answer = state.queries.run(&state.storage, expr, When::Instant(at), overrides).await?;
    Ok(present(answer, limit))
}

/// `/api/v1/query_range`
pub(crate) async fn range(Extract(state): Extract<State>, params: Params) -> Result<Response, ApiError> {
    let limit = params.limit()?;
    let required = |name: &str| {
        ApiError::parameter(
            name,
            format!("cannot parse \"\" to a valid {}", if name == "step" { "duration" } else { "timestamp" }),
        )
    };
    let start = params.time("start")?.ok_or_else(|| required("start"))?;
    let end = params.time("end")?.ok_or_else(|| required("end"))?;
    if end < start {
        return Err(ApiError::parameter("end", "end timestamp must not be before start time"));
    }
    let step_ms = params.duration_ms("step")?.ok_or_else(|| required("step"))?;
    if step_ms <= 0 {
        return Err(ApiError::parameter(
            "step",
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        ));
    }
    if POINTS_MAX < (end - start) / step_ms {
        let message = "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)";
        return Err(ApiError::new(ErrorKind::BadData, message));
    }
    let overrides = overrides(&params)?;
    let expr = expression(&params)?;
    let answer = state.queries.run(&state.storage, expr, When::Range { start, end, step_ms }, overrides).await?;
    Ok(present(answer, limit))
}

fn expression(params: &Params) -> Result<Expr, ApiError> {
    promql_syntax::parse(params.first("query").unwrap_or_default()).map_err(|error| ApiError::parameter("query", error))
}

fn overrides(params: &Params) -> Result<Overrides, ApiError> {
    Ok(Overrides { timeout_ms: params.duration_ms("timeout")?, lookback_ms: params.duration_ms("lookback_delta")? })
}

impl From<RunError> for ApiError {
    fn from(error: RunError) -> Self {
        let kind = match &error {
            RunError::Eval(EvalError::Canceled) => ErrorKind::Canceled,
            RunError::Eval(EvalError::Storage(_)) | RunError::Panic(_) => ErrorKind::Internal,
            RunError::Eval(_) => ErrorKind::Execution,
            RunError::Timeout => ErrorKind::Timeout,
            RunError::Busy => ErrorKind::Unavailable,
        };
        Self::new(kind, error.to_string())
    }
}

/// The answer in Prometheus' form.
fn present(answer: Answer, limit: Option<usize>) -> Response {
    let Answer { value, mut warnings, infos, .. } = answer;
    let mut data = String::from("{\"resultType\":\"");
    match value {
        Value::Scalar { at, value } => {
            data.push_str("scalar\",\"result\":");
            write_point(&mut data, at.as_ms(), value);
        }
        Value::String { at, value } => {
            data.push_str("string\",\"result\":[");
            super::json::write_seconds(&mut data, at.as_ms());
            data.push(',');
            write_string(&mut data, &value);
            data.push(']');
        }
        Value::Vector(mut vector) => {
            warnings.extend(truncate(&mut vector, limit));
            data.push_str("vector\",\"result\":[");
            for (position, sample) in vector.iter().enumerate() {
                open_series(&mut data, position, &sample.labels);
                data.push_str(",\"value\":");
                write_point(&mut data, sample.at.as_ms(), sample.value);
                data.push('}');
            }
            data.push(']');
        }
        Value::Matrix(mut matrix) => {
            warnings.extend(truncate(&mut matrix, limit));
            data.push_str("matrix\",\"result\":[");
            for (position, series) in matrix.iter().enumerate() {
                open_series(&mut data, position, &series.labels);
                data.push_str(",\"values\":[");
                for (position, sample) in series.samples.iter().enumerate() {
                    if position != 0 {
                        data.push(',');
                    }
                    write_point(&mut data, sample.at.as_ms(), sample.value);
                }
                data.push_str("]}");
            }
            data.push(']');
        }
    }
    data.push('}');
    raw_success(&data, &warnings, &infos)
}

fn open_series(data: &mut String, position: usize, labels: &model::Labels) {
    if position != 0 {
        data.push(',');
    }
    data.push_str("{\"metric\":");
    write_labels(data, labels);
}
