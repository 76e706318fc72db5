//! How fast pushed samples are brought to their series: everything but the store.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use criterion::{Criterion, Throughput};
use model::{Labels, Timestamp};
use prost::Message as _;
use remote::{Protocol, Writer};
use storage::{AppendError, Appended, Appender, Batch, GroupId, SeriesId};

/// A store that takes everything and keeps nothing.
#[derive(Default)]
struct Nothing(AtomicU64);

impl Appender for Nothing {
    fn group(&self, _key: &str) -> GroupId {
        GroupId(0)
    }

    fn series_id(&self, _group: GroupId, _labels: &Labels) -> Result<SeriesId, AppendError> {
        Ok(SeriesId(self.0.fetch_add(1, Ordering::Relaxed)))
    }

    fn append(&self, batches: &[Batch]) -> Result<Appended, AppendError> {
        let stored = batches.iter().map(|batch| batch.rows.len()).sum();
        Ok(Appended { stored, ..Appended::default() })
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Request2 {
    #[prost(string, repeated, tag = "4")]
    symbols: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    timeseries: Vec<TimeSeries2>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct TimeSeries2 {
    #[prost(uint32, repeated, tag = "1")]
    labels_refs: Vec<u32>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

fn labels(i: usize) -> [(&'static str, String); 5] {
    [
        ("__name__", format!("DCGM_FI_DEV_METRIC_{}", i % 50)),
        ("gpu", (i / 50).to_string()),
        ("instance", "host-001:9400".to_owned()),
        ("job", "dcgm-exporter".to_owned()),
        ("modelName", "NVIDIA H100 80GB HBM3".to_owned()),
    ]
}

fn samples(count: i64) -> Vec<Sample> {
    (0..count).map(|n| Sample { value: n as f64 * 1.5, timestamp: 1_700_000_000_000 + n * 15_000 }).collect()
}

fn version_1(series: usize, count: i64) -> Vec<u8> {
    let series = (0..series).map(|i| TimeSeries {
        labels: labels(i).into_iter().map(|(name, value)| Label { name: name.to_owned(), value }).collect(),
        samples: samples(count),
    });
    WriteRequest { timeseries: series.collect() }.encode_to_vec()
}

fn version_2(series: usize, count: i64) -> Vec<u8> {
    let mut symbols = vec![String::new()];
    let mut symbol = |text: &str| {
        symbols.iter().position(|known| known == text).unwrap_or_else(|| {
            symbols.push(text.to_owned());
            symbols.len() - 1
        }) as u32
    };
    let timeseries = (0..series)
        .map(|i| TimeSeries2 {
            labels_refs: labels(i).iter().flat_map(|(name, value)| [symbol(name), symbol(value)]).collect(),
            samples: samples(count),
        })
        .collect();
    Request2 { symbols, timeseries }.encode_to_vec()
}

pub(crate) fn remote_write(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("remote write");
    for (name, protocol, message, samples) in [
        ("1.0, 500 series of 20 samples", Protocol::V1, version_1(500, 20), 10_000),
        ("1.0, 2000 series of 1 sample", Protocol::V1, version_1(2_000, 1), 2_000),
        ("2.0, 500 series of 20 samples", Protocol::V2, version_2(500, 20), 10_000),
        ("2.0, 2000 series of 1 sample", Protocol::V2, version_2(2_000, 1), 2_000),
    ] {
        let Ok(body) = snap::raw::Encoder::new().compress_vec(&message) else { return };
        let writer = Writer::new(Arc::new(Nothing::default()));
        group.throughput(Throughput::Elements(samples));
        group.bench_function(name, |bencher| {
            // A refused request would be quick.
            bencher.iter(|| assert!(writer.write(protocol, black_box(&body), Timestamp::MAX).is_ok()));
        });
    }
    group.finish();
}
