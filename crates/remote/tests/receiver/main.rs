//! Remote write as senders encode it: the messages are prost's, independent of the decoder.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod damage;
mod messages;
mod otlp;
mod otlp_messages;
mod v1;
mod v2;

use std::sync::Arc;

use model::{Labels, Matcher, TimeRange, Timestamp};
use remote::{Protocol, WriteError, Writer, Written};
use storage::{MemoryStorage, Queryable as _, Select, SeriesColumns};

/// The present, for the writer.
const NOW: Timestamp = Timestamp::from_ms(1_000_000);

/// A writer and the store behind it.
fn pair() -> (Writer, Arc<MemoryStorage>) {
    let storage = Arc::new(MemoryStorage::new());
    (Writer::new(storage.clone()), storage)
}

fn snappy(message: &impl prost::Message) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(&message.encode_to_vec()).unwrap()
}

fn select(storage: &MemoryStorage, name: &str) -> Vec<SeriesColumns> {
    let matchers = [Matcher::equal("__name__", name)];
    let select = Select { matchers: &matchers, range: TimeRange::ALL, step_ms: 0, function: "", samples_max: 9_999 };
    storage.select(&select).unwrap()
}

/// Every series with its samples and exemplars, as text.
fn dump(storage: &MemoryStorage) -> String {
    let all = [Matcher::new(model::MatchOp::Regexp, "__name__", ".+").unwrap()];
    let select = Select { matchers: &all, range: TimeRange::ALL, step_ms: 0, function: "", samples_max: 99_999 };
    let mut out = String::new();
    for series in storage.select(&select).unwrap() {
        out.push_str(&format!("{}\n", series.labels));
        for (at_ms, value) in series.timestamps_ms.iter().zip(&series.values) {
            out.push_str(&format!("  {at_ms} {value}\n"));
        }
        for (at_ms, histogram) in &series.histograms {
            out.push_str(&format!("  {at_ms} {histogram:?}\n"));
        }
    }
    for series in storage.exemplars(&[all.to_vec()], TimeRange::ALL).unwrap() {
        out.push_str(&format!("exemplars of {}\n", series.labels));
        for exemplar in series.exemplars {
            out.push_str(&format!("  {} {} {}\n", exemplar.at.as_ms(), exemplar.labels, exemplar.value));
        }
    }
    out
}

/// What was written of a request that was refused in part, and the text of the answer.
fn refused(outcome: Result<Written, WriteError>) -> (Written, String) {
    match outcome {
        Err(WriteError::Refused { written, refused }) => (written, refused.to_string()),
        other => panic!("{other:?}"),
    }
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied())
}

const fn written(samples: usize, histograms: usize, exemplars: usize) -> Written {
    Written { samples, histograms, exemplars }
}

fn write(writer: &Writer, protocol: Protocol, message: &impl prost::Message) -> Result<Written, WriteError> {
    writer.write(protocol, &snappy(message), NOW)
}
