//! Target pools and scrape loops; must not know tsdb.
//!
//! One scrape is six steps: fetch (IO), parse, reconcile with the previous scrape (pure), append (one transaction), report.

mod advice;
mod batches;
mod body;
mod cache;
mod classic_to_native;
mod common;
mod config;
mod crew;
mod explain;
mod failure_log;
mod fetch;
mod finders;
mod hint;
mod job;
mod machine;
mod manager;
mod native;
mod own_metrics;
mod page_metadata;
mod pool;
mod populate;
mod probe;
mod raw_page;
mod reading;
mod relief;
mod report;
mod scrape_loop;
mod scrape_task;
mod series_rules;
mod source;
mod stand_in;
mod status;
mod target;
mod ticks;
mod view;

pub use config::{DROPPED_TARGETS_KEPT, Limits, NameValidation, ScrapeConfig, StaticGroup};
pub use explain::{Explained, ExplainedOutcome, explain_target};
pub use job::ApplyError;
pub use machine::Machine;
pub use manager::Manager;
pub use page_metadata::PageMetadata;
pub use source::{BuiltIn, Program};
pub use status::{DroppedTarget, Health, PoolStatus, RAW_PAGE_BYTES_MAX, RawPage, ServedBy, TargetStatus};
