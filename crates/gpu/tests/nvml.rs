//! The sampler over the real nvml-wrapper, which loads a library that answers from a file.
//!
//! One test: the library finds its file by a variable of the whole process.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use clock::{Clock as _, SystemClock};
use gpu::{Config, Sampler};
use model::Timestamp;

/// How often a condition is looked at, and how often at most.
const LOOK_EVERY_MS: u64 = 20;
const LOOKS_MAX: usize = 1_500;

/// The library, which lies where cargo put this test; built if it is not there.
fn library() -> PathBuf {
    let folder = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned();
    let library = folder.join("libfake_nvml.so");
    if !library.exists() {
        let built = Command::new(env!("CARGO")).args(["build", "--package", "fake-nvml"]).status().unwrap();
        assert!(built.success());
    }
    library
}

fn write(path: &Path, text: &str) {
    let next = path.with_extension("next");
    std::fs::write(&next, text).unwrap();
    std::fs::rename(next, path).unwrap();
}

/// The values of a metric, one for each GPU; `!` and the reason where the collector fails.
fn values(sampler: &Sampler, name: &str) -> String {
    let at = Timestamp::from_ms(SystemClock.now_ms());
    match sampler.families(at) {
        Ok(families) => {
            let family = families.iter().find(|family| family.name == name);
            let values = family.iter().flat_map(|family| &family.samples).map(|(_, value)| value.to_string());
            values.collect::<Vec<_>>().join(" ")
        }
        Err(error) => format!("! {error}"),
    }
}

fn eventually(sampler: &Sampler, name: &str, expected: &str) {
    for _ in 0..LOOKS_MAX {
        if values(sampler, name) == expected {
            return;
        }
        std::thread::sleep(Duration::from_millis(LOOK_EVERY_MS));
    }
    panic!("{name}: expected {expected:?}, found {:?}", values(sampler, name));
}

#[test]
fn gpus_come_fail_and_return() {
    if let Ok(scenario) = std::env::var("FAKE_NVML_SCENARIO") {
        return play(Path::new(&scenario));
    }
    // A variable cannot be set safely in a process that runs; so this test runs itself with it.
    let folder = tempfile::tempdir().unwrap();
    let again = Command::new(std::env::current_exe().unwrap())
        .arg("gpus_come_fail_and_return")
        .env("FAKE_NVML_SCENARIO", folder.path().join("gpus.scenario"))
        .status()
        .unwrap();
    assert!(again.success());
}

fn play(scenario: &Path) {
    const NORMAL: &str = "count = 4\ngpu.*.memory_total_mib = 80000\ngpu.*.memory_used_mib = 20000\n\
                          gpu.1.memory_used_mib = 40000\ngpu.*.utilization = 50\ngpu.*.temperature = 60\n\
                          gpu.3.temperature = !3\n";
    let config = Config { library: Some(library()), interval_ms: 50, hostname: "box".to_owned() };
    let sampler = Sampler::start(config, Arc::new(SystemClock));

    // No file, no driver: no GPU, and the collector says so.
    eventually(&sampler, "pitwall_gpu_collector_state", "0 1 0 0");
    assert_eq!(values(&sampler, "DCGM_FI_DEV_FB_USED"), "");

    // A driver appears.
    write(scenario, NORMAL);
    eventually(&sampler, "DCGM_FI_DEV_FB_USED", "20000 40000 20000 20000");
    assert_eq!(values(&sampler, "DCGM_FI_DEV_FB_TOTAL"), "80000 80000 80000 80000");
    // What a card does not support is left out, never 0.
    assert_eq!(values(&sampler, "DCGM_FI_DEV_GPU_TEMP"), "60 60 60");
    assert_eq!(values(&sampler, "DCGM_FI_DEV_FAN_SPEED"), "");
    assert_eq!(values(&sampler, "DCGM_FI_DEV_XID_ERRORS"), "0 0 0 0");

    // One GPU is lost; the others go on. Then it is back.
    write(scenario, &format!("{NORMAL}gpu.2.lost = yes\n"));
    eventually(&sampler, "pitwall_gpu_up", "1 1 0 1");
    assert_eq!(values(&sampler, "DCGM_FI_DEV_FB_USED"), "20000 40000 20000");
    write(scenario, NORMAL);
    eventually(&sampler, "pitwall_gpu_up", "1 1 1 1");

    // A call that takes long holds up nobody who reads.
    write(scenario, &format!("{NORMAL}gpu.0.utilization = ~1500:77\n"));
    for _ in 0..10 {
        assert!(values(&sampler, "DCGM_FI_DEV_FB_USED").starts_with("20000 40000"));
    }
    eventually(&sampler, "DCGM_FI_DEV_GPU_UTIL", "77 50 50 50");

    // An XID error is held.
    write(scenario, &format!("{NORMAL}gpu.1.xid = 79\n"));
    eventually(&sampler, "DCGM_FI_DEV_XID_ERRORS", "0 79 0 0");

    // The driver goes, is asked anew, and returns.
    write(scenario, "driver = !9\ncount = !9\n");
    eventually(&sampler, "pitwall_gpu_collector_state", "0 1 0 0");
    write(scenario, NORMAL);
    eventually(&sampler, "DCGM_FI_DEV_FB_USED", "20000 40000 20000 20000");
    sampler.stop();
}
