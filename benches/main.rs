//! How fast the parts are that everything goes through: parsing a page, appending a scrape, a range query.

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use exposition::{Entry, Parser};
use model::{Labels, Timestamp};
use promql::Options;
use storage::{Appender, Batch, MemoryStorage, Row};

const SERIES: usize = 500;

fn page() -> String {
    let mut page = String::new();
    for i in 0..SERIES {
        // Writing to a String cannot fail.
        let _infallible =
            writeln!(page, "vllm:metric_{}{{engine=\"0\",model_name=\"Qwen\",i=\"{i}\"}} {}", i % 40, i * 17);
    }
    page
}

fn parse(criterion: &mut Criterion) {
    let page = page();
    let mut group = criterion.benchmark_group("exposition");
    group.throughput(Throughput::Elements(SERIES as u64));
    group.bench_function("ours", |bencher| {
        bencher.iter(|| {
            let values = Parser::new(black_box(page.as_bytes())).filter_map(|entry| match entry {
                Ok(Entry::Series { value, .. }) => Some(value),
                _ => None,
            });
            values.sum::<f64>()
        });
    });
    group.finish();
}

fn labels(i: usize) -> Labels {
    Labels::from_pairs([("__name__", "m_total"), ("i", &i.to_string()), ("instance", if i < 250 { "a" } else { "b" })])
}

fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    group.throughput(Throughput::Elements(SERIES as u64));
    group.bench_function("a scrape into the store", |bencher| {
        let Ok(dir) = tempfile::tempdir() else { return };
        let opened = tsdb::Lock::take(dir.path()).ok().zip(catalog::Catalog::open(dir.path(), &[]).ok()).and_then(
            |(lock, (catalog, _))| {
                tsdb::Db::open(
                    tsdb::Config { future_max_ms: i64::MAX / 4, ..tsdb::Config::new(dir.path()) },
                    lock,
                    Arc::new(catalog),
                    Timestamp::from_ms(0),
                )
                .ok()
            },
        );
        let Some((db, _)) = opened else { return };
        let target = db.group("target");
        let series: Vec<_> = (0..SERIES).filter_map(|i| db.series_id(target, &labels(i)).ok()).collect();
        let mut at_ms = 0;
        bencher.iter(|| {
            at_ms += 15_000;
            let rows = series.iter().map(|series| Row { series: *series, value: at_ms as f64 }).collect();
            db.append(&[Batch::of_rows(target, Timestamp::from_ms(at_ms), rows)]).map(|done| done.stored).unwrap_or(0)
        });
    });
    group.finish();
}

fn range(criterion: &mut Criterion) {
    let storage = MemoryStorage::new();
    for i in 0..SERIES {
        storage.push(&labels(i), (0..1_440).map(|n| (n * 15_000, (n * (i as i64 + 1)) as f64)));
    }
    let Ok(expr) = promql_syntax::parse("sum by (instance) (rate(m_total[5m]))") else { return };
    criterion.bench_function("sum by (instance) (rate([5m])) of 500 series over 300 steps", |bencher| {
        let (start, end) = (Timestamp::from_ms(3_600_000), Timestamp::from_ms(21_600_000));
        bencher.iter(|| promql::range(black_box(&expr), start, end, 60_000, &storage, &Options::default()).is_ok());
    });
}

criterion_group!(benches, parse, append, range);
criterion_main!(benches);
