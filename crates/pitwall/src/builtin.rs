//! The collectors inside this program, as targets.

use std::sync::Arc;

use exposition::{Entry, Parser, labels_of};
use gpu::Sampler;
use host::Collector;
use model::{Family, MetricType};
use scrape::BuiltIn;
use telemetry::Metrics;
use tsdb::Db;

/// Jobs under which the built-in collectors appear.
const JOB_OWN: &str = "pitwall";
const JOB_HOST: &str = "node";
const JOB_GPU: &str = "dcgm";

/// The program's own metrics.
pub(crate) fn own(metrics: Arc<Metrics>, db: Arc<Db>, instance: &str, interval_ms: i64) -> BuiltIn {
    built_in(JOB_OWN, instance, interval_ms, move || {
        let mut families = parsed(&metrics.encode_text())?;
        families.extend(storage_families(&db));
        Ok(families)
    })
}

/// The host.
pub(crate) fn host(collector: Collector, instance: &str, interval_ms: i64) -> BuiltIn {
    let collector = Arc::new(collector);
    BuiltIn {
        job: JOB_HOST.to_owned(),
        instance: instance.to_owned(),
        interval_ms,
        collect: Arc::new(move |at| Ok(collector.collect(at))),
    }
}

/// The GPUs.
pub(crate) fn gpu(sampler: Arc<Sampler>, instance: &str, interval_ms: i64) -> BuiltIn {
    BuiltIn {
        job: JOB_GPU.to_owned(),
        instance: instance.to_owned(),
        interval_ms,
        collect: Arc::new(move |at| sampler.families(at)),
    }
}

fn built_in(
    job: &str,
    instance: &str,
    interval_ms: i64,
    collect: impl Fn() -> Result<Vec<Family>, String> + Send + Sync + 'static,
) -> BuiltIn {
    BuiltIn { job: job.to_owned(), instance: instance.to_owned(), interval_ms, collect: Arc::new(move |_| collect()) }
}

/// How the store is, under names of our own.
pub(crate) fn storage_families(db: &Db) -> Vec<Family> {
    let stats = db.stats();
    let gauge = MetricType::Gauge;
    let rows = [
        ("pitwall_storage_series", "Series with samples.", gauge, stats.series as f64),
        ("pitwall_storage_head_samples", "Samples in memory.", gauge, stats.head_samples as f64),
        ("pitwall_storage_wal_bytes", "Size of the write-ahead log.", gauge, stats.wal_bytes as f64),
        ("pitwall_storage_segments", "Segments on disk.", gauge, stats.segments as f64),
        ("pitwall_storage_segment_bytes", "Size of the segments.", gauge, stats.segment_bytes as f64),
        ("pitwall_storage_samples_appended_total", "Samples taken.", MetricType::Counter, stats.appended as f64),
        ("pitwall_storage_samples_rejected_total", "Samples refused.", MetricType::Counter, stats.rejected as f64),
    ];
    let family = |(name, help, kind, value): (&str, &str, MetricType, f64)| {
        let mut family = Family::new(name, help, kind);
        family.push([], value);
        family
    };
    rows.into_iter().map(family).collect()
}

/// Families from a text page; only their samples matter to the store.
fn parsed(text: &str) -> Result<Vec<Family>, String> {
    let mut family = Family::new("", "", MetricType::Unknown);
    let mut parser = Parser::new(text.as_bytes());
    while let Some(entry) = parser.next() {
        if let Entry::Series { raw, value, .. } = entry.map_err(|error| error.to_string())? {
            family.samples.push((labels_of(raw, parser.kind())?, value));
        }
    }
    Ok(vec![family])
}
