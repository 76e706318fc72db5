//! Rewrites label sets by rules (`relabel_config`); must not know whose labels they are.
//!
//! The semantics are those of Prometheus' `model/relabel`.

mod config;
mod explain;
mod process;
mod show;

pub use config::{Action, Config, ConfigError, Pattern};
pub use explain::{Step, explain};
pub use process::process;
