//! The scenario file, and what it says at this moment.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use nvml_wrapper_sys::bindings::nvmlReturn_t;

const NOT_SUPPORTED: nvmlReturn_t = 3;
const DRIVER_NOT_LOADED: nvmlReturn_t = 9;
const GPU_IS_LOST: nvmlReturn_t = 15;

/// What the file said when it was read.
#[derive(Debug)]
pub(crate) struct Scenario {
    values: HashMap<String, String>,
    changed: Option<SystemTime>,
    read_at: Instant,
    xids: Vec<(usize, u64)>,
}

static CURRENT: Mutex<Option<Scenario>> = Mutex::new(None);

/// Asks the scenario as it is now. A delay is waited for after the lock is free.
pub(crate) fn read<T>(ask: impl Fn(&Scenario) -> Result<T, Answer>) -> Result<T, nvmlReturn_t> {
    let answer = with_current(|scenario| ask(scenario));
    match answer {
        Ok(value) => Ok(value),
        Err(Answer::Code(code)) => Err(code),
        Err(Answer::After(delay)) => {
            std::thread::sleep(delay);
            match with_current(|scenario| ask(&scenario.without_delays())) {
                Ok(value) => Ok(value),
                Err(Answer::Code(code)) => Err(code),
                Err(Answer::After(_)) => Err(NOT_SUPPORTED),
            }
        }
    }
}

/// An event that nobody has taken yet.
pub(crate) fn take_xid() -> Option<(usize, u64)> {
    with_current(|scenario| scenario.xids.pop())
}

/// Why there is no value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Code(nvmlReturn_t),
    After(Duration),
}

impl From<Answer> for nvmlReturn_t {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Code(code) => code,
            Answer::After(_) => NOT_SUPPORTED,
        }
    }
}

fn with_current<T>(work: impl FnOnce(&mut Scenario) -> T) -> T {
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    let path = std::env::var_os("FAKE_NVML_SCENARIO").map(PathBuf::from).unwrap_or_default();
    let changed = std::fs::metadata(&path).and_then(|about| about.modified()).ok();
    let stale = current.as_ref().is_none_or(|scenario| scenario.changed != changed);
    if stale {
        *current = None;
    }
    work(current.get_or_insert_with(|| Scenario::parse(&std::fs::read_to_string(&path).unwrap_or_default(), changed)))
}

impl Scenario {
    fn parse(text: &str, changed: Option<SystemTime>) -> Self {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
        let pairs = lines.filter_map(|line| line.split_once('='));
        let values: HashMap<String, String> =
            pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect();
        let xid = |(key, value): (&String, &String)| {
            let gpu = key.strip_prefix("gpu.")?.strip_suffix(".xid")?.parse().ok()?;
            Some((gpu, value.parse().ok()?))
        };
        let xids = values.iter().filter_map(xid).collect();
        Self { values, changed, read_at: Instant::now(), xids }
    }

    fn without_delays(&self) -> Self {
        let plain = |value: &String| match value.strip_prefix('~').and_then(|rest| rest.split_once(':')) {
            Some((_, value)) => value.to_owned(),
            None => value.clone(),
        };
        Self {
            values: self.values.iter().map(|(key, value)| (key.clone(), plain(value))).collect(),
            changed: self.changed,
            read_at: self.read_at,
            xids: Vec::new(),
        }
    }

    /// How many GPUs. Without a file there is no driver.
    pub(crate) fn count(&self) -> Result<u32, Answer> {
        match self.values.get("count") {
            Some(text) => Ok(self.evaluate(text)? as u32),
            None => Err(Answer::Code(DRIVER_NOT_LOADED)),
        }
    }

    /// A text that concerns no GPU.
    pub(crate) fn text(&self, key: &str, default: &str) -> Result<String, Answer> {
        if self.values.is_empty() {
            return Err(Answer::Code(DRIVER_NOT_LOADED));
        }
        plain_text(self.values.get(key).map_or(default, String::as_str))
    }

    /// A text of a GPU.
    pub(crate) fn gpu_text(&self, gpu: usize, key: &str, default: &str) -> Result<String, Answer> {
        self.check_lost(gpu)?;
        plain_text(self.of_gpu(gpu, key).unwrap_or(default))
    }

    /// A number of a GPU.
    pub(crate) fn number(&self, gpu: usize, key: &str) -> Result<f64, Answer> {
        self.check_lost(gpu)?;
        self.evaluate(self.of_gpu(gpu, key).ok_or(Answer::Code(NOT_SUPPORTED))?)
    }

    fn check_lost(&self, gpu: usize) -> Result<(), Answer> {
        if self.of_gpu(gpu, "lost").is_some() { Err(Answer::Code(GPU_IS_LOST)) } else { Ok(()) }
    }

    fn of_gpu(&self, gpu: usize, key: &str) -> Option<&str> {
        let own = self.values.get(&format!("gpu.{gpu}.{key}"));
        own.or_else(|| self.values.get(&format!("gpu.*.{key}"))).map(String::as_str)
    }

    fn evaluate(&self, text: &str) -> Result<f64, Answer> {
        refused_or_late(text)?;
        let elapsed = self.read_at.elapsed().as_secs_f64();
        if let Some(list) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let values: Vec<f64> = list.split(',').filter_map(|value| value.trim().parse().ok()).collect();
            return values.get(elapsed as usize % values.len().max(1)).copied().ok_or(Answer::Code(NOT_SUPPORTED));
        }
        let ramp = text.split_once(" over ").and_then(|(range, seconds)| {
            let (from, to) = range.split_once("..")?;
            let seconds: f64 = seconds.trim().strip_suffix('s')?.parse().ok()?;
            Some((from.trim().parse::<f64>().ok()?, to.trim().parse::<f64>().ok()?, seconds))
        });
        if let Some((from, to, seconds)) = ramp {
            return Ok(from + (to - from) * (elapsed / seconds.max(0.001)).min(1.0));
        }
        text.parse().map_err(|_cause| Answer::Code(NOT_SUPPORTED))
    }
}

fn plain_text(text: &str) -> Result<String, Answer> {
    refused_or_late(text)?;
    Ok(text.to_owned())
}

/// `!15` and `~1500:…`
fn refused_or_late(text: &str) -> Result<(), Answer> {
    if let Some(code) = text.strip_prefix('!').and_then(|code| code.parse().ok()) {
        return Err(Answer::Code(code));
    }
    match text.strip_prefix('~').and_then(|rest| rest.split_once(':')?.0.parse().ok()) {
        Some(ms) => Err(Answer::After(Duration::from_millis(ms))),
        None => Ok(()),
    }
}
