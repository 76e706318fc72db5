//! The GPU cards: how busy, how full, how hot.

use std::collections::BTreeMap;

use chart::{Frame, Height, Segment, bar, sparkline};
use futures_util::future::join_all;
use model::Labels;
use units::unit::{Formatted, Unit};

use super::super::ask::{self, Line};
use super::super::view::home::{Fact, GpuCard, Gpus};
use super::super::view::parts::{Badge, Empty, Html, Icon, Mood};
use super::super::window::Window;
use crate::State;

/// Cards on the page; a box has no more GPUs.
const CARDS_MAX: usize = 32;
/// A GPU whose memory is fuller than this is marked.
const MEMORY_WARN: f64 = 0.95;
/// A GPU hotter than this is marked where it does not say itself when it slows down, in °C.
const TEMPERATURE_WARN: f64 = 83.0;

/// DCGM's fields on a card. Memory is in MiB.
const FIELDS: [&str; 10] = [
    "DCGM_FI_DEV_FB_USED",
    "DCGM_FI_DEV_FB_FREE",
    "DCGM_FI_DEV_FB_RESERVED",
    "DCGM_FI_DEV_GPU_TEMP",
    "DCGM_FI_DEV_POWER_USAGE",
    "DCGM_FI_DEV_POWER_MGMT_LIMIT",
    "DCGM_FI_DEV_SM_CLOCK",
    "DCGM_FI_DEV_FAN_SPEED",
    "DCGM_FI_DEV_SLOWDOWN_TEMP",
    "DCGM_FI_DEV_FB_TOTAL",
];
const UTILISATION: &str = "DCGM_FI_DEV_GPU_UTIL";

/// The newest values of one GPU, by field.
#[derive(Debug, Default)]
struct Gpu {
    labels: Option<Labels>,
    fields: BTreeMap<&'static str, f64>,
    utilisation: Option<Line>,
}

/// The cards, and a sentence about all of them for the head.
pub(crate) async fn load(state: &State, window: &Window, none: Empty) -> (Gpus, Option<String>) {
    let at = window.end();
    let fields = join_all(FIELDS.iter().map(|field| ask::instant(state, field, at)));
    let (utilisation, fields) = tokio::join!(ask::range(state, UTILISATION, window), fields);
    let mut gpus: BTreeMap<(usize, String), Gpu> = BTreeMap::new();
    for line in utilisation.map(|lines| lines.lines).unwrap_or_default() {
        let gpu = gpus.entry(key(&line.labels)).or_default();
        gpu.labels.get_or_insert_with(|| line.labels.clone());
        // The same GPU seen by a second exporter: the first one speaks.
        gpu.utilisation.get_or_insert(line);
    }
    for (field, samples) in FIELDS.into_iter().zip(fields) {
        for (labels, value) in samples.unwrap_or_default() {
            let gpu = gpus.entry(key(&labels)).or_default();
            gpu.fields.entry(field).or_insert(value);
            gpu.labels.get_or_insert(labels);
        }
    }
    // A GPU without newest values has gone; its past is on the query page.
    gpus.retain(|_, gpu| !gpu.fields.is_empty() || gpu.newest_utilisation(window).is_some());
    if gpus.is_empty() {
        return (Gpus::None(none), None);
    }
    let facts = facts(gpus.values().filter_map(|gpu| gpu.labels.as_ref()));
    let span = match gpus.len() {
        1 => "c6",
        2 => "c6 b6",
        3 => "c4 w2",
        _ => "c3",
    };
    let cards = gpus.values().take(CARDS_MAX).map(|gpu| card(gpu, window, span)).collect();
    (Gpus::Cards(cards), facts)
}

/// By number first, so that GPU 10 follows GPU 9.
fn key(labels: &Labels) -> (usize, String) {
    let index = labels.get("gpu").unwrap_or_default();
    let identity = labels.get("UUID").or_else(|| labels.get("instance")).unwrap_or_default();
    (index.parse().unwrap_or(usize::MAX), identity.to_owned())
}

/// `4 × RTX 4090, driver 570.124.06`
fn facts<'a>(labels: impl Iterator<Item = &'a Labels>) -> Option<String> {
    let mut models: BTreeMap<String, usize> = BTreeMap::new();
    let mut driver = None;
    for labels in labels {
        *models.entry(short_model(labels)).or_default() += 1;
        driver = driver.or_else(|| labels.get("DCGM_FI_DRIVER_VERSION").map(str::to_owned));
    }
    let mut parts: Vec<String> = models.iter().map(|(model, count)| format!("{count} × {model}")).collect();
    parts.extend(driver.map(|version| format!("driver {version}")));
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn short_model(labels: &Labels) -> String {
    let model = labels.get("modelName").unwrap_or("GPU");
    let model = model.strip_prefix("NVIDIA ").unwrap_or(model);
    model.strip_prefix("GeForce ").unwrap_or(model).to_owned()
}

impl Gpu {
    fn newest_utilisation(&self, window: &Window) -> Option<f64> {
        self.utilisation.as_ref().and_then(|line| line.value_at(window.end()))
    }

    fn memory(&self) -> Option<(f64, f64)> {
        let of = |field| self.fields.get(field).copied();
        let used = of("DCGM_FI_DEV_FB_USED")?;
        let total = of("DCGM_FI_DEV_FB_TOTAL")
            .or_else(|| Some(used + of("DCGM_FI_DEV_FB_FREE")? + of("DCGM_FI_DEV_FB_RESERVED").unwrap_or(0.0)))?;
        (0.0 < total).then_some((used, total))
    }

    fn is_hot(&self) -> bool {
        let limit = self.fields.get("DCGM_FI_DEV_SLOWDOWN_TEMP").copied().filter(|limit| 0.0 < *limit);
        let hot = limit.map_or(TEMPERATURE_WARN, |limit| limit.min(TEMPERATURE_WARN));
        self.fields.get("DCGM_FI_DEV_GPU_TEMP").is_some_and(|temperature| hot <= *temperature)
    }
}

fn card(gpu: &Gpu, window: &Window, span: &'static str) -> GpuCard {
    let labels = gpu.labels.clone().unwrap_or_default();
    let memory = gpu.memory();
    let full = memory.is_some_and(|(used, total)| MEMORY_WARN <= used / total);
    let (state, badge) = match (gpu.is_hot(), full) {
        (true, _) => (Mood::Warn, Badge::new(Mood::Warn, "Hot")),
        (false, true) => (Mood::Warn, Badge::new(Mood::Warn, "Memory nearly full")),
        (false, false) => (Mood::Neutral, Badge::new(Mood::Ok, "Normal")),
    };
    let mebibytes = Unit::parse("mbytes");
    let said = |value: Option<f64>| mebibytes.format(value.unwrap_or(f64::NAN), None).to_string();
    let fraction = memory.map_or(0.0, |(used, total)| used / total);
    let class = if full { "warn bf" } else { "s0" };
    let frame = Frame {
        series: gpu.utilisation.iter().map(|line| line.clone().into_series(String::new(), 0)).collect(),
        from_ms: window.start_ms,
        to_ms: window.end_ms,
        gap_ms: window.gap_ms(),
    };
    GpuCard {
        index: labels.get("gpu").unwrap_or("?").to_owned(),
        model: short_model(&labels),
        span,
        state,
        badge,
        utilisation: formatted(gpu.newest_utilisation(window), "percent"),
        spark: Html(sparkline(&frame, Height::H1, 0.0, 100.0)),
        memory_used: said(memory.map(|(used, _)| used)),
        memory_total: said(memory.map(|(_, total)| total)),
        memory_bar: Html(bar(&[Segment { class, fraction }], None)),
        facts: facts_of(gpu),
    }
}

fn facts_of(gpu: &Gpu) -> Vec<Fact> {
    let of = |field| gpu.fields.get(field).copied();
    let fact = |name, value, unit| Fact { name, value: formatted(value, unit), of: String::new(), class: "" };
    let mut power = fact("Power", of("DCGM_FI_DEV_POWER_USAGE"), "suffix:W");
    if let Some(limit) = of("DCGM_FI_DEV_POWER_MGMT_LIMIT") {
        power.value.suffix.clear();
        power.of = format!(" / {limit:.0} W");
    }
    let mut temperature = fact("Temp.", of("DCGM_FI_DEV_GPU_TEMP"), "celsius");
    temperature.class = if gpu.is_hot() { "warn" } else { "" };
    let mut out = vec![temperature, power, fact("Clock", of("DCGM_FI_DEV_SM_CLOCK"), "suffix:MHz")];
    // Passively cooled cards have no fan to speak of.
    if let Some(fan) = of("DCGM_FI_DEV_FAN_SPEED") {
        out.push(fact("Fan", Some(fan), "percent"));
    }
    out
}

/// Whole numbers: digits behind the point would be noise here.
fn formatted(value: Option<f64>, unit: &str) -> Formatted {
    Unit::parse(unit).format(value.unwrap_or(f64::NAN), Some(0))
}

/// What the GPU row says where there is no GPU.
pub(crate) fn none(reason: Option<String>) -> Empty {
    let empty = Empty::new(Mood::Neutral, "No GPU").icon(Icon::Gpu);
    match reason {
        Some(reason) => empty.line(reason),
        None => empty.line("No GPU was seen under DCGM's names. A driver that appears is noticed without a restart."),
    }
}
