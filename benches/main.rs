//! How fast the parts are that everything goes through: parsing a page, appending a scrape, a range query.

mod parsing;
mod remote_write;

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use model::{Labels, Timestamp};
use promql::Options;
use storage::{Appender, Batch, GroupId, MemoryStorage, Queryable, Row, SeriesId};

const SERIES: usize = 500;

fn labels(i: usize) -> Labels {
    Labels::from_pairs([("__name__", "m_total"), ("i", &i.to_string()), ("instance", if i < 250 { "a" } else { "b" })])
}

/// A store in a folder of its own.
fn store() -> Option<(tsdb::Db, tempfile::TempDir)> {
    let dir = tempfile::tempdir().ok()?;
    let lock = tsdb::Lock::take(dir.path()).ok()?;
    let (catalog, _) = catalog::Catalog::open(dir.path(), &[]).ok()?;
    let config = tsdb::Config { future_max_ms: i64::MAX / 4, ..tsdb::Config::new(dir.path()) };
    let (db, _) = tsdb::Db::open(config, lock, Arc::new(catalog), Timestamp::from_ms(0)).ok()?;
    Some((db, dir))
}

/// What a target's series do: a third never changes, a third counts, the others are noise with two digits.
fn value(series: usize, n: i64) -> f64 {
    let noise = (n as u64 * 2_654_435_761 + series as u64 * 40_503) >> 7 & 1023;
    match series % 3 {
        0 => series as f64,
        1 => (n * 1_000) as f64 + noise as f64,
        _ => noise as f64 / 100.0,
    }
}

/// `moments` scrapes of a target, as one transaction.
fn batches(target: GroupId, series: &[SeriesId], first: i64, moments: i64) -> Vec<Batch> {
    let batch = |n: i64| {
        let rows = series.iter().enumerate().map(|(i, series)| Row { series: *series, value: value(i, n) }).collect();
        Batch::of_rows(target, Timestamp::from_ms(n * 15_000), rows)
    };
    (first..first + moments).map(batch).collect()
}

fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    for (name, moments) in [("a scrape of 500 series", 1), ("a request of 500 series and 20 moments", 20)] {
        group.throughput(Throughput::Elements(SERIES as u64 * moments as u64));
        group.bench_function(name, |bencher| {
            let Some((db, _dir)) = store() else { return };
            let target = db.group("target");
            let series: Vec<_> = (0..SERIES).filter_map(|i| db.series_id(target, &labels(i)).ok()).collect();
            let mut at = 0;
            bencher.iter_batched(
                || {
                    at += moments;
                    batches(target, &series, at, moments)
                },
                |batches| db.append(&batches).map(|done| done.stored).unwrap_or(0),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

/// What becomes of a window: written as a segment, replayed from the log, selected from the head and from segments.
fn keep(criterion: &mut Criterion) {
    const MOMENTS: i64 = 600; // a window of two hours and half an hour more
    let mut group = criterion.benchmark_group("keep");
    group.sample_size(10);
    group.throughput(Throughput::Elements(SERIES as u64 * MOMENTS as u64));
    let filled = || {
        let (db, dir) = store()?;
        let target = db.group("target");
        let series: Vec<_> = (0..SERIES).filter_map(|i| db.series_id(target, &labels(i)).ok()).collect();
        db.append(&batches(target, &series, 0, MOMENTS)).ok()?;
        Some((db, dir))
    };
    group.bench_function("write a window of 500 series as a segment", |bencher| {
        let cut = |filled: Option<(tsdb::Db, tempfile::TempDir)>| {
            let (db, dir) = filled?;
            let done = db.maintain(Timestamp::from_ms(MOMENTS * 15_000)).ok()?;
            Some((done.segments_written, db, dir))
        };
        bencher.iter_batched(filled, cut, BatchSize::PerIteration);
    });
    group.bench_function("replay the log of it", |bencher| {
        let closed = || {
            let (db, dir) = filled()?;
            drop(db);
            Some(dir)
        };
        let open = |dir: Option<tempfile::TempDir>| {
            let dir = dir?;
            let lock = tsdb::Lock::take(dir.path()).ok()?;
            let (catalog, _) = catalog::Catalog::open(dir.path(), &[]).ok()?;
            let db =
                tsdb::Db::open(tsdb::Config::new(dir.path()), lock, Arc::new(catalog), Timestamp::from_ms(0)).ok()?;
            Some((db, dir))
        };
        bencher.iter_batched(closed, open, BatchSize::PerIteration);
    });
    let matchers = [model::Matcher::equal("__name__", "m_total")];
    let range = model::TimeRange::ALL;
    let select = storage::Select { matchers: &matchers, range, step_ms: 0, function: "", samples_max: usize::MAX };
    for (name, as_segment) in [("select all of it from the head", false), ("select all of it from a segment", true)] {
        group.bench_function(name, |bencher| {
            let Some((db, _dir)) = filled() else { return };
            if as_segment && db.compact().is_err() {
                return;
            }
            bencher.iter(|| db.select(black_box(&select)).map(|found| found.len()).unwrap_or(0));
        });
    }
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

criterion_group!(benches, remote_write::remote_write, parsing::parse, append, keep, range);
criterion_main!(benches);
