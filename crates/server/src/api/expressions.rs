//! What an expression is: printed nicely, and as a tree.

use axum::response::Response;

use super::answer::{ApiError, success};
use super::params::Params;
use super::{query, tree};

/// `/api/v1/format_query`
pub(crate) async fn format(params: Params) -> Result<Response, ApiError> {
    Ok(success(&promql_syntax::pretty(&query::expression(&params)?)))
}

/// `/api/v1/parse_query`
pub(crate) async fn parse(params: Params) -> Result<Response, ApiError> {
    Ok(success(&tree::of(&query::expression(&params)?)))
}
