//! Runs Prometheus' test scripts (`promql/promqltest` there describes the language) against our evaluator.

mod classic;
mod command;
mod compare;
mod histogram;
mod points;
mod run;
mod script;
mod store;
mod variants;

pub use run::{Failure, Outcome, run};
pub use script::ScriptError;
