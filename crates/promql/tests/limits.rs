//! What a query may take, and how it says that it would take more.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use model::{Labels, Timestamp};
use promql::{Options, STEPS_MAX};
use storage::MemoryStorage;

fn storage() -> MemoryStorage {
    let storage = MemoryStorage::new();
    for number in 0..10 {
        let labels = Labels::from_pairs([("__name__", "m"), ("n", &number.to_string())]);
        storage.push(&labels, (0..100).map(|position| (position * 15_000, 1.0)));
    }
    storage
}

fn check(query: &str, step_ms: i64, options: &Options, expected: Option<&str>) {
    let expr = promql_syntax::parse(query).expect("a query");
    let (start, end) = (Timestamp::from_ms(600_000), Timestamp::from_ms(1_500_000));
    let found = promql::range(&expr, start, end, step_ms, &storage(), options).err().map(|error| error.to_string());
    assert_eq!(found.as_deref(), expected, "{query}");
}

#[test]
fn a_query_over_a_limit_names_it() {
    let too_many = Some("query processing would load too many samples into memory in query execution");
    let with = |samples_max| Options { samples_max, ..Options::default() };
    check("m", 15_000, &with(2_000), None);
    check("m", 15_000, &with(100), too_many); // what is loaded
    check("m", 1_000, &with(2_000), too_many); // what is made of it
    check("rate(m[1m])", 1_000, &with(2_000), too_many);
    check("sum_over_time(m[10m:1s])", 60_000, &with(2_000), too_many);
    let steps = format!("the query has 1500000 steps, at most {STEPS_MAX} are allowed");
    check("sum_over_time(vector(1)[1500s:1ms])", 900_001, &Options::default(), Some(&steps));
    let cancel = Some(Arc::new(AtomicBool::new(true)));
    check("m", 15_000, &Options { cancel, ..Options::default() }, Some("query was canceled in query execution"));
}
