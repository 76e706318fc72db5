//! Finds targets: files, HTTP endpoints, DNS, Consul, Docker, and what listens on this machine; must not know scraping.

mod config;
mod group;

pub use config::{Config, ConsulConfig, DnsConfig, DnsRecord, DockerConfig, FileConfig, HttpConfig, LocalConfig};
pub use group::{Found, TargetGroup};
