//! Memory, from /proc/meminfo and /proc/vmstat.

use model::MetricType::{Gauge, Unknown};

use crate::families::Families;
use crate::{Config, read};

/// What node_exporter takes from /proc/vmstat: names that begin so, or are `oom_kill`.
const VMSTAT_PREFIXES: [&str; 3] = ["pgpg", "pswp", "pg"];

pub(crate) fn collect_meminfo(config: &Config, families: &mut Families) -> Result<(), String> {
    parse_meminfo(&read(&config.procfs.join("meminfo"))?, families);
    Ok(())
}

pub(crate) fn collect_vmstat(config: &Config, families: &mut Families) -> Result<(), String> {
    parse_vmstat(&read(&config.procfs.join("vmstat"))?, families);
    Ok(())
}

/// `Active(anon):  1234 kB` becomes `node_memory_Active_anon_bytes`.
fn parse_meminfo(text: &str, families: &mut Families) {
    for line in text.lines() {
        let Some((name, rest)) = line.split_once(':') else { continue };
        let mut words = rest.split_whitespace();
        let Some(value) = words.next().and_then(|word| word.parse::<f64>().ok()) else { continue };
        let name = name.replace('(', "_").replace(')', "");
        let (name, value) = match words.next() {
            Some("kB") => (format!("{name}_bytes"), value * 1024.0),
            _ => (name, value),
        };
        families.single(&format!("node_memory_{name}"), &format!("Memory information field {name}."), Gauge, value);
    }
}

fn parse_vmstat(text: &str, families: &mut Families) {
    for line in text.lines() {
        let Some((name, value)) = line.split_once(' ') else { continue };
        let wanted = name == "oom_kill"
            || name.starts_with(VMSTAT_PREFIXES[0])
            || name.starts_with(VMSTAT_PREFIXES[1])
            || (name.starts_with(VMSTAT_PREFIXES[2]) && name.contains("fault"));
        if let Some(value) = value.parse().ok().filter(|_| wanted) {
            let help = format!("/proc/vmstat information field {name}.");
            families.single(&format!("node_vmstat_{name}"), &help, Unknown, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(families: Families) -> Vec<String> {
        families.into_vec().iter().flat_map(|f| &f.samples).map(|(labels, value)| format!("{labels} {value}")).collect()
    }

    #[test]
    fn fields_become_names() {
        let mut families = Families::default();
        parse_meminfo("MemTotal:   100 kB\nActive(anon):  1 kB\nHugePages_Total:   3\n", &mut families);
        assert_eq!(
            shown(families),
            [
                "node_memory_MemTotal_bytes 102400",
                "node_memory_Active_anon_bytes 1024",
                "node_memory_HugePages_Total 3"
            ]
        );
        let mut families = Families::default();
        parse_vmstat("nr_free_pages 1\npgpgin 2\npswpout 3\npgmajfault 4\noom_kill 5\npgscan_x 6\n", &mut families);
        assert_eq!(
            shown(families),
            ["node_vmstat_pgpgin 2", "node_vmstat_pswpout 3", "node_vmstat_pgmajfault 4", "node_vmstat_oom_kill 5"]
        );
    }
}
