//! The system as a whole: load, name, boot, processes, open files.

use model::MetricType::{Counter, Gauge};

use crate::families::Families;
use crate::{Config, read};

pub(crate) fn collect_loadavg(config: &Config, families: &mut Families) -> Result<(), String> {
    let text = read(&config.procfs.join("loadavg"))?;
    for (minutes, word) in ["1", "5", "15"].iter().zip(text.split_whitespace()) {
        let value = word.parse().map_err(|_cause| format!("loadavg: {word:?}"))?;
        families.single(&format!("node_load{minutes}"), &format!("{minutes}m load average."), Gauge, value);
    }
    Ok(())
}

pub(crate) fn collect_uname(_: &Config, families: &mut Families) -> Result<(), String> {
    let name = rustix::system::uname();
    let texts = [
        ("domainname", name.domainname()),
        ("machine", name.machine()),
        ("nodename", name.nodename()),
        ("release", name.release()),
        ("sysname", name.sysname()),
        ("version", name.version()),
    ]
    .map(|(label, text)| (label, text.to_string_lossy()));
    let labels: Vec<(&str, &str)> = texts.iter().map(|(label, text)| (*label, text.as_ref())).collect();
    families.add(
        "node_uname_info",
        "Labeled system information as provided by the uname system call.",
        Gauge,
        &labels,
        1.0,
    );
    Ok(())
}

pub(crate) fn collect_stat(config: &Config, families: &mut Families) -> Result<(), String> {
    for line in read(&config.procfs.join("stat"))?.lines() {
        let mut words = line.split(' ');
        let (name, help, kind) = match words.next() {
            Some("intr") => ("node_intr_total", "Total number of interrupts serviced.", Counter),
            Some("ctxt") => ("node_context_switches_total", "Total number of context switches.", Counter),
            Some("btime") => ("node_boot_time_seconds", "Node boot time, in unixtime.", Gauge),
            Some("processes") => ("node_forks_total", "Total number of forks.", Counter),
            Some("procs_running") => ("node_procs_running", "Number of processes in runnable state.", Gauge),
            Some("procs_blocked") => {
                ("node_procs_blocked", "Number of processes blocked waiting for I/O to complete.", Gauge)
            }
            _ => continue,
        };
        if let Some(value) = words.next().and_then(|word| word.parse().ok()) {
            families.single(name, help, kind, value);
        }
    }
    Ok(())
}

pub(crate) fn collect_filefd(config: &Config, families: &mut Families) -> Result<(), String> {
    let text = read(&config.procfs.join("sys/fs/file-nr"))?;
    let words: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [allocated, _, maximum] = words[..] else { return Err("file-nr has another form".to_owned()) };
    families.single("node_filefd_allocated", "File descriptor statistics: allocated.", Gauge, allocated);
    families.single("node_filefd_maximum", "File descriptor statistics: maximum.", Gauge, maximum);
    Ok(())
}
