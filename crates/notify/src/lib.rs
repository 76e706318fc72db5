//! Receivers: what turns a notification into a mail and sends it, and the loop that does so in time; must not know rules.

mod delivery;
mod email_config;
mod journal;
mod message;
mod render;
mod retry;
mod runner;
mod smtp;

pub use delivery::Delivery;
pub use email_config::{EmailConfig, ReceiverConfig};
pub use journal::{Journal, JournalError};
pub use render::{Rendered, render};
pub use runner::{Runner, RunnerConfig};
pub use smtp::{SendError, send};
