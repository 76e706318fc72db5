//! What senders say about metrics, for the metadata API.

use std::collections::BTreeMap;

use model::{Metadata, MetricType};
use parking_lot::Mutex;

/// Metrics of which it is kept; further ones are not described.
const METRICS_MAX: usize = 20_000;
/// The longest text that is kept, in bytes; longer ones are cut.
const TEXT_BYTES_MAX: usize = 2_000;

/// By metric name.
#[derive(Default)]
pub(crate) struct Described(Mutex<BTreeMap<String, Metadata>>);

impl Described {
    /// Keeps what is said of a metric; the last word counts. Texts that are not UTF-8 are no news.
    pub(crate) fn put(&self, name: &[u8], kind: MetricType, help: &[u8], unit: &[u8]) {
        let (Ok(name), Ok(help), Ok(unit)) = (str::from_utf8(name), str::from_utf8(help), str::from_utf8(unit)) else {
            return;
        };
        if name.is_empty() || TEXT_BYTES_MAX < name.len() {
            return;
        }
        let metadata = Metadata { kind, help: cut(help).to_owned(), unit: cut(unit).to_owned() };
        let mut described = self.0.lock();
        if let Some(known) = described.get_mut(name) {
            *known = metadata;
        } else if described.len() < METRICS_MAX {
            described.insert(name.to_owned(), metadata);
        }
    }

    /// All of it, by name.
    pub(crate) fn all(&self) -> Vec<(String, Metadata)> {
        self.0.lock().iter().map(|(name, metadata)| (name.clone(), metadata.clone())).collect()
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}

/// The name of the metric that a series belongs to: without the suffix that histograms and summaries give their series.
pub(crate) fn family(name: &[u8], kind: MetricType) -> &[u8] {
    let suffixes: &[&[u8]] = match kind {
        MetricType::Histogram | MetricType::GaugeHistogram => &[b"_bucket", b"_sum", b"_count"],
        MetricType::Summary => &[b"_sum", b"_count"],
        _ => &[],
    };
    suffixes.iter().find_map(|suffix| name.strip_suffix(*suffix)).unwrap_or(name)
}
