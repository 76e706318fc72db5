//! GPU metrics under DCGM's names, sampled through NVML on a thread of its own; must not know scrape.
//!
//! A call into the driver can take seconds or never return, so nobody who wants metrics waits for one: the sampler's thread
//! publishes what it read, and readers take the newest.

mod families;
mod reading;
mod sampler;

pub use sampler::{Config, Sampler};
