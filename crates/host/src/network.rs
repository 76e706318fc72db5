//! What network devices did, from /proc/net/dev.

use model::MetricType::Counter;

use crate::families::Families;
use crate::{Config, read};

/// Columns of /proc/net/dev: eight received, eight transmitted.
const COLUMNS: [&str; 16] = [
    "receive_bytes",
    "receive_packets",
    "receive_errs",
    "receive_drop",
    "receive_fifo",
    "receive_frame",
    "receive_compressed",
    "receive_multicast",
    "transmit_bytes",
    "transmit_packets",
    "transmit_errs",
    "transmit_drop",
    "transmit_fifo",
    "transmit_colls",
    "transmit_carrier",
    "transmit_compressed",
];

pub(crate) fn collect(config: &Config, families: &mut Families) -> Result<(), String> {
    // The first process' network is the host's.
    let path = config.procfs.join("1/net/dev");
    let text = read(&path).or_else(|_| read(&config.procfs.join("net/dev")))?;
    parse(&text, families);
    Ok(())
}

fn parse(text: &str, families: &mut Families) {
    for line in text.lines().skip(2) {
        let Some((device, values)) = line.rsplit_once(':') else { continue };
        for (name, value) in COLUMNS.iter().zip(values.split_whitespace()) {
            if let Ok(value) = value.parse() {
                let help = format!("Network device statistic {name}.");
                families.add(
                    &format!("node_network_{name}_total"),
                    &help,
                    Counter,
                    &[("device", device.trim())],
                    value,
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_names() {
        let mut families = Families::default();
        parse("Inter-|\n face |\n  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", &mut families);
        let families = families.into_vec();
        assert_eq!(families.len(), 16);
        assert_eq!(families[8].name, "node_network_transmit_bytes_total");
        assert_eq!(families[8].samples[0].1, 9.0);
    }
}
