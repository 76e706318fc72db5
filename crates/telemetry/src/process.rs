//! What this process takes, under the names that Prometheus' client libraries use.

use std::fmt::Write as _;
use std::fs;

/// Clock ticks a second and the page size: what Linux tells every user program on x86-64 and aarch64, whatever the kernel
/// uses itself (a kernel with larger pages counts `statm` in its own, which `smaps_rollup` avoids).
const TICKS_PER_SECOND: f64 = 100.0;

/// The program's own metrics.
#[derive(Clone, Debug)]
pub struct Metrics {
    version: &'static str,
}

impl Metrics {
    /// For this version.
    pub const fn new(version: &'static str) -> Self {
        Self { version }
    }

    /// All of them in the classic text format; what /proc does not tell is left out.
    pub fn encode_text(&self) -> String {
        let mut out = String::new();
        write(&mut out, "pitwall_build_info", "gauge", &format!("{{version=\"{}\"}}", self.version), 1.0);
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        for (name, key) in [("process_resident_memory_bytes", "VmRSS:"), ("process_virtual_memory_bytes", "VmSize:")] {
            if let Some(kib) = status.lines().find_map(|line| kib(line, key)) {
                write(&mut out, name, "gauge", "", kib * 1024.0);
            }
        }
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let boot_s = fs::read_to_string("/proc/stat").ok().and_then(|text| boot_time_s(&text));
        if let Some((cpu_s, start_s)) = cpu_and_start_s(&stat) {
            write(&mut out, "process_cpu_seconds_total", "counter", "", cpu_s);
            if let Some(boot_s) = boot_s {
                write(&mut out, "process_start_time_seconds", "gauge", "", boot_s + start_s);
            }
        }
        if let Ok(entries) = fs::read_dir("/proc/self/fd") {
            write(&mut out, "process_open_fds", "gauge", "", entries.count() as f64);
        }
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        if let Some(max) = limits.lines().find_map(max_fds) {
            write(&mut out, "process_max_fds", "gauge", "", max);
        }
        out
    }
}

fn write(out: &mut String, name: &str, kind: &str, labels: &str, value: f64) {
    // Writing to a String cannot fail.
    let _infallible = writeln!(out, "# TYPE {name} {kind}\n{name}{labels} {value}");
}

fn kib(line: &str, key: &str) -> Option<f64> {
    line.strip_prefix(key)?.trim().strip_suffix(" kB")?.parse().ok()
}

fn boot_time_s(stat: &str) -> Option<f64> {
    stat.lines().find_map(|line| line.strip_prefix("btime ")?.parse().ok())
}

/// proc(5): after the name in parentheses come state (3), …, utime (14), stime (15), …, starttime (22).
fn cpu_and_start_s(stat: &str) -> Option<(f64, f64)> {
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    Some(((ticks(14)? + ticks(15)?) / TICKS_PER_SECOND, ticks(22)? / TICKS_PER_SECOND))
}

fn max_fds(line: &str) -> Option<f64> {
    line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_s_tables_are_read() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 9 0 12345 1 2";
        assert_eq!(cpu_and_start_s(stat), Some((2.0, 123.45)));
        assert_eq!(kib("VmRSS:\t  1234 kB", "VmRSS:"), Some(1234.0));
        assert_eq!(max_fds("Max open files            1024                 524288               files"), Some(1024.0));
    }

    #[test]
    fn this_process_has_memory_and_descriptors() {
        let text = Metrics::new("1.2.3").encode_text();
        for name in ["process_resident_memory_bytes ", "process_open_fds ", "pitwall_build_info{version=\"1.2.3\"} 1"] {
            assert!(text.contains(name), "{text}");
        }
    }
}
