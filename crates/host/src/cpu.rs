//! Seconds that each processor spent in each mode, from /proc/stat.

use model::MetricType::Counter;

use crate::families::Families;
use crate::{Config, read};

const MODES: [&str; 8] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];
/// Clock ticks a second, as Linux tells every user program.
const TICKS_PER_SECOND: f64 = 100.0;

pub(crate) fn collect(config: &Config, families: &mut Families) -> Result<(), String> {
    parse(&read(&config.procfs.join("stat"))?, families);
    Ok(())
}

fn parse(text: &str, families: &mut Families) {
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let Some(cpu) = words.next().and_then(|word| word.strip_prefix("cpu")).filter(|cpu| !cpu.is_empty()) else {
            continue;
        };
        let seconds: Vec<f64> =
            words.filter_map(|word| word.parse::<f64>().ok()).map(|ticks| ticks / TICKS_PER_SECOND).collect();
        for (mode, value) in MODES.iter().zip(&seconds) {
            let help = "Seconds the CPUs spent in each mode.";
            families.add("node_cpu_seconds_total", help, Counter, &[("cpu", cpu), ("mode", mode)], *value);
        }
        for (mode, value) in ["user", "nice"].iter().zip(seconds.iter().skip(MODES.len())) {
            let help = "Seconds the CPUs spent in guests (VMs) for each mode.";
            families.add("node_cpu_guest_seconds_total", help, Counter, &[("cpu", cpu), ("mode", mode)], *value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_become_seconds() {
        let mut families = Families::default();
        parse("cpu  1 2 3\ncpu0 100 200 300 400 500 600 700 800 900 1000\nintr 5\n", &mut families);
        let families = families.into_vec();
        let shown: Vec<String> =
            families.iter().flat_map(|f| &f.samples).map(|(labels, value)| format!("{labels} {value}")).collect();
        assert_eq!(shown[3], r#"node_cpu_seconds_total{cpu="0", mode="idle"} 4"#);
        assert_eq!(shown[9], r#"node_cpu_guest_seconds_total{cpu="0", mode="nice"} 10"#);
        assert_eq!(shown.len(), 10);
    }
}
