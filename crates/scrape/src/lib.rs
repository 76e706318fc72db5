//! Target pools and scrape loops; must not know tsdb.
//!
//! One scrape is six steps: fetch (IO), parse, reconcile with the previous scrape (pure), append (one transaction), report.

mod cache;
mod config;
mod fetch;
mod manager;
mod scrape_loop;
mod source;
mod status;
mod target;

pub use config::{DROPPED_TARGETS_KEPT, Limits, NameValidation, ScrapeConfig, StaticGroup};
pub use manager::{ApplyError, Manager};
pub use source::BuiltIn;
pub use status::{Health, TargetStatus};
