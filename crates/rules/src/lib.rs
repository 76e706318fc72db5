//! Rule groups and the alert state machine; must not know notify.
//!
//! `alerting_rule.rs` and `recording_rule.rs` are pure: a vector and a moment in, samples and alerts out. `group.rs`
//! evaluates a group's rules in order; `manager.rs` owns the loops.

mod alerting_rule;
mod config;
mod group;
mod manager;
mod recording_rule;
mod status;
mod template;

pub use config::{GroupConfig, RuleConfig, Settings};
pub use manager::{Manager, ManagerConfig, Sink};
pub use status::{ActiveAlert, AlertState, GroupStatus, RuleHealth, RuleKind, RuleStatus};
pub use template::check_template;
