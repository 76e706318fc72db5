//! Why an expression has no answer. The texts are Prometheus'.

use storage::QueryError;
use thiserror::Error;

/// Why an expression has no answer.
#[derive(Debug, Error)]
pub enum EvalError {
    /// The data or the arguments do not allow one.
    #[error("{0}")]
    Execution(String),
    /// The expression gives neither numbers nor instant vectors.
    #[error("invalid expression type {0:?} for range query, must be Scalar or instant Vector")]
    RangeType(&'static str),
    /// Part of the language that is not evaluated yet.
    #[error("{0} is not supported yet")]
    Unsupported(String),
    /// The query would load more samples than it may.
    #[error("query processing would load too many samples into memory in query execution")]
    TooManySamples,
    /// A query or subquery has more steps than it may.
    #[error("the query has {0} steps, at most {max} are allowed", max = crate::STEPS_MAX)]
    TooManySteps(usize),
    /// Somebody ended the evaluation.
    #[error("query was canceled in query execution")]
    Canceled,
    /// The store failed.
    #[error("{0}")]
    Storage(QueryError),
}

impl From<QueryError> for EvalError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::TooManySamples => Self::TooManySamples,
            other => Self::Storage(other),
        }
    }
}

/// An execution error with this text.
pub(crate) fn fail<T>(message: impl Into<String>) -> Result<T, EvalError> {
    Err(EvalError::Execution(message.into()))
}
