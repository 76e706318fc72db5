//! What pages show: plain values and their templates in `web/templates`. Knows no state and no queries.

pub(crate) mod alerts;
pub(crate) mod error;
pub(crate) mod explore;
pub(crate) mod home;
pub(crate) mod parts;
pub(crate) mod rules;
pub(crate) mod shell;
pub(crate) mod status;
pub(crate) mod targets;
#[cfg(test)]
mod tests;
pub(crate) mod time;
