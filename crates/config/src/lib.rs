//! YAML to each subsystem's own plain config type; no subsystem names it.

mod problem;
mod section;
mod yaml;

pub use problem::{Problem, Severity};
pub use yaml::Place;
