//! A `libnvidia-ml.so` whose answers come from a scenario file, for machines without a GPU; knows nothing of Pitwall.
//!
//! The variable `FAKE_NVML_SCENARIO` names the file; it is read again whenever it changes. A line is `key = value`, `#`
//! begins a comment.
//!
//! | key | meaning |
//! |---|---|
//! | `driver` | the driver's version; an error code here fails `nvmlInit` |
//! | `count` | how many GPUs |
//! | `gpu.N.KEY` | a property of GPU N; `gpu.*.KEY` for all that have no line of their own |
//!
//! Keys: `name`, `uuid`, `memory_total_mib`, `memory_used_mib`, `utilization`, `memory_utilization`, `temperature`,
//! `power_mw`, `power_limit_mw`, `sm_clock`, `memory_clock`, `energy_mj`, `encoder`, `decoder`, `fan`, `pcie_replay`, `lost`
//! (any value: every call for this GPU says that it is lost), `xid` (an event with this number, once per reading of the file).
//!
//! | value | meaning |
//! |---|---|
//! | `42`, `text` | that |
//! | `10..95 over 60s` | rises (or falls) evenly from the moment the file was read, and stays |
//! | `[1, 2, 3]` | one a second, over and over |
//! | `!15` | the call returns this NVML code |
//! | `~1500:42` | the call takes 1500 ms and then answers 42 |
//!
//! A number that no line gives is not supported (code 3), as on a real card without the feature.

mod scenario;

use std::ffi::{CStr, c_char, c_uint, c_ulonglong};

use nvml_wrapper_sys::bindings::{
    nvmlClockType_t, nvmlDevice_t, nvmlEventData_t, nvmlEventSet_t, nvmlMemory_v2_t, nvmlPciInfo_t, nvmlReturn_t,
    nvmlTemperatureSensors_t, nvmlUtilization_t,
};

use crate::scenario::Scenario;

const SUCCESS: nvmlReturn_t = 0;
const INVALID_ARGUMENT: nvmlReturn_t = 2;
const INSUFFICIENT_SIZE: nvmlReturn_t = 7;
const TIMEOUT: nvmlReturn_t = 10;
const CLOCK_SM: nvmlClockType_t = 1;
const CLOCK_MEM: nvmlClockType_t = 2;
const EVENT_XID: c_ulonglong = 8;
/// What a handle of an event set points to: nothing; only that it is not null counts.
const EVENT_SET: usize = 0x1000;

/// A GPU's number from its handle, which is the number and one.
fn index(device: nvmlDevice_t) -> usize {
    (device as usize).wrapping_sub(1)
}

/// A number of a GPU, written where the caller wants it.
///
/// # Safety
/// `out` is null or may be written.
unsafe fn number<T>(device: nvmlDevice_t, key: &str, out: *mut T, convert: impl Fn(f64) -> T) -> nvmlReturn_t {
    match scenario::read(|scenario| scenario.number(index(device), key)) {
        Ok(value) if !out.is_null() => {
            // SAFETY: not null, and the caller's to be written.
            unsafe { out.write(convert(value)) };
            SUCCESS
        }
        Ok(_) => INVALID_ARGUMENT,
        Err(code) => code,
    }
}

/// A text, written as C wants it.
///
/// # Safety
/// `out` may be written for `length` bytes.
unsafe fn text(value: Result<String, nvmlReturn_t>, out: *mut c_char, length: c_uint) -> nvmlReturn_t {
    let value = match value {
        Ok(value) => value,
        Err(code) => return code,
    };
    if (length as usize) <= value.len() {
        return INSUFFICIENT_SIZE;
    }
    for (position, byte) in value.bytes().chain([0]).enumerate() {
        // SAFETY: the text and its end fit, as was checked.
        unsafe { out.add(position).write(byte.cast_signed()) };
    }
    SUCCESS
}

/// `nvmlInit_v2`
#[unsafe(no_mangle)]
pub extern "C" fn nvmlInit_v2() -> nvmlReturn_t {
    scenario::read(|scenario| scenario.text("driver", "580.95.05").map(drop)).err().unwrap_or(SUCCESS)
}

/// `nvmlShutdown`
#[unsafe(no_mangle)]
pub extern "C" fn nvmlShutdown() -> nvmlReturn_t {
    SUCCESS
}

/// `nvmlErrorString`
#[unsafe(no_mangle)]
pub extern "C" fn nvmlErrorString(_code: nvmlReturn_t) -> *const c_char {
    const TEXT: &CStr = c"fake";
    TEXT.as_ptr()
}

/// `nvmlSystemGetDriverVersion`
///
/// # Safety
/// `version` may be written for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlSystemGetDriverVersion(version: *mut c_char, length: c_uint) -> nvmlReturn_t {
    // SAFETY: as the caller promises.
    unsafe { text(scenario::read(|scenario| scenario.text("driver", "580.95.05")), version, length) }
}

/// `nvmlDeviceGetCount_v2`
///
/// # Safety
/// `count` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetCount_v2(count: *mut c_uint) -> nvmlReturn_t {
    match scenario::read(Scenario::count) {
        Ok(value) if !count.is_null() => {
            // SAFETY: not null, and the caller's to be written.
            unsafe { count.write(value) };
            SUCCESS
        }
        Ok(_) => INVALID_ARGUMENT,
        Err(code) => code,
    }
}

/// `nvmlDeviceGetHandleByIndex_v2`
///
/// # Safety
/// `device` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetHandleByIndex_v2(number: c_uint, device: *mut nvmlDevice_t) -> nvmlReturn_t {
    match scenario::read(Scenario::count) {
        Ok(count) if number < count && !device.is_null() => {
            // SAFETY: not null, and the caller's to be written. The handle is never followed.
            unsafe { device.write((number as usize + 1) as nvmlDevice_t) };
            SUCCESS
        }
        Ok(_) => INVALID_ARGUMENT,
        Err(code) => code,
    }
}

/// `nvmlDeviceGetIndex`
///
/// # Safety
/// `number` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetIndex(device: nvmlDevice_t, number: *mut c_uint) -> nvmlReturn_t {
    if number.is_null() {
        return INVALID_ARGUMENT;
    }
    // SAFETY: not null, and the caller's to be written.
    unsafe { number.write(index(device) as c_uint) };
    SUCCESS
}

/// `nvmlDeviceGetName`
///
/// # Safety
/// `name` may be written for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetName(device: nvmlDevice_t, name: *mut c_char, length: c_uint) -> nvmlReturn_t {
    let value = scenario::read(|scenario| scenario.gpu_text(index(device), "name", "NVIDIA Fake"));
    // SAFETY: as the caller promises.
    unsafe { text(value, name, length) }
}

/// `nvmlDeviceGetUUID`
///
/// # Safety
/// `uuid` may be written for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetUUID(device: nvmlDevice_t, uuid: *mut c_char, length: c_uint) -> nvmlReturn_t {
    let default = format!("GPU-00000000-0000-0000-0000-{:012}", index(device));
    let value = scenario::read(|scenario| scenario.gpu_text(index(device), "uuid", &default));
    // SAFETY: as the caller promises.
    unsafe { text(value, uuid, length) }
}

/// `nvmlDeviceGetPciInfo_v3`
///
/// # Safety
/// `pci` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetPciInfo_v3(device: nvmlDevice_t, pci: *mut nvmlPciInfo_t) -> nvmlReturn_t {
    if pci.is_null() {
        return INVALID_ARGUMENT;
    }
    if let Err(code) = scenario::read(|scenario| scenario.gpu_text(index(device), "name", "")) {
        return code;
    }
    let bus = index(device) as c_uint + 0x1b;
    let mut info = nvmlPciInfo_t {
        busIdLegacy: [0; 16],
        domain: 0,
        bus,
        device: 0,
        pciDeviceId: 0,
        pciSubSystemId: 0,
        busId: [0; 32],
    };
    for (slot, byte) in info.busId.iter_mut().zip(format!("00000000:{bus:02X}:00.0").bytes()) {
        *slot = byte.cast_signed();
    }
    for (slot, byte) in info.busIdLegacy.iter_mut().zip(format!("0000:{bus:02X}:00.0").bytes()) {
        *slot = byte.cast_signed();
    }
    // SAFETY: not null, and the caller's to be written.
    unsafe { pci.write(info) };
    SUCCESS
}

/// `nvmlDeviceGetMemoryInfo_v2`
///
/// # Safety
/// `memory` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetMemoryInfo_v2(
    device: nvmlDevice_t,
    memory: *mut nvmlMemory_v2_t,
) -> nvmlReturn_t {
    let read = scenario::read(|scenario| {
        let gpu = index(device);
        Ok((scenario.number(gpu, "memory_total_mib")?, scenario.number(gpu, "memory_used_mib")?))
    });
    let bytes = |mib: f64| (mib * 1_048_576.0) as c_ulonglong;
    match read {
        Ok((total, used)) if !memory.is_null() => {
            let info = nvmlMemory_v2_t {
                version: 0,
                total: bytes(total),
                reserved: 0,
                free: bytes(total - used),
                used: bytes(used),
            };
            // SAFETY: not null, and the caller's to be written.
            unsafe { memory.write(info) };
            SUCCESS
        }
        Ok(_) => INVALID_ARGUMENT,
        Err(code) => code,
    }
}

/// `nvmlDeviceGetUtilizationRates`
///
/// # Safety
/// `rates` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetUtilizationRates(
    device: nvmlDevice_t,
    rates: *mut nvmlUtilization_t,
) -> nvmlReturn_t {
    let memory = scenario::read(|scenario| scenario.number(index(device), "memory_utilization")).unwrap_or(0.0);
    let convert = |gpu: f64| nvmlUtilization_t { gpu: gpu as c_uint, memory: memory as c_uint };
    // SAFETY: as the caller promises.
    unsafe { number(device, "utilization", rates, convert) }
}

/// `nvmlDeviceGetTemperature`
///
/// # Safety
/// `temperature` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetTemperature(
    device: nvmlDevice_t,
    _sensor: nvmlTemperatureSensors_t,
    temperature: *mut c_uint,
) -> nvmlReturn_t {
    // SAFETY: as the caller promises.
    unsafe { number(device, "temperature", temperature, |value| value as c_uint) }
}

/// `nvmlDeviceGetClockInfo`
///
/// # Safety
/// `clock` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetClockInfo(
    device: nvmlDevice_t,
    kind: nvmlClockType_t,
    clock: *mut c_uint,
) -> nvmlReturn_t {
    let key = match kind {
        CLOCK_SM => "sm_clock",
        CLOCK_MEM => "memory_clock",
        _ => "other_clock",
    };
    // SAFETY: as the caller promises.
    unsafe { number(device, key, clock, |value| value as c_uint) }
}

/// `nvmlDeviceGetTotalEnergyConsumption`
///
/// # Safety
/// `energy` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetTotalEnergyConsumption(
    device: nvmlDevice_t,
    energy: *mut c_ulonglong,
) -> nvmlReturn_t {
    // SAFETY: as the caller promises.
    unsafe { number(device, "energy_mj", energy, |value| value as c_ulonglong) }
}

macro_rules! plain_numbers {
    ($($name:ident, $key:literal;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        ///
        /// # Safety
        /// `out` is null or may be written.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(device: nvmlDevice_t, out: *mut c_uint) -> nvmlReturn_t {
            // SAFETY: as the caller promises.
            unsafe { number(device, $key, out, |value| value as c_uint) }
        }
    )*};
}

plain_numbers! {
    nvmlDeviceGetPowerUsage, "power_mw";
    nvmlDeviceGetEnforcedPowerLimit, "power_limit_mw";
    nvmlDeviceGetPowerManagementLimit, "power_limit_mw";
    nvmlDeviceGetPcieReplayCounter, "pcie_replay";
}

/// `nvmlDeviceGetFanSpeed_v2`
///
/// # Safety
/// `speed` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetFanSpeed_v2(
    device: nvmlDevice_t,
    _fan: c_uint,
    speed: *mut c_uint,
) -> nvmlReturn_t {
    // SAFETY: as the caller promises.
    unsafe { number(device, "fan", speed, |value| value as c_uint) }
}

macro_rules! engine_numbers {
    ($($name:ident, $key:literal;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        ///
        /// # Safety
        /// `utilization` and `period_us` are null or may be written.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(
            device: nvmlDevice_t,
            utilization: *mut c_uint,
            period_us: *mut c_uint,
        ) -> nvmlReturn_t {
            if !period_us.is_null() {
                // SAFETY: not null, and the caller's to be written.
                unsafe { period_us.write(1_000_000) };
            }
            // SAFETY: as the caller promises.
            unsafe { number(device, $key, utilization, |value| value as c_uint) }
        }
    )*};
}

engine_numbers! {
    nvmlDeviceGetEncoderUtilization, "encoder";
    nvmlDeviceGetDecoderUtilization, "decoder";
}

/// `nvmlEventSetCreate`
///
/// # Safety
/// `set` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlEventSetCreate(set: *mut nvmlEventSet_t) -> nvmlReturn_t {
    if set.is_null() {
        return INVALID_ARGUMENT;
    }
    // SAFETY: not null, and the caller's to be written. The handle is never followed.
    unsafe { set.write(EVENT_SET as nvmlEventSet_t) };
    SUCCESS
}

/// `nvmlEventSetFree`
#[unsafe(no_mangle)]
pub extern "C" fn nvmlEventSetFree(_set: nvmlEventSet_t) -> nvmlReturn_t {
    SUCCESS
}

/// `nvmlDeviceRegisterEvents`
#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceRegisterEvents(
    _device: nvmlDevice_t,
    _types: c_ulonglong,
    _set: nvmlEventSet_t,
) -> nvmlReturn_t {
    SUCCESS
}

/// `nvmlEventSetWait_v2`
///
/// # Safety
/// `data` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlEventSetWait_v2(
    _set: nvmlEventSet_t,
    data: *mut nvmlEventData_t,
    timeout_ms: c_uint,
) -> nvmlReturn_t {
    let step_ms = 10;
    for _ in 0..=timeout_ms / step_ms {
        if let Some((gpu, xid)) = scenario::take_xid() {
            if data.is_null() {
                return INVALID_ARGUMENT;
            }
            let event = nvmlEventData_t {
                device: (gpu + 1) as nvmlDevice_t,
                eventType: EVENT_XID,
                eventData: xid,
                gpuInstanceId: c_uint::MAX,
                computeInstanceId: c_uint::MAX,
            };
            // SAFETY: not null, and the caller's to be written.
            unsafe { data.write(event) };
            return SUCCESS;
        }
        std::thread::sleep(std::time::Duration::from_millis(u64::from(step_ms)));
    }
    TIMEOUT
}

/// `nvmlGpmSampleFree`, whose absence the wrapper does not forgive.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlGpmSampleFree(_sample: *mut std::ffi::c_void) -> nvmlReturn_t {
    SUCCESS
}
