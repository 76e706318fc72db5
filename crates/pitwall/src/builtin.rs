//! The collectors inside this program, as targets.

use std::sync::Arc;

use clock::Clock;
use exposition::{Entry, Parser, labels_of};
use gpu::Sampler;
use host::Collector;
use model::{Family, MetricType, Timestamp};
use scrape::{BuiltIn, Manager, Program};
use server::Exported;
use telemetry::Metrics;
use tsdb::Db;

/// Jobs under which the built-in collectors appear.
const JOB_OWN: &str = "pitwall";
const JOB_HOST: &str = "node";
const JOB_GPU: &str = "dcgm";

/// The program's own metrics, as a target.
pub(crate) fn own(
    metrics: Arc<Metrics>,
    db: Arc<Db>,
    targets: &Arc<Manager>,
    instance: &str,
    interval_ms: i64,
) -> BuiltIn {
    // The manager owns what it asks.
    let targets = Arc::downgrade(targets);
    BuiltIn {
        job: JOB_OWN.to_owned(),
        instance: instance.to_owned(),
        interval_ms,
        stands_for: vec![Program::Prometheus, Program::Alertmanager, Program::Grafana],
        collect: Arc::new(move |_| {
            let targets = targets.upgrade().ok_or("the program is ending")?;
            Ok(own_families(&metrics, &db, &targets))
        }),
    }
}

/// The program's own metrics.
pub(crate) fn own_families(metrics: &Metrics, db: &Db, targets: &Manager) -> Vec<Family> {
    let mut families = parsed(&metrics.encode_text());
    families.extend(storage_families(db));
    families.extend(targets.own_metrics());
    families
}

/// The host.
pub(crate) fn host(collector: Collector, instance: &str, interval_ms: i64) -> BuiltIn {
    let collector = Arc::new(collector);
    BuiltIn {
        job: JOB_HOST.to_owned(),
        instance: instance.to_owned(),
        interval_ms,
        stands_for: vec![Program::NodeExporter],
        collect: Arc::new(move |at| Ok(collector.collect(at))),
    }
}

/// The GPUs.
pub(crate) fn gpu(sampler: Arc<Sampler>, instance: &str, interval_ms: i64) -> BuiltIn {
    BuiltIn {
        job: JOB_GPU.to_owned(),
        instance: instance.to_owned(),
        interval_ms,
        stands_for: vec![Program::DcgmExporter, Program::NvidiaGpuExporter],
        collect: Arc::new(move |at| sampler.families(at)),
    }
}

/// The host for scrapers that expect node_exporter.
pub(crate) fn exported_host(collector: Collector, clock: Arc<dyn Clock>) -> Exported {
    Arc::new(move || Ok(collector.collect(Timestamp::from_ms(clock.now_ms()))))
}

/// The GPUs for scrapers that expect dcgm-exporter.
pub(crate) fn exported_gpu(sampler: Arc<Sampler>, clock: Arc<dyn Clock>) -> Exported {
    Arc::new(move || sampler.families(Timestamp::from_ms(clock.now_ms())))
}

/// How the store is, under names of our own.
fn storage_families(db: &Db) -> Vec<Family> {
    let stats = db.stats();
    let gauge = MetricType::Gauge;
    let rows = [
        ("pitwall_storage_series", "Series with samples.", gauge, stats.series as f64),
        ("pitwall_storage_head_samples", "Samples in memory.", gauge, stats.head_samples as f64),
        ("pitwall_storage_wal_bytes", "Size of the write-ahead log.", gauge, stats.wal_bytes as f64),
        ("pitwall_storage_segments", "Segments on disk.", gauge, stats.segments as f64),
        ("pitwall_storage_segment_bytes", "Size of the segments.", gauge, stats.segment_bytes as f64),
        ("pitwall_storage_samples_appended_total", "Samples taken.", MetricType::Counter, stats.appended as f64),
        ("pitwall_storage_head_bytes", "Memory that samples take.", gauge, stats.head_bytes as f64),
        ("pitwall_storage_exemplars", "Exemplars in memory.", gauge, stats.exemplars as f64),
    ];
    let family = |(name, help, kind, value): (&str, &str, MetricType, f64)| {
        let mut family = Family::new(name, help, kind);
        family.push([], value);
        family
    };
    let mut refused =
        Family::new("pitwall_storage_samples_rejected_total", "Samples refused, by reason.", MetricType::Counter);
    for (reason, count) in [
        ("out_of_order", stats.rejected_out_of_order),
        ("duplicate", stats.rejected_duplicate),
        ("too_old", stats.rejected_too_old),
        ("too_new", stats.rejected_too_new),
    ] {
        refused.push([("reason", reason)], count as f64);
    }
    rows.into_iter().map(family).chain([refused]).collect()
}

/// Families from the text that `telemetry` writes, which knows no families; a line that cannot be read would be a defect of
/// ours and is left out.
fn parsed(text: &str) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    let mut parser = Parser::new(text.as_bytes());
    while let Some(Ok(entry)) = parser.next() {
        match entry {
            Entry::Type { name, kind } => families.push(Family::new(name, "", kind)),
            Entry::Series { raw, value, .. } => {
                if let (Some(family), Ok(labels)) = (families.last_mut(), labels_of(&raw, parser.kind())) {
                    family.samples.push((labels, value));
                }
            }
            Entry::Help { .. } | Entry::Unit { .. } | Entry::Histogram { .. } | Entry::Comment(_) => {}
        }
    }
    families
}
