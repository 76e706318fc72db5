//! kill -9 while samples arrive: what was acknowledged, or had been returned by a query, is there after the restart.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use test_support::HttpTarget;

use crate::program::{Program, eventually};

/// How often the program is killed.
const KILLS: u64 = 10;
/// Series in each remote write request.
const SERIES: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost() {
    let data = tempfile::tempdir().unwrap();
    let target = HttpTarget::serving("scraped_total 1\n").await;
    let config = data.path().join("prometheus.yml");
    let yaml = format!(
        "scrape_configs: [{{job_name: t, scrape_interval: 200ms, scrape_timeout: 200ms, static_configs: [{{targets: ['{}']}}]}}]",
        target.address()
    );
    std::fs::write(&config, yaml).unwrap();
    let config_flag = format!("--config.file={}", config.display());
    let store = data.path().join("store");

    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let mut seen = BTreeSet::new();
    let mut next_ms = now_ms();
    for round in 0..KILLS {
        let program = Arc::new(Program::start(&store, &["--bare", &config_flag], &[]).await);
        let here = times(&program, &format!("written{{i=\"{}\"}}[1h]", SERIES - 1)).await;
        let lost: Vec<_> = acknowledged.lock().unwrap().difference(&here).copied().collect();
        assert!(lost.is_empty(), "round {round}: acknowledged and lost: {lost:?}");
        let here = times(&program, "scraped_total[1h]").await;
        let lost: Vec<_> = seen.difference(&here).copied().collect();
        assert!(lost.is_empty(), "round {round}: answered and lost: {lost:?}");

        let stop = Arc::new(AtomicBool::new(false));
        let writing = tokio::spawn({
            let (program, stop, acknowledged) = (Arc::clone(&program), Arc::clone(&stop), Arc::clone(&acknowledged));
            async move {
                while !stop.load(Ordering::Relaxed) {
                    next_ms += 1;
                    match program.post("/api/v1/write", write_request(next_ms)).await {
                        Ok(204) => drop(acknowledged.lock().unwrap().insert(next_ms)),
                        Ok(status) => panic!("remote write answered {status}"),
                        Err(_) => break, // killed
                    }
                }
                next_ms
            }
        });
        let known = seen.len();
        seen = eventually("a scrape is answered", || async {
            let now = times(&program, "scraped_total[1h]").await;
            (known < now.len()).then_some(now)
        })
        .await;
        // Another moment of the program's work each time.
        tokio::time::sleep(Duration::from_millis(37 * round)).await;
        kill_shared(&program).await;
        stop.store(true, Ordering::Relaxed);
        next_ms = writing.await.unwrap();
    }
    assert!(KILLS as usize <= acknowledged.lock().unwrap().len());
}

async fn kill_shared(program: &Arc<Program>) {
    let id = program.id();
    let killed = tokio::process::Command::new("kill").args(["-9", &id.to_string()]).status().await.unwrap();
    assert!(killed.success());
    eventually("the program is gone", || async {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        (stat.is_empty() || stat.contains(") Z")).then_some(())
    })
    .await;
}

/// The moments of the samples that a range selector finds now, in milliseconds.
async fn times(program: &Program, selector: &str) -> BTreeSet<i64> {
    // The writer's moments run ahead of the clock: it writes more than one a millisecond.
    let at = ((now_ms() + 1_800_000) / 1000).to_string();
    let data = program.api("/query", &[("query", selector), ("time", &at)]).await;
    let values = data["result"][0]["values"].as_array().cloned().unwrap_or_default();
    values.iter().filter_map(|point| point[0].as_f64()).map(|seconds| (seconds * 1000.0).round() as i64).collect()
}

fn now_ms() -> i64 {
    clock::Clock::now_ms(&clock::SystemClock)
}

/// Remote write 1.0 (prometheus/prompb/remote.proto), only what a sender of floats needs.
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

#[derive(Clone, PartialEq, prost::Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

fn write_request(at_ms: i64) -> Vec<u8> {
    let label = |name: &str, value: String| Label { name: name.to_owned(), value };
    let series = |i: usize| TimeSeries {
        labels: vec![label("__name__", "written".to_owned()), label("i", i.to_string())],
        samples: vec![Sample { value: at_ms as f64, timestamp: at_ms }],
    };
    let request = WriteRequest { timeseries: (0..SERIES).map(series).collect() };
    snap::raw::Encoder::new().compress_vec(&prost::Message::encode_to_vec(&request)).unwrap()
}
