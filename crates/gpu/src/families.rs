//! Readings as metric families, under the names, helps and labels of dcgm-exporter.

use std::collections::BTreeMap;

use model::Family;
use model::MetricType::{self, Counter, Gauge};

use crate::reading::Gpu;

/// Name, help and type of what is read, in dcgm-exporter's words where it has the metric.
const METRICS: &[(&str, &str, MetricType)] = &[
    ("DCGM_FI_DEV_SM_CLOCK", "SM clock frequency (in MHz).", Gauge),
    ("DCGM_FI_DEV_MEM_CLOCK", "Memory clock frequency (in MHz).", Gauge),
    ("DCGM_FI_DEV_GPU_TEMP", "GPU temperature (in C).", Gauge),
    ("DCGM_FI_DEV_POWER_USAGE", "Power draw (in W).", Gauge),
    ("DCGM_FI_DEV_POWER_MGMT_LIMIT", "Power limit that is enforced (in W).", Gauge),
    ("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "Total energy consumption since boot (in mJ).", Counter),
    ("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "Total number of PCIe retries.", Counter),
    ("DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %).", Gauge),
    ("DCGM_FI_DEV_MEM_COPY_UTIL", "Memory utilization (in %).", Gauge),
    ("DCGM_FI_DEV_ENC_UTIL", "Encoder utilization (in %).", Gauge),
    ("DCGM_FI_DEV_DEC_UTIL", "Decoder utilization (in %).", Gauge),
    ("DCGM_FI_DEV_FAN_SPEED", "Fan speed (in %).", Gauge),
    ("DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB).", Gauge),
    ("DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB).", Gauge),
    ("DCGM_FI_DEV_FB_RESERVED", "Framebuffer memory reserved (in MiB).", Gauge),
    ("DCGM_FI_DEV_FB_TOTAL", "Framebuffer memory in all (in MiB).", Gauge),
    ("DCGM_FI_DEV_FB_USED_PERCENT", "Share of the framebuffer that is used (0 to 1).", Gauge),
];

/// All families of a reading. `xids` is the last XID error of each GPU.
pub(crate) fn families(gpus: &[Gpu], xids: &BTreeMap<u32, u64>, driver: &str, hostname: &str) -> Vec<Family> {
    let mut found: Vec<Family> = Vec::new();
    for (name, help, kind) in METRICS {
        let mut family = Family::new(*name, *help, *kind);
        for gpu in gpus {
            if let Some((_, value)) = gpu.values.iter().find(|(known, _)| known == name) {
                push(&mut family, gpu, driver, hostname, *value);
            }
        }
        found.push(family);
    }
    let mut xid_errors = Family::new("DCGM_FI_DEV_XID_ERRORS", "Value of the last XID error encountered.", Gauge);
    let mut up = Family::new("pitwall_gpu_up", "Whether the GPU answers.", Gauge);
    for gpu in gpus {
        push(&mut xid_errors, gpu, driver, hostname, xids.get(&gpu.index).copied().unwrap_or(0) as f64);
        push(&mut up, gpu, driver, hostname, f64::from(u8::from(gpu.up)));
    }
    found.extend([xid_errors, up]);
    found.retain(|family| !family.samples.is_empty());
    found
}

fn push(family: &mut Family, gpu: &Gpu, driver: &str, hostname: &str, value: f64) {
    let (index, device) = (gpu.index.to_string(), format!("nvidia{}", gpu.index));
    family.push(
        [
            ("gpu", index.as_str()),
            ("UUID", gpu.uuid.as_str()),
            ("pci_bus_id", gpu.pci_bus_id.as_str()),
            ("device", device.as_str()),
            ("modelName", gpu.name.as_str()),
            ("Hostname", hostname),
            ("DCGM_FI_DRIVER_VERSION", driver),
        ],
        value,
    );
}
