//! Target pools and scrape loops; must not know tsdb.
//!
//! One scrape is six steps: fetch (IO), parse, reconcile with the previous scrape (pure), append (one transaction), report.

mod cache;
mod config;
mod explain;
mod fetch;
mod machine;
mod manager;
mod pool;
mod populate;
mod raw_page;
mod scrape_loop;
mod scrape_task;
mod source;
mod status;
mod target;
mod ticks;

pub use config::{DROPPED_TARGETS_KEPT, Limits, NameValidation, ScrapeConfig, StaticGroup};
pub use explain::{Explained, ExplainedOutcome, explain_target};
pub use machine::Machine;
pub use manager::{ApplyError, Manager};
pub use source::{BuiltIn, Program};
pub use status::{DroppedTarget, Health, PoolStatus, RAW_PAGE_BYTES_MAX, RawPage, ServedBy, TargetStatus};
