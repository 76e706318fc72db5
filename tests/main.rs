//! Pitwall as its users see it: the program is started, asked over HTTP, killed and started again.

mod alert_to_email;
mod architecture;
mod browser;
mod crash;
mod first_start;
mod program;
