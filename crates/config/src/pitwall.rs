//! Pitwall's own file: what the replaced programs' files have no word for.
//!
//! ```yaml
//! collectors:
//!   interval: 5s   # of the built-in collectors
//!   host: true
//!   gpu: true
//! discovery:
//!   enabled: true  # of what listens on this machine
//!   ignore: ['127.0.0.1:8080']
//! listen:          # where other tools look for the replaced programs
//!   prometheus: 127.0.0.1:9090
//!   alertmanager: 127.0.0.1:9093
//!   node_exporter: 127.0.0.1:9100
//!   dcgm_exporter: 127.0.0.1:9400
//! storage:
//!   retention: 14d # of raw samples; a flag goes before it, prometheus.yml after it
//! ```

use std::net::SocketAddr;
use std::path::Path;

use crate::section::{Field, Findings};
use crate::tables::pitwall::PITWALL;
use crate::{Loaded, walk};

/// What Pitwall's own file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pitwall {
    /// How often the built-in collectors are asked, in milliseconds.
    pub collect_interval_ms: i64,
    /// Whether host metrics are collected.
    pub host: bool,
    /// Whether GPU metrics are collected.
    pub gpu: bool,
    /// How long raw samples are kept in milliseconds, if the file says so.
    pub retention_ms: Option<i64>,
    /// Whether model servers and exporters on this machine are found without being configured.
    pub discovery_enabled: bool,
    /// Addresses (`HOST:PORT`) at which nothing is to be found.
    pub discovery_ignored: Vec<String>,
    /// Further listeners.
    pub listen: Listen,
}

/// Addresses at which other tools find what they expect there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listen {
    /// Prometheus' pages and API, usually at 9090.
    pub prometheus: Option<SocketAddr>,
    /// Alertmanager's API, usually at 9093.
    pub alertmanager: Option<SocketAddr>,
    /// node_exporter's page, usually at 9100.
    pub node_exporter: Option<SocketAddr>,
    /// dcgm-exporter's page, usually at 9400.
    pub dcgm_exporter: Option<SocketAddr>,
}

/// What holds without a file.
impl Default for Pitwall {
    fn default() -> Self {
        Self {
            collect_interval_ms: 5_000,
            host: true,
            gpu: true,
            retention_ms: None,
            discovery_enabled: true,
            discovery_ignored: Vec::new(),
            listen: Listen::default(),
        }
    }
}

/// Reads `path`. With any error among the problems the value must not be used.
pub fn load(path: &Path) -> Loaded<Pitwall> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return Loaded::unreadable(path, &error),
    };
    parse(&text, path)
}

/// Reads the text of a `pitwall.yml`.
pub(crate) fn parse(text: &str, path: &Path) -> Loaded<Pitwall> {
    let findings = Findings::new(path);
    let mut value = Pitwall::default();
    if let Some(node) = findings.parse(text)
        && let Some(mut root) = walk::hold(Field::root(&findings, &node), &PITWALL).section()
    {
        if let Some(mut collectors) = root.subsection("collectors") {
            value.collect_interval_ms = collectors.positive_ms("interval").unwrap_or(value.collect_interval_ms);
            value.host = collectors.boolean("host").unwrap_or(value.host);
            value.gpu = collectors.boolean("gpu").unwrap_or(value.gpu);
        }
        if let Some(mut discovery) = root.subsection("discovery") {
            value.discovery_enabled = discovery.boolean("enabled").unwrap_or(value.discovery_enabled);
            value.discovery_ignored = discovery.texts("ignore");
        }
        if let Some(mut listen) = root.subsection("listen") {
            let mut at = |key| listen.get(key).and_then(|field| field.parsed(address));
            value.listen = Listen {
                prometheus: at("prometheus"),
                alertmanager: at("alertmanager"),
                node_exporter: at("node_exporter"),
                dcgm_exporter: at("dcgm_exporter"),
            };
        }
        if let Some(mut storage) = root.subsection("storage") {
            value.retention_ms = storage.positive_ms("retention");
        }
    }
    Loaded { value, problems: findings.into_problems() }
}

/// `:9090` means all interfaces, as for Prometheus; `localhost` means loopback.
fn address(text: &str) -> Result<SocketAddr, String> {
    let full = match text.strip_prefix(':') {
        Some(port) => format!("0.0.0.0:{port}"),
        None => text.replacen("localhost:", "127.0.0.1:", 1),
    };
    full.parse().map_err(|_cause| format!("{text:?} is not an address such as 127.0.0.1:9090 or :9090"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<Pitwall, &str>) {
        let Loaded { value, problems } = parse(text, Path::new("p"));
        let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            if problems.is_empty() { Ok(value) } else { Err(shown.join("\n")) },
            expected.map_err(str::to_owned)
        );
    }

    #[test]
    fn what_is_not_said_keeps_its_default() {
        check("", Ok(Pitwall::default()));
        check("collectors: {gpu: false}", Ok(Pitwall { gpu: false, ..Pitwall::default() }));
        check(
            "discovery: {enabled: false, ignore: ['127.0.0.1:8080']}\nlisten: {prometheus: ':9090'}",
            Ok(Pitwall {
                discovery_enabled: false,
                discovery_ignored: vec!["127.0.0.1:8080".to_owned()],
                listen: Listen { prometheus: Some(([0, 0, 0, 0], 9090).into()), ..Listen::default() },
                ..Pitwall::default()
            }),
        );
    }

    #[test]
    fn mistakes_are_explained() {
        check(
            "listen: {prometheus: 9090}\ncollectors: {interval: 0s}\ndiscovry: {}",
            Err(
                "p:1:22: listen.prometheus: \"9090\" is not an address such as 127.0.0.1:9090 or :9090\np:2:24: collectors.interval: must be greater than 0\np:3:1: discovry: unknown key; did \
                 you mean \"discovery\"?",
            ),
        );
    }
}
