//! The store against a store in memory, through restarts, cuts and damage.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::path::Path;
use std::sync::Arc;

use catalog::Catalog;
use model::{BucketSpan, Exemplar, Histogram, Labels, Matcher, ResetHint, TimeRange, Timestamp};
use proptest::prelude::*;
use storage::{Appender, Batch, ExemplarRow, HistogramRow, MemoryStorage, Queryable, Refusal, Row, Select};
use tsdb::{Config, Db, Lock, LockError, OpenReport};

const HOUR_MS: i64 = 3_600_000;

/// Most tests have no time of day, so nothing is too far in the future, and nothing is taken out of order.
fn open(dir: &Path) -> (Db, OpenReport) {
    open_with(Config { future_max_ms: i64::MAX / 4, out_of_order_ms: 0, ..Config::new(dir) })
}

fn open_with(config: Config) -> (Db, OpenReport) {
    let (catalog, _) = Catalog::open(&config.dir, &[]).unwrap();
    let lock = Lock::take(&config.dir).unwrap();
    Db::open(config, lock, Arc::new(catalog), Timestamp::from_ms(0)).unwrap()
}

fn labels(series: usize) -> Labels {
    Labels::from_pairs([("__name__", "m"), ("i", &series.to_string()), ("job", "j")])
}

fn append(store: &dyn Appender, group: &str, at_ms: i64, rows: &[(usize, f64)]) -> Option<Refusal> {
    let group = store.group(group);
    let row = |(series, value): &(usize, f64)| Row {
        series: store.series_id(group, &labels(*series)).unwrap(),
        value: *value,
    };
    let batch = Batch::of_rows(group, Timestamp::from_ms(at_ms), rows.iter().map(row).collect());
    store.append(&[batch]).unwrap().rejected.first().map(|rejected| rejected.reason)
}

/// Everything in the range, with values by their bits.
fn content(store: &dyn Queryable, range: TimeRange) -> Vec<(String, Vec<(i64, u64)>)> {
    let matchers = [Matcher::equal("__name__", "m")];
    let select = Select { matchers: &matchers, range, step_ms: 0, function: "", samples_max: 1_000_000 };
    let found = store.select(&select).unwrap();
    let samples = found.into_iter().map(|series| {
        let floats = series.timestamps_ms.iter().zip(&series.values).map(|(at, value)| (*at, value.to_bits()));
        let mut samples: Vec<(i64, u64)> = floats.collect();
        // A histogram by its text, which says nothing of NaN's bits, and the bits of its sum.
        samples.extend(series.histograms.iter().map(|(at, histogram)| (*at, text_hash(histogram))));
        (series.labels.to_string(), samples)
    });
    samples.collect()
}

fn text_hash(histogram: &Histogram) -> u64 {
    let text = format!("{histogram:?} {:x}", histogram.sum.to_bits());
    text.bytes().fold(7, |hash, byte| hash.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte))
}

fn all(store: &dyn Queryable) -> Vec<(String, Vec<(i64, u64)>)> {
    content(store, TimeRange::ALL)
}

#[test]
fn windows_become_segments_and_the_log_goes() {
    let dir = tempfile::tempdir().unwrap();
    let (db, _) = open(dir.path());
    let memory = MemoryStorage::new();
    for minute in 0..600 {
        let rows: Vec<(usize, f64)> = (0..20).map(|i| (i, f64::from(minute) * i as f64 * 0.25)).collect();
        append(&db, "g", i64::from(minute) * 60_000, &rows);
        append(&memory, "g", i64::from(minute) * 60_000, &rows);
    }
    let done = db.maintain(Timestamp::from_ms(10 * HOUR_MS)).unwrap();
    assert_eq!(done.segments_written, 4);
    assert_eq!(all(&db), all(&memory));
    let range = TimeRange::new(Timestamp::from_ms(3 * HOUR_MS + 1), Timestamp::from_ms(9 * HOUR_MS));
    assert_eq!(content(&db, range), content(&memory, range));
    assert_eq!(append(&db, "g", HOUR_MS, &[(99, 1.0)]), Some(Refusal::TooOld));
    drop(db);
    let (db, report) = open(dir.path());
    assert_eq!(report.segments, 4);
    assert!(report.damaged.is_empty() && !report.catalog_mended, "{report:?}");
    assert_eq!(all(&db), all(&memory));
    assert_eq!(db.label_values("i", &[], TimeRange::ALL).unwrap().len(), 20);
    let removed = db.maintain(Timestamp::from_ms(14 * 24 * HOUR_MS + 5 * HOUR_MS)).unwrap().segments_removed;
    assert_eq!(removed, 2);
    let kept = TimeRange::new(Timestamp::from_ms(4 * HOUR_MS), Timestamp::MAX);
    assert_eq!(all(&db), content(&memory, kept));
}

#[test]
fn a_lost_or_damaged_catalog_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (db, _) = open(dir.path());
    for minute in 0..300 {
        append(&db, "g", i64::from(minute) * 60_000, &[(1, f64::from(minute)), (2, 0.5)]);
    }
    db.maintain(Timestamp::from_ms(5 * HOUR_MS)).unwrap();
    let expected = all(&db);
    drop(db);
    let database = dir.path().join("catalog/db");
    std::fs::remove_dir_all(dir.path().join("catalog")).unwrap();
    let (db, report) = open(dir.path());
    assert!(report.catalog_mended);
    assert_eq!(all(&db), expected);
    drop(db);
    let whole = std::fs::read(&database).unwrap();
    for cut in [0, 17, whole.len() / 2] {
        std::fs::write(&database, &whole[..cut]).unwrap();
        let (db, _) = open(dir.path());
        assert_eq!(all(&db), expected, "cut at {cut}");
    }
}

#[test]
fn a_second_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (_db, _) = open(dir.path());
    let error = Lock::take(dir.path()).unwrap_err();
    assert!(matches!(&error, LockError::Held { holder, .. } if *holder == std::process::id().to_string()), "{error}");
}

#[test]
fn a_closed_store_takes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (db, _) = open(dir.path());
    let group = db.group("g");
    let series = db.series_id(group, &labels(1)).unwrap();
    db.close().unwrap();
    let batch = Batch::of_rows(group, Timestamp::from_ms(1), vec![Row { series, value: 1.0 }]);
    assert!(matches!(db.append(&[batch]), Err(storage::AppendError::Closed)));
}

/// The only log file that holds records.
fn log_file(dir: &Path) -> std::path::PathBuf {
    let files = std::fs::read_dir(dir.join("wal")).unwrap().map(|entry| entry.unwrap().path());
    files.max_by_key(|path| path.metadata().unwrap().len()).unwrap()
}

/// Where the n-th record of a log file begins.
fn record(bytes: &[u8], n: usize) -> usize {
    let length = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    (0..n).fold(8, |at, _| at + 8 + length(at))
}

/// Ten transactions, then damage, then a restart: how many transactions are left, and the report.
fn after_damage(damage: impl Fn(&mut Vec<u8>)) -> (Vec<i64>, OpenReport) {
    let dir = tempfile::tempdir().unwrap();
    let (db, _) = open(dir.path());
    for n in 0..10 {
        append(&db, "g", n, &[(1, 1e-3 * n as f64)]);
    }
    drop(db);
    let path = log_file(dir.path());
    let mut bytes = std::fs::read(&path).unwrap();
    damage(&mut bytes);
    std::fs::write(&path, &bytes).unwrap();
    let (db, report) = open(dir.path());
    let found = all(&db);
    let times = found.first().map(|(_, samples)| samples.iter().map(|(at, _)| *at).collect()).unwrap_or_default();
    // Whatever was lost, the store goes on, and a further restart changes nothing.
    append(&db, "g", 100, &[(1, 5.0)]);
    let expected = all(&db);
    drop(db);
    assert_eq!(all(&open(dir.path()).0), expected);
    (times, report)
}

#[test]
fn a_damaged_log_costs_what_is_damaged() {
    let first = |n: i64| (0..n).collect::<Vec<i64>>();
    let (times, report) = after_damage(|_| {});
    assert_eq!((times, report.wal_torn_bytes, report.wal_bad_records), (first(10), 0, 0));
    // The tail is torn.
    let (times, report) = after_damage(|bytes| bytes.truncate(bytes.len() - 3));
    assert_eq!(times, first(9));
    assert!(0 < report.wal_torn_bytes);
    // A bit of the last record.
    let (times, _) = after_damage(|bytes| *bytes.last_mut().unwrap() ^= 4);
    assert_eq!(times, first(9));
    // A bit of a record in the middle: that record, and what is told by what changed since.
    let (times, report) = after_damage(|bytes| {
        let at = record(bytes, 5) + 10;
        bytes[at] ^= 4;
    });
    assert_eq!((times, report.wal_bad_records), (first(5), 1));
    // Nothing but the name of the file.
    let (times, _) = after_damage(Vec::clear);
    assert_eq!(times, first(0));
}

/// After a damaged record the values of a group are believed again as soon as they are written in full.
#[test]
fn a_damaged_log_recovers_at_the_next_full_values() {
    let dir = tempfile::tempdir().unwrap();
    let (db, _) = open(dir.path());
    for n in 0..600 {
        append(&db, "g", n, &[(1, n as f64), (2, 0.5)]);
    }
    let expected = all(&db);
    drop(db);
    let path = log_file(dir.path());
    let mut bytes = std::fs::read(&path).unwrap();
    let at = record(&bytes, 100) + 10;
    bytes[at] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let (db, report) = open(dir.path());
    assert_eq!(report.wal_bad_records, 1);
    let found = all(&db);
    for ((labels, found), (_, expected)) in found.iter().zip(&expected) {
        assert!(found.iter().all(|sample| expected.contains(sample)), "{labels}: a wrong value");
        let lost = expected.len() - found.len();
        assert!((1..=241).contains(&lost), "{labels}: {lost} lost");
    }
}

fn histogram(n: i64) -> Histogram {
    let count = |part: i64| (n * part / 3) as f64;
    Histogram {
        schema: 3,
        zero_threshold: 0.001,
        zero_count: count(1),
        count: count(1) + count(2) + count(5) + count(9),
        sum: n as f64 * 0.37,
        positive_spans: vec![BucketSpan { offset: -2, length: 2 }, BucketSpan { offset: n as i32 / 100, length: 1 }],
        positive_buckets: vec![count(2), count(5), count(9)],
        reset_hint: if n % 50 == 0 { ResetHint::CounterReset } else { ResetHint::Unknown },
        ..Histogram::default()
    }
}

fn append_histograms(store: &dyn Appender, at_ms: i64, rows: &[(usize, Histogram)]) -> Option<Refusal> {
    let group = store.group("h");
    let row = |(series, value): &(usize, Histogram)| HistogramRow {
        series: store.series_id(group, &labels(*series)).unwrap(),
        value: Arc::new(value.clone()),
    };
    let rows = rows.iter().map(row).collect();
    let batch = Batch { histograms: rows, ..Batch::of_rows(group, Timestamp::from_ms(at_ms), Vec::new()) };
    store.append(&[batch]).unwrap().rejected.first().map(|rejected| rejected.reason)
}

#[test]
fn histograms_live_through_log_head_and_segments() {
    let dir = tempfile::tempdir().unwrap();
    let (db, _) = open(dir.path());
    let memory = MemoryStorage::new();
    for store in [&db as &dyn Appender, &memory] {
        for minute in 0..300 {
            let at_ms = minute * 60_000;
            assert_eq!(append_histograms(store, at_ms, &[(1, histogram(minute)), (2, histogram(7))]), None);
            append(store, "h", at_ms, &[(3, minute as f64)]);
        }
        let at_ms = 300 * 60_000;
        assert_eq!(append_histograms(store, at_ms, &[(1, Histogram::stale())]), None);
        // The same again changes nothing, another is refused, and so is a value at the same moment.
        assert_eq!(append_histograms(store, at_ms, &[(1, Histogram::stale())]), None);
        assert_eq!(append_histograms(store, at_ms, &[(1, histogram(5))]), Some(Refusal::Duplicate));
        assert_eq!(append(store, "h", at_ms, &[(1, 5.0)]), Some(Refusal::Duplicate));
        assert_eq!(append_histograms(store, at_ms - 1, &[(1, histogram(5))]), Some(Refusal::OutOfOrder));
        // From now on a value.
        assert_eq!(append(store, "h", at_ms + 1, &[(1, 5.0)]), None);
    }
    let expected = all(&memory);
    assert_eq!(all(&db), expected);
    drop(db);
    let (db, report) = open(dir.path());
    assert_eq!((report.wal_records, all(&db)), (602, expected.clone()));
    assert_eq!(db.maintain(Timestamp::from_ms(5 * HOUR_MS)).unwrap().segments_written, 2);
    assert_eq!(all(&db), expected);
    drop(db);
    let (db, report) = open(dir.path());
    assert_eq!((report.segments, all(&db)), (2, expected));
    let range = TimeRange::new(Timestamp::from_ms(HOUR_MS), Timestamp::from_ms(3 * HOUR_MS));
    assert_eq!(content(&db, range), content(&memory, range));
    let selectors = [vec![Matcher::equal("i", "2")]];
    assert_eq!(db.series(&selectors, range).unwrap(), [labels(2)]);
    assert_eq!(db.label_values("i", &[], TimeRange::ALL).unwrap(), ["1", "2", "3"]);
    let select = Select { matchers: &selectors[0], range, step_ms: 0, function: "", samples_max: 100 };
    assert!(db.select(&select).is_err(), "121 histograms are more than 100 samples");
}

/// Buckets and sums are told by counts: each is read alone and all together.
#[test]
fn classic_histograms_live_through_segments() {
    let dir = tempfile::tempdir().unwrap();
    let (db, _) = open(dir.path());
    let memory = MemoryStorage::new();
    let names: Vec<Labels> = ["1", "2.5", "+Inf"]
        .map(|le| Labels::from_pairs([("__name__", "h_bucket"), ("le", le)]))
        .into_iter()
        .chain(["h_sum", "h_count"].map(|name| Labels::from_pairs([("__name__", name)])))
        .collect();
    let mut count = 0.0;
    let mut sum = 0.0;
    for minute in 0..200i64 {
        let step = (minute * 7_919 % 101) as f64;
        count += step;
        sum += step * 0.7 + 0.01;
        let values = [(count * 0.3).floor(), (count * 0.9).floor(), count, sum, count];
        for store in [&db as &dyn Appender, &memory] {
            let group = store.group("g");
            let row = |(labels, value): (&Labels, f64)| Row { series: store.series_id(group, labels).unwrap(), value };
            // One bucket misses a scrape, and so has moments of its own.
            let rows = names.iter().zip(values).filter(|(labels, _)| minute != 50 || labels.get("le") != Some("1"));
            let batch = Batch::of_rows(group, Timestamp::from_ms(minute * 60_000), rows.map(row).collect());
            assert_eq!(store.append(&[batch]).unwrap().rejected, []);
        }
    }
    db.maintain(Timestamp::from_ms(200 * 60_000)).unwrap();
    drop(db);
    let (db, report) = open(dir.path());
    assert_eq!(report.segments, 1);
    let range = TimeRange::new(Timestamp::from_ms(10 * 60_000), Timestamp::from_ms(180 * 60_000));
    let matchers = [
        Matcher::equal("__name__", "h_bucket"),
        Matcher::equal("le", "2.5"),
        Matcher::equal("__name__", "h_sum"),
        Matcher::equal("le", "1"),
    ];
    for matcher in matchers {
        for range in [TimeRange::ALL, range] {
            let matchers = std::slice::from_ref(&matcher);
            let select = Select { matchers, range, step_ms: 0, function: "", samples_max: 10_000 };
            let samples = |store: &dyn Queryable| {
                let found = store.select(&select).unwrap().into_iter();
                found.map(|series| (series.labels, series.timestamps_ms.to_vec(), series.values)).collect::<Vec<_>>()
            };
            assert_eq!(samples(&db), samples(&memory), "{matcher:?}");
        }
    }
}

#[test]
fn exemplars_are_found_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let (db, _) = open_with(Config { future_max_ms: i64::MAX / 4, exemplars_max: 5, ..Config::new(dir.path()) });
    let group = db.group("g");
    let series = db.series_id(group, &labels(1)).unwrap();
    let trace = |n: i64| Exemplar {
        labels: Labels::from_pairs([("trace_id", n.to_string())]),
        value: n as f64,
        at: Timestamp::from_ms(n),
    };
    for n in [1, 2, 2, 3, 4, 5, 6, 7] {
        let exemplars = vec![ExemplarRow { series, exemplar: trace(n) }];
        let row = Row { series, value: 1.0 };
        let batch = Batch { exemplars, ..Batch::of_rows(group, Timestamp::from_ms(n * 10), vec![row]) };
        db.append(&[batch]).unwrap();
    }
    let selectors = [vec![Matcher::equal("__name__", "m")]];
    let find =
        |db: &Db, range| db.exemplars(&selectors, range).unwrap().into_iter().next().map(|found| found.exemplars);
    assert_eq!(find(&db, TimeRange::ALL), Some((3..8).map(trace).collect()));
    let range = TimeRange::new(Timestamp::from_ms(4), Timestamp::from_ms(5));
    assert_eq!(find(&db, range), Some(vec![trace(4), trace(5)]));
    drop(db);
    let (db, _) = open(dir.path());
    assert_eq!(find(&db, range), Some(vec![trace(4), trace(5)]));
    assert_eq!(db.exemplars(&[vec![Matcher::equal("__name__", "n")]], TimeRange::ALL).unwrap(), []);
}

#[test]
fn late_samples_are_taken_within_the_window() {
    const MINUTE_MS: i64 = 60_000;
    let dir = tempfile::tempdir().unwrap();
    let config = || Config { future_max_ms: i64::MAX / 4, ..Config::new(dir.path()) };
    let (db, _) = open_with(config());
    let mut expected = std::collections::BTreeMap::new();
    // Around the end of a window.
    for minute in (100..140).filter(|minute| minute % 2 == 0) {
        append(&db, "g", minute * MINUTE_MS, &[(1, minute as f64)]);
        expected.insert(minute * MINUTE_MS, (minute as f64).to_bits());
    }
    let mut late = |at_ms: i64, value: f64, reason| {
        assert_eq!(append(&db, "g", at_ms, &[(1, value)]), reason, "{at_ms}");
        if reason.is_none() {
            expected.insert(at_ms, value.to_bits());
        }
    };
    late(137 * MINUTE_MS, 0.5, None);
    late(137 * MINUTE_MS, 0.5, None);
    late(137 * MINUTE_MS, 0.25, Some(Refusal::Duplicate));
    late(136 * MINUTE_MS, 136.0, None);
    late(136 * MINUTE_MS, 1.0, Some(Refusal::Duplicate));
    late(129 * MINUTE_MS, model::STALE_NAN, None);
    late(127 * MINUTE_MS, 1.0, Some(Refusal::TooOld));
    // Another series brings the newest sample forward, a window further.
    append(&db, "g", 245 * MINUTE_MS, &[(2, 1.0)]);
    append(&db, "g", 242 * MINUTE_MS, &[(1, 1.0)]);
    late(237 * MINUTE_MS, 3.0, None);
    late(242 * MINUTE_MS, 1.0, None);
    let of_one = |db: &Db| all(db).into_iter().next().unwrap().1;
    let expected: Vec<(i64, u64)> = expected.into_iter().collect();
    assert_eq!(of_one(&db), expected);
    let stats = db.stats();
    assert_eq!((stats.rejected_duplicate, stats.rejected_too_old, stats.rejected), (2, 1, 3));
    drop(db);
    let (db, _) = open_with(config());
    assert_eq!(of_one(&db), expected);
    append(&db, "g", 400 * MINUTE_MS, &[(2, 1.0)]);
    assert_eq!(db.maintain(Timestamp::from_ms(400 * MINUTE_MS)).unwrap().segments_written, 3);
    assert_eq!(of_one(&db), expected);
}

#[test]
fn a_wrong_clock_closes_no_window() {
    let dir = tempfile::tempdir().unwrap();
    let (db, _) = open_with(Config::new(dir.path()));
    assert_eq!(append(&db, "g", 24 * HOUR_MS, &[(1, 1.0)]), Some(Refusal::TooNew));
    assert_eq!(append(&db, "g", 60_000, &[(1, 1.0)]), None);
    db.maintain(Timestamp::from_ms(25 * HOUR_MS)).unwrap();
    assert_eq!(append(&db, "g", 24 * HOUR_MS, &[(1, 1.0)]), None);
    assert_eq!(db.stats().rejected_too_new, 1);
}

#[test]
fn compacting_leaves_little_in_the_log_and_changes_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    let reopen = || open_with(Config { future_max_ms: i64::MAX / 4, ..Config::new(dir.path()) }).0;
    let mut db = reopen();
    let memory = MemoryStorage::new();
    let fill = |db: &Db, from: i64, to: i64| {
        for minute in from..to {
            for store in [db as &dyn Appender, &memory] {
                append(store, "g", minute * 60_000, &[(1, minute as f64), (2, (minute * minute) as f64 * 0.1)]);
                append_histograms(store, minute * 60_000, &[(4, histogram(minute))]);
            }
        }
    };
    fill(&db, 0, 200);
    let before = db.stats();
    assert_eq!(db.compact().unwrap().segments_written, 2);
    assert_eq!(all(&db), all(&memory));
    let after = db.stats();
    assert!(after.wal_bytes * 5 < before.wal_bytes, "{before:?} {after:?}");
    // What stayed in memory is in the log, also if there is nothing to do.
    for _ in 0..2 {
        drop(db);
        db = reopen();
        assert_eq!(all(&db), all(&memory));
        assert_eq!(db.compact().unwrap().segments_written, 0);
    }
    fill(&db, 200, 330);
    assert_eq!(db.compact().unwrap().segments_written, 2);
    assert_eq!(all(&db), all(&memory));
    drop(db);
    let (db, report) = open(dir.path());
    assert_eq!((report.segments, all(&db)), (4, all(&memory)));
    let range = TimeRange::new(Timestamp::from_ms(3 * HOUR_MS), Timestamp::from_ms(5 * HOUR_MS));
    assert_eq!(content(&db, range), content(&memory, range));
    assert_eq!(append(&db, "g", 330 * 60_000, &[(1, 5.0)]), None);
}

#[test]
fn the_oldest_segments_go_where_there_is_no_room() {
    let dir = tempfile::tempdir().unwrap();
    let (db, _) = open(dir.path());
    for minute in 0..900 {
        let rows: Vec<(usize, f64)> = (0..20).map(|i| (i, (minute * minute % (7 + i as i64)) as f64)).collect();
        append(&db, "g", minute * 60_000, &rows);
    }
    let now = Timestamp::from_ms(900 * 60_000);
    assert_eq!(db.maintain(now).unwrap().segments_written, 7);
    let stats = db.stats();
    let one = stats.segment_bytes / 7;
    db.set_size_max_bytes(stats.wal_bytes + 3 * one + one / 2);
    assert_eq!(db.maintain(now).unwrap().segments_removed, 4);
    let first = all(&db)[0].1[0].0;
    assert_eq!(first, 8 * HOUR_MS);
    assert_eq!(db.series(&[], TimeRange::ALL).unwrap().len(), 20);
    assert_eq!(db.maintain(now).unwrap().segments_removed, 0);
}

#[test]
fn every_bit_of_a_small_segment_may_flip() {
    let dir = tempfile::tempdir().unwrap();
    let (db, _) = open(dir.path());
    for minute in 0..5 {
        append(&db, "g", minute * 60_000, &[(1, 0.1 * minute as f64), (2, 7.0)]);
    }
    append(&db, "g", 3 * HOUR_MS, &[(1, 1.0)]);
    db.maintain(Timestamp::from_ms(3 * HOUR_MS)).unwrap();
    let segment = dir.path().join("raw/19700101/0.seg");
    let whole = std::fs::read(&segment).unwrap();
    let range = TimeRange::new(Timestamp::from_ms(0), Timestamp::from_ms(HOUR_MS));
    let expected = content(&db, range);
    drop(db);
    for byte in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[byte] ^= 1 << (byte % 8);
        std::fs::write(&segment, &bytes).unwrap();
        let (db, report) = open(dir.path());
        let matchers = [Matcher::equal("__name__", "m")];
        let select = Select { matchers: &matchers, range, step_ms: 0, function: "", samples_max: 1_000 };
        if report.damaged.is_empty()
            && let Ok(found) = db.select(&select)
        {
            // A flip in a byte that means nothing changes nothing.
            assert_eq!(found.len(), expected.len(), "byte {byte}");
            assert_eq!(content(&db, range), expected, "byte {byte}");
        }
        drop(db);
        let aside = segment.with_extension("damaged");
        if aside.exists() {
            std::fs::remove_file(aside).unwrap();
        }
    }
}

#[test]
fn states_that_a_crash_leaves_lose_and_double_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (db, _) = open(dir.path());
    for minute in 0..240 {
        append(&db, "g", minute * 60_000, &[(1, minute as f64)]);
    }
    let expected = all(&db);
    drop(db);
    let before = tempfile::tempdir().unwrap();
    copy(dir.path(), before.path());
    let (db, _) = open(dir.path());
    db.maintain(Timestamp::from_ms(4 * HOUR_MS)).unwrap();
    drop(db);
    // The segment is there, and the log that should have gone too.
    copy(&before.path().join("wal"), &dir.path().join("wal"));
    assert_eq!(all(&open(dir.path()).0), expected);
    // The segment is there, and the catalog has not heard of it.
    std::fs::remove_dir_all(dir.path().join("catalog")).unwrap();
    copy(&before.path().join("catalog"), &dir.path().join("catalog"));
    assert_eq!(all(&open(dir.path()).0), expected);
    // The segment was not finished.
    let segment = dir.path().join("raw/19700101/0.seg");
    std::fs::rename(&segment, segment.with_extension("tmp")).unwrap();
    copy(&before.path().join("wal"), &dir.path().join("wal"));
    let (db, report) = open(dir.path());
    assert_eq!(all(&db), expected);
    assert_eq!(report.segments, 0);
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Append { distance_ms: i64, group: u8, rows: Vec<(usize, f64)> },
    Histograms { distance_ms: i64, rows: Vec<(usize, i64)> },
    Maintain,
    Compact,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![any::<f64>(), Just(model::STALE_NAN), Just(1.0), (0..100i32).prop_map(f64::from)];
    let rows = prop::collection::btree_map(0..6usize, value, 1..5);
    let append = (prop_oneof![0..3i64, 1_000..60_000i64, 0..HOUR_MS], 0..2u8, rows);
    let histograms = (prop_oneof![0..3i64, 0..HOUR_MS], prop::collection::btree_map(3..8usize, 0..500i64, 1..4));
    prop_oneof![
        2 => histograms.prop_map(|(distance_ms, rows)| Step::Histograms { distance_ms, rows: rows.into_iter().collect() }),
        1 => Just(Step::Compact),
        8 => append.prop_map(|(distance_ms, group, rows)| Step::Append { distance_ms, group, rows: rows.into_iter().collect() }),
        1 => Just(Step::Maintain),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn it_answers_as_memory_does(steps in prop::collection::vec(step(), 1..60)) {
        let dir = tempfile::tempdir().unwrap();
        let mut db = Some(open(dir.path()).0);
        let memory = MemoryStorage::new();
        let mut now_ms = 0;
        for step in steps {
            let store = db.as_ref().unwrap();
            match step {
                Step::Append { distance_ms, group, rows } => {
                    now_ms += distance_ms;
                    let group = format!("g{group}");
                    prop_assert_eq!(append(store, &group, now_ms, &rows), append(&memory, &group, now_ms, &rows));
                }
                Step::Histograms { distance_ms, rows } => {
                    now_ms += distance_ms;
                    let rows: Vec<_> = rows.into_iter().map(|(series, n)| (series, histogram(n))).collect();
                    prop_assert_eq!(append_histograms(store, now_ms, &rows), append_histograms(&memory, now_ms, &rows));
                }
                Step::Compact => drop(store.compact().unwrap()),
                Step::Maintain => drop(store.maintain(Timestamp::from_ms(now_ms)).unwrap()),
                Step::Reopen => {
                    drop(db.take());
                    db = Some(open(dir.path()).0);
                }
            }
        }
        let store = db.as_ref().unwrap();
        prop_assert_eq!(all(store), all(&memory));
        let range = TimeRange::new(Timestamp::from_ms(now_ms / 3), Timestamp::from_ms(now_ms / 2));
        prop_assert_eq!(content(store, range), content(&memory, range));
    }
}

/// A store that the first layout's version wrote, and what is in it: a counter and a constant, a sample a minute.
#[test]
fn the_first_layout_is_read() {
    let fixture = test_support::repo_path("migrations/0001_first_layout/fixture");
    let dir = tempfile::tempdir().unwrap();
    copy(&fixture, dir.path());
    let (db, report) = open(dir.path());
    assert_eq!((report.segments, report.wal_bad_records), (2, 0));
    let found = all(&db);
    let expected = |value: fn(i64) -> f64| (0..300).map(|n| (n * 60_000, value(n).to_bits())).collect::<Vec<_>>();
    assert_eq!(found[0].1, expected(|n| n as f64));
    assert_eq!(found[1].1, expected(|_| 0.5));
}

/// A store that the second layout's version wrote, and what is in it: as the first, and a histogram and an exemplar.
#[test]
fn the_second_layout_is_read() {
    let fixture = test_support::repo_path("migrations/0002_smaller_segments/fixture");
    let dir = tempfile::tempdir().unwrap();
    copy(&fixture, dir.path());
    let (db, report) = open(dir.path());
    assert_eq!((report.segments, report.wal_bad_records), (2, 0));
    let memory = MemoryStorage::new();
    fill_second(&memory);
    assert_eq!(all(&db), all(&memory));
    let selectors = [vec![Matcher::equal("__name__", "m")]];
    assert_eq!(
        db.exemplars(&selectors, TimeRange::ALL).unwrap(),
        memory.exemplars(&selectors, TimeRange::ALL).unwrap()
    );
}

fn fill_second(store: &dyn Appender) {
    for minute in 0..300 {
        append(store, "g", minute * 60_000, &[(1, minute as f64), (2, 0.5)]);
        append_histograms(store, minute * 60_000, &[(3, histogram(minute))]);
    }
    let group = store.group("g");
    let series = store.series_id(group, &labels(1)).unwrap();
    let exemplar = Exemplar { labels: Labels::from_pairs([("trace_id", "a")]), value: 3.0, at: Timestamp::from_ms(7) };
    let exemplars = vec![ExemplarRow { series, exemplar }];
    store
        .append(&[Batch { exemplars, ..Batch::of_rows(group, Timestamp::from_ms(300 * 60_000), Vec::new()) }])
        .unwrap();
}
