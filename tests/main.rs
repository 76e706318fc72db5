//! Pitwall as its users see it: the program is started, asked over HTTP, killed and started again.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod alert_to_email;
mod architecture;
mod browser;
mod cases;
mod crash;
mod first_start;
mod listeners;
mod program;
