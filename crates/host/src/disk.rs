//! What block devices did, from /proc/diskstats.

use model::MetricType::{self, Counter, Gauge};

use crate::families::Families;
use crate::{Config, read};

const SECTOR_BYTES: f64 = 512.0;

/// Name, help, type and factor of each column from the fourth on (kernel's iostats.rst).
const COLUMNS: [(&str, &str, MetricType, f64); 17] = [
    ("reads_completed_total", "The total number of reads completed successfully.", Counter, 1.0),
    ("reads_merged_total", "The total number of reads merged.", Counter, 1.0),
    ("read_bytes_total", "The total number of bytes read successfully.", Counter, SECTOR_BYTES),
    ("read_time_seconds_total", "The total number of seconds spent by all reads.", Counter, 0.001),
    ("writes_completed_total", "The total number of writes completed successfully.", Counter, 1.0),
    ("writes_merged_total", "The number of writes merged.", Counter, 1.0),
    ("written_bytes_total", "The total number of bytes written successfully.", Counter, SECTOR_BYTES),
    ("write_time_seconds_total", "This is the total number of seconds spent by all writes.", Counter, 0.001),
    ("io_now", "The number of I/Os currently in progress.", Gauge, 1.0),
    ("io_time_seconds_total", "Total seconds spent doing I/Os.", Counter, 0.001),
    ("io_time_weighted_seconds_total", "The weighted # of seconds spent doing I/Os.", Counter, 0.001),
    ("discards_completed_total", "The total number of discards completed successfully.", Counter, 1.0),
    ("discards_merged_total", "The total number of discards merged.", Counter, 1.0),
    ("discarded_sectors_total", "The total number of sectors discarded successfully.", Counter, 1.0),
    ("discard_time_seconds_total", "This is the total number of seconds spent by all discards.", Counter, 0.001),
    ("flush_requests_total", "The total number of flush requests completed successfully", Counter, 1.0),
    (
        "flush_requests_time_seconds_total",
        "This is the total number of seconds spent by all flush requests.",
        Counter,
        0.001,
    ),
];

pub(crate) fn collect(config: &Config, families: &mut Families) -> Result<(), String> {
    parse(&read(&config.procfs.join("diskstats"))?, families);
    Ok(())
}

fn parse(text: &str, families: &mut Families) {
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, _, device, values @ ..] = &words[..] else { continue };
        if is_left_out(device) {
            continue;
        }
        for ((name, help, kind, factor), value) in COLUMNS.iter().zip(values) {
            if let Ok(value) = value.parse::<f64>() {
                families.add(&format!("node_disk_{name}"), help, *kind, &[("device", device)], value * factor);
            }
        }
    }
}

/// `^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$`: memory, loops, floppies and partitions.
fn is_left_out(device: &str) -> bool {
    let stem = device.trim_end_matches(|c: char| c.is_ascii_digit());
    if stem.len() == device.len() {
        return false;
    }
    let disk = ["hd", "sd", "vd", "xvd"].iter().any(|prefix| {
        stem.strip_prefix(prefix).is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_lowercase()))
    });
    matches!(stem, "ram" | "zram" | "loop" | "fd") || disk || (stem.starts_with("nvme") && stem.ends_with('p'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_left_out_and_units_are_seconds_and_bytes() {
        for (device, expected) in [
            ("sda", false),
            ("sda1", true),
            ("nvme0n1", false),
            ("nvme0n1p2", true),
            ("loop0", true),
            ("dm-0", false),
            ("vda", false),
            ("md0", false),
        ] {
            assert_eq!(is_left_out(device), expected, "{device}");
        }
        let mut families = Families::default();
        parse("   8 0 sda 1 2 3 4000 5 6 7 8 9 10 11\n", &mut families);
        let families = families.into_vec();
        assert_eq!(families.len(), 11);
        assert_eq!(families[2].samples[0].1, 1536.0);
        assert_eq!(families[3].samples[0].1, 4.0);
    }
}
