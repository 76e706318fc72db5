//! Host metrics under node_exporter's names, read from /proc and /sys; must not know scrape.
//!
//! Each collector is a file: a pure function from a file's text to families, and the names, helps and types of
//! node_exporter 1.11.

mod cpu;
mod disk;
mod families;
mod filesystem;
mod memory;
mod network;
mod system;

use std::path::PathBuf;

use model::{Family, MetricType, Timestamp};

use crate::families::Families;

/// Where to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The proc filesystem.
    pub procfs: PathBuf,
    /// The sys filesystem.
    pub sysfs: PathBuf,
    /// The root that mount points are below.
    pub rootfs: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self { procfs: "/proc".into(), sysfs: "/sys".into(), rootfs: "/".into() }
    }
}

/// Reads the host.
#[derive(Clone, Debug)]
pub struct Collector {
    config: Config,
}

/// A collector: its name, and what it adds.
type Part = (&'static str, fn(&Config, &mut Families) -> Result<(), String>);

const PARTS: &[Part] = &[
    ("cpu", cpu::collect),
    ("meminfo", memory::collect_meminfo),
    ("vmstat", memory::collect_vmstat),
    ("filesystem", filesystem::collect),
    ("diskstats", disk::collect),
    ("netdev", network::collect),
    ("loadavg", system::collect_loadavg),
    ("uname", system::collect_uname),
    ("stat", system::collect_stat),
    ("filefd", system::collect_filefd),
];

impl Collector {
    /// A collector of this host.
    pub const fn new(config: Config) -> Self {
        Self { config }
    }

    /// Everything that can be read now. A part that cannot says so in `node_scrape_collector_success`.
    pub fn collect(&self, at: Timestamp) -> Vec<Family> {
        let mut families = Families::default();
        let mut success = Family::new(
            "node_scrape_collector_success",
            "node_exporter: Whether a collector succeeded.",
            MetricType::Gauge,
        );
        for (name, part) in PARTS {
            let done = part(&self.config, &mut families);
            success.push([("collector", *name)], f64::from(u8::from(done.is_ok())));
        }
        families.single(
            "node_time_seconds",
            "System time in seconds since epoch (1970).",
            MetricType::Gauge,
            at.as_secs_f64(),
        );
        let mut families = families.into_vec();
        families.push(success);
        families
    }
}

/// A file's text.
fn read(path: &std::path::Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host_can_be_read() {
        let families = Collector::new(Config::default()).collect(Timestamp::from_ms(1_500));
        let value =
            |name: &str| families.iter().find(|family| family.name == name).and_then(|family| family.samples.first());
        for name in [
            "node_cpu_seconds_total",
            "node_memory_MemTotal_bytes",
            "node_load1",
            "node_uname_info",
            "node_boot_time_seconds",
        ] {
            assert!(value(name).is_some_and(|(_, value)| 0.0 <= *value), "{name}");
        }
        assert_eq!(value("node_time_seconds").map(|(_, value)| *value), Some(1.5));
    }

    #[test]
    fn a_part_that_cannot_be_read_fails_alone() {
        let config = Config { procfs: "/nowhere".into(), ..Config::default() };
        let families = Collector::new(config).collect(Timestamp::from_ms(0));
        let success = families.iter().find(|family| family.name == "node_scrape_collector_success").unwrap();
        let of =
            |name: &str| success.samples.iter().find(|(labels, _)| labels.get("collector") == Some(name)).unwrap().1;
        assert_eq!((of("cpu"), of("uname")), (0.0, 1.0));
    }
}
