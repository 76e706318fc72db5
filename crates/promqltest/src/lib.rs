//! Runs Prometheus' test scripts (`promql/promqltest` there describes the language) against our evaluator.

mod command;
mod compare;
mod points;
mod run;
mod script;

pub use run::{Failure, Outcome, run};
pub use script::ScriptError;
