//! What one round of questions to NVML gave.

use nvml_wrapper::Nvml;
use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};
use nvml_wrapper::error::NvmlError;

/// One GPU.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Gpu {
    pub(crate) index: u32,
    pub(crate) uuid: String,
    pub(crate) name: String,
    pub(crate) pci_bus_id: String,
    /// False when the driver says that it is lost.
    pub(crate) up: bool,
    /// DCGM's names with values; what the card does not support is not there.
    pub(crate) values: Vec<(&'static str, f64)>,
}

const MIB: f64 = 1_048_576.0;

/// Asks everything of every GPU. An error concerns the driver as a whole; a GPU that is lost is a value.
pub(crate) fn read(nvml: &Nvml, known: &[Gpu]) -> Result<Vec<Gpu>, NvmlError> {
    (0..nvml.device_count()?).map(|index| read_gpu(nvml, index, known.get(index as usize))).collect()
}

fn read_gpu(nvml: &Nvml, index: u32, known: Option<&Gpu>) -> Result<Gpu, NvmlError> {
    // What identifies a card is asked once: a card that is lost cannot say who it is.
    let mut gpu = match known {
        Some(known) if !known.uuid.is_empty() => Gpu { values: Vec::new(), ..known.clone() },
        _ => Gpu { index, ..Gpu::default() },
    };
    match ask(nvml, &mut gpu) {
        Ok(()) => {
            gpu.up = true;
            Ok(gpu)
        }
        Err(NvmlError::GpuLost) => Ok(Gpu { up: false, values: Vec::new(), ..gpu }),
        Err(error) => Err(error),
    }
}

fn ask(nvml: &Nvml, gpu: &mut Gpu) -> Result<(), NvmlError> {
    let device = nvml.device_by_index(gpu.index)?;
    if gpu.uuid.is_empty() {
        gpu.uuid = device.uuid()?;
        gpu.name = device.name()?;
        gpu.pci_bus_id = device.pci_info().map(|pci| pci.bus_id).unwrap_or_default();
    }
    let mut put = |name, value: Result<f64, NvmlError>| -> Result<(), NvmlError> {
        match value {
            Ok(value) => gpu.values.push((name, value)),
            // Not every card has everything; what is missing is left out, never written as 0.
            Err(
                NvmlError::NotSupported
                | NvmlError::FailedToLoadSymbol(_)
                | NvmlError::NoPermission
                | NvmlError::InvalidArg
                | NvmlError::NotFound
                | NvmlError::UnexpectedVariant(_),
            ) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    };
    let rates = device.utilization_rates();
    let (gpu_rate, memory_rate) = match rates {
        Ok(rates) => (Ok(f64::from(rates.gpu)), Ok(f64::from(rates.memory))),
        Err(NvmlError::GpuLost) => return Err(NvmlError::GpuLost),
        Err(error) => (Err(error), Err(NvmlError::NotSupported)),
    };
    put("DCGM_FI_DEV_GPU_UTIL", gpu_rate)?;
    put("DCGM_FI_DEV_MEM_COPY_UTIL", memory_rate)?;
    match device.memory_info() {
        Ok(memory) => {
            let (total, used) = (memory.total as f64, memory.used as f64);
            put("DCGM_FI_DEV_FB_USED", Ok(used / MIB))?;
            put("DCGM_FI_DEV_FB_FREE", Ok(memory.free as f64 / MIB))?;
            put("DCGM_FI_DEV_FB_RESERVED", Ok(memory.reserved as f64 / MIB))?;
            put("DCGM_FI_DEV_FB_TOTAL", Ok(total / MIB))?;
            if 0.0 < total {
                put("DCGM_FI_DEV_FB_USED_PERCENT", Ok(used / total))?;
            }
        }
        Err(error) => put("DCGM_FI_DEV_FB_USED", Err(error))?,
    }
    put("DCGM_FI_DEV_GPU_TEMP", device.temperature(TemperatureSensor::Gpu).map(f64::from))?;
    put("DCGM_FI_DEV_POWER_USAGE", device.power_usage().map(|mw| f64::from(mw) / 1000.0))?;
    put("DCGM_FI_DEV_POWER_MGMT_LIMIT", device.enforced_power_limit().map(|mw| f64::from(mw) / 1000.0))?;
    put("DCGM_FI_DEV_SM_CLOCK", device.clock_info(Clock::SM).map(f64::from))?;
    put("DCGM_FI_DEV_MEM_CLOCK", device.clock_info(Clock::Memory).map(f64::from))?;
    put("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", device.total_energy_consumption().map(|mj| mj as f64))?;
    put("DCGM_FI_DEV_ENC_UTIL", device.encoder_utilization().map(|info| f64::from(info.utilization)))?;
    put("DCGM_FI_DEV_DEC_UTIL", device.decoder_utilization().map(|info| f64::from(info.utilization)))?;
    put("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", device.pcie_replay_counter().map(f64::from))?;
    put("DCGM_FI_DEV_FAN_SPEED", device.fan_speed(0).map(f64::from))
}
