//! The scrape manager against real servers, good and bad.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod bench;
mod fault_server;
mod faults;
mod manager;
mod replaced;
