//! The store against a store in memory, through restarts, cuts and damage.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::path::Path;
use std::sync::Arc;

use catalog::Catalog;
use model::{Labels, Matcher, TimeRange, Timestamp};
use proptest::prelude::*;
use storage::{Appender, Batch, MemoryStorage, Queryable, Refusal, Row, Select};
use tsdb::{Config, Db, Lock, LockError, OpenReport};

const HOUR_MS: i64 = 3_600_000;

fn open(dir: &Path) -> (Db, OpenReport) {
    let (catalog, _) = Catalog::open(dir, &[]).unwrap();
    let lock = Lock::take(dir).unwrap();
    Db::open(Config::new(dir), lock, Arc::new(catalog), Timestamp::from_ms(0)).unwrap()
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
        let samples = series.timestamps_ms.iter().zip(&series.values).map(|(at, value)| (*at, value.to_bits()));
        (series.labels.to_string(), samples.collect())
    });
    samples.collect()
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
    // A bit of a record in the middle: only that record.
    let (times, report) = after_damage(|bytes| {
        let at = bytes.len() - 60;
        bytes[at] ^= 4;
    });
    assert!((8..10).contains(&times.len()) && times.last() == Some(&9), "{times:?} {report:?}");
    assert_eq!(report.wal_bad_records, 1);
    // Nothing but the name of the file.
    let (times, _) = after_damage(Vec::clear);
    assert_eq!(times, first(0));
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
    Maintain,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![any::<f64>(), Just(model::STALE_NAN), Just(1.0), (0..100i32).prop_map(f64::from)];
    let rows = prop::collection::btree_map(0..6usize, value, 1..5);
    let append = (prop_oneof![0..3i64, 1_000..60_000i64, 0..HOUR_MS], 0..2u8, rows);
    prop_oneof![
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
