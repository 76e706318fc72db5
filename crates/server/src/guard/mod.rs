//! What every request passes before it reaches a handler.

pub(crate) mod cross_site;
pub(crate) mod headers;
pub(crate) mod host;
