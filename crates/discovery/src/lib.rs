//! Finds targets: files, HTTP endpoints, DNS, Consul, Docker, and what listens on this machine; must not know scraping.
//!
//! [`spawn`] starts one discovery; what it knows at a moment is a [`Found`], which keeps the last good answer over
//! failures.

mod body;
mod config;
mod consul;
mod dns;
mod docker;
mod file;
mod group;
mod http;
mod local;
mod publish;
mod reader;
mod refresh;
mod runtime;
mod text;

pub use config::{
    Config, ConsulConfig, DnsConfig, DnsRecord, DockerConfig, FileConfig, HttpConfig, LocalConfig, Pinned,
};
pub use group::{Found, TargetGroup};
pub use runtime::{Context, spawn};
