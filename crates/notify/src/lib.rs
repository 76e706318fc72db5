//! Receivers: what turns a notification into a mail; must not know rules.

mod email;
mod render;
mod runner;

pub use email::{EmailConfig, SendError};
pub use render::{Rendered, render};
pub use runner::{Delivery, Journal, JournalError, ReceiverConfig, Runner, RunnerConfig};
