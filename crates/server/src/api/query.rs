//! Evaluating expressions.

use axum::extract::State as Extract;
use axum::response::Response;
use promql::{EvalError, Value};
use promql_syntax::Expr;

use super::answer::{ApiError, ErrorKind};
use super::params::{Params, truncate};
use super::result;
use crate::State;
use crate::query::{Overrides, Ran, RunError, When};

/// Points that a series of a range query may have.
const POINTS_MAX: i64 = 11_000;

/// `/api/v1/query`
pub(crate) async fn instant(Extract(state): Extract<State>, params: Params) -> Result<Response, ApiError> {
    let limit = params.limit()?;
    let at = params.time("time")?.unwrap_or_else(|| state.now());
    let overrides = overrides(&params)?;
    let expr = expression(&params)?;
    let ran = state.queries.run(&state.storage, expr, When::Instant(at), overrides).await?;
    Ok(present(ran, params.first("query").unwrap_or_default(), limit, params.first("stats").is_some()))
}

/// `/api/v1/query_range`
pub(crate) async fn range(Extract(state): Extract<State>, params: Params) -> Result<Response, ApiError> {
    let limit = params.limit()?;
    let (start, end) = (params.required_time("start")?, params.required_time("end")?);
    if end < start {
        return Err(ApiError::parameter("end", "end timestamp must not be before start time"));
    }
    let step_ms = params.required_duration_ms("step")?;
    if step_ms <= 0 {
        return Err(ApiError::parameter(
            "step",
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        ));
    }
    if POINTS_MAX < (end - start) / step_ms {
        let message = "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)";
        return Err(ApiError::bad_data(message));
    }
    let overrides = overrides(&params)?;
    let expr = expression(&params)?;
    let ran = state.queries.run(&state.storage, expr, When::Range { start, end, step_ms }, overrides).await;
    let ran = ran.map_err(|error| match error {
        // Known before anything is evaluated: the query is at fault, not the data.
        RunError::Eval(error @ EvalError::RangeType(_)) => ApiError::parameter("query", error),
        other => other.into(),
    })?;
    Ok(present(ran, params.first("query").unwrap_or_default(), limit, params.first("stats").is_some()))
}

/// The parameter `query`.
pub(super) fn expression(params: &Params) -> Result<Expr, ApiError> {
    promql_syntax::parse(params.first("query").unwrap_or_default()).map_err(|error| ApiError::parameter("query", error))
}

fn overrides(params: &Params) -> Result<Overrides, ApiError> {
    let lookback = params.first("lookback_delta").map(super::params::parse_duration_ms).transpose();
    let lookback_ms =
        lookback.map_err(|why| ApiError::bad_data(format!("error parsing lookback delta duration: {why}")))?;
    Ok(Overrides { timeout_ms: params.duration_ms("timeout")?, lookback_ms })
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

/// The answer to `query` in Prometheus' form.
fn present(ran: Ran, query: &str, limit: Option<usize>, with_stats: bool) -> Response {
    let stats = if with_stats { stats(&ran) } else { String::new() };
    let (mut warnings, infos) = (ran.answer.warnings_in(query), ran.answer.infos_in(query));
    let mut value = ran.answer.value;
    match &mut value {
        Value::Vector(vector) => warnings.extend(truncate(vector, limit)),
        Value::Matrix(matrix) => warnings.extend(truncate(matrix, limit)),
        Value::Scalar { .. } | Value::String { .. } => {}
    }
    result::respond(value, &stats, &warnings, &infos)
}

/// `,"stats":{…}`. Parsing, sorting and evaluating are one here, and all samples of a query are in memory at once.
fn stats(ran: &Ran) -> String {
    let (evaluated_s, queued_s, samples) = (ran.evaluated_s, ran.queued_s, ran.answer.samples);
    let stats = serde_json::json!({
        "timings": {
            "evalTotalTime": evaluated_s,
            "resultSortTime": 0,
            "queryPreparationTime": 0,
            "innerEvalTime": evaluated_s,
            "execQueueTime": queued_s,
            "execTotalTime": queued_s + evaluated_s,
        },
        "samples": {"totalQueryableSamples": samples, "peakSamples": samples},
    });
    format!(",\"stats\":{stats}")
}
