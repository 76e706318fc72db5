//! `cargo xtask remote-write-diff`: the real Prometheus scrapes itself and a page with exemplars, and writes all of it to
//! Pitwall in both versions of remote write; both must then answer with the same samples, bit by bit, and the exemplars that
//! Pitwall has must be Prometheus'.
//!
//! The programs are looked for as `scrape_diff` says. Where the real Prometheus is not here, nothing is compared.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clock::Clock as _;
use serde_json::Value;

use crate::scrape_diff::{free_address, get, peer, start};
use crate::shell::{cargo, root, run};

/// How long Prometheus scrapes and writes before samples are compared, in seconds.
const COURSE_S: u64 = 25;
/// The samples compared: those of this many seconds.
const COMPARED_S: u64 = 15;
/// How long the last samples may take to arrive, in seconds.
const PATIENCE_S: u64 = 30;

/// Samples by series, each with the JSON of its points.
type Samples = BTreeMap<String, Vec<String>>;

/// Compares.
///
/// # Errors
/// A program fails, or the samples differ.
pub(crate) fn remote_write_diff() -> Result<()> {
    let prometheus = match peer("prometheus") {
        Ok(prometheus) => prometheus,
        Err(missing) => {
            println!("skipped: {missing}");
            return Ok(());
        }
    };
    run(&mut cargo(&["build", "--package", "pitwall"]))?;
    let folder = root().join("target/remote-write-diff");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let (theirs, ours) = (free_address()?, free_address()?);
    let config = folder.join("prometheus.yml");
    std::fs::write(&config, configuration(&serve_page()?, &theirs, &ours))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    let _pitwall = start(
        Command::new(target.join("debug/pitwall"))
            .args(["--bare", "--web.auth=off", "--log.level=error"])
            .arg(format!("--storage.path={}", folder.join("pitwall").display()))
            .arg(format!("--web.listen-address={ours}")),
    )?;
    let _prometheus = start(
        Command::new(prometheus)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("prometheus").display()))
            .arg(format!("--web.listen-address={theirs}"))
            .arg("--enable-feature=native-histograms,exemplar-storage,metadata-wal-records")
            .arg("--log.level=error"),
    )?;
    std::thread::sleep(Duration::from_secs(COURSE_S));
    let end_s = clock::SystemClock.now_ms() / 1000 - 2;
    let wanted = samples(&theirs, end_s, "")?;
    ensure!(!wanted.is_empty(), "Prometheus has no samples");
    let mut failed = 0;
    for version in ["v1", "v2"] {
        failed += usize::from(!compare(&theirs, &ours, end_s, version, &wanted)?);
    }
    println!("{} passed, {failed} failed", 2 - failed);
    ensure!(failed == 0, "the samples differ");
    Ok(())
}

/// Compares what arrived by one version, as soon as it is there.
fn compare(theirs: &str, ours: &str, end_s: i64, version: &str, wanted: &Samples) -> Result<bool> {
    let until = Instant::now() + Duration::from_secs(PATIENCE_S);
    let found = loop {
        let found = samples(ours, end_s, version)?;
        if found == *wanted || until < Instant::now() {
            break found;
        }
        std::thread::sleep(Duration::from_millis(500));
    };
    let count = |samples: &Samples| samples.values().map(Vec::len).sum::<usize>();
    let histograms = |samples: &Samples| samples.values().flatten().filter(|point| point.contains("buckets")).count();
    println!(
        "{version}: {} of {} series, {} of {} samples, {} of {} histograms among them; metadata of {} metrics; Prometheus \
         says that {} failed and {} were retried",
        found.len(),
        wanted.len(),
        count(&found),
        count(wanted),
        histograms(&found),
        histograms(wanted),
        get(ours, "/api/v1/metadata").ok().and_then(|data| Some(data.as_object()?.len())).unwrap_or(0),
        total(theirs, "failed", version)?,
        total(theirs, "retried", version)?,
    );
    for (series, points) in wanted {
        match found.get(series) {
            Some(arrived) if arrived == points => {}
            Some(arrived) => println!("  {series}: {arrived:?} instead of {points:?}"),
            None => println!("  missing: {series}"),
        }
    }
    for series in found.keys().filter(|series| !wanted.contains_key(*series)) {
        println!("  nobody sent {series}");
    }
    let exemplars = [exemplars(theirs, "")?, exemplars(ours, version)?];
    println!("{version}: {} of {} exemplars", exemplars[1].len(), exemplars[0].len());
    let missing = exemplars[1].iter().filter(|exemplar| !exemplars[0].contains(exemplar)).count();
    Ok(found == *wanted && total(theirs, "failed", version)? == "0" && missing == 0 && !exemplars[1].is_empty())
}

/// Two writers, told apart by a label.
fn configuration(page: &str, theirs: &str, ours: &str) -> String {
    let write = |name: &str, message: &str| {
        format!(
            "  - {{name: {name}, url: 'http://{ours}/api/v1/write', protobuf_message: {message}, send_exemplars: true, \
             send_native_histograms: true, queue_config: {{batch_send_deadline: 500ms, max_shards: 3}}, \
             metadata_config: {{send_interval: 2s}}, \
             write_relabel_configs: [{{target_label: wire, replacement: {name}}}]}}\n"
        )
    };
    format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n  - {{job_name: self, static_configs: \
         [{{targets: ['{theirs}']}}]}}\n  - {{job_name: page, static_configs: [{{targets: ['{page}']}}]}}\nremote_write:\n{}{}",
        write("v1", "prometheus.WriteRequest"),
        write("v2", "io.prometheus.write.v2.Request"),
    )
}

/// Serves an OpenMetrics page with an exemplar that changes, and a series that comes and goes; its address.
fn serve_page() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    std::thread::Builder::new().name("page".to_owned()).spawn(move || {
        for (n, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { continue };
            let mut page = format!(
                "# TYPE asked counter\n# HELP asked What was asked.\nasked_total{{code=\"200\"}} {n} # {{trace_id=\"t{n}\"}} \
                 0.5\n"
            );
            if n % 10 < 5 {
                page.push_str("# TYPE now_and_then gauge\nnow_and_then{text=\"温 \\\"x\\\" \\n\"} NaN\n");
            }
            page.push_str("# EOF\n");
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";
            let answer = format!("{head}Content-Length: {}\r\nConnection: close\r\n\r\n{page}", page.len());
            // A scraper that went away is no concern of the page's.
            let _gone = stream.read(&mut [0; 4096]).and_then(|_| stream.write_all(answer.as_bytes()));
        }
    })?;
    Ok(address)
}

/// The raw samples of the last seconds before `end_s`, of all series or those of one writer without its label.
fn samples(server: &str, end_s: i64, version: &str) -> Result<Samples> {
    let query = format!("%7Bjob%3D~%22.%2B%22%2Cwire%3D%22{version}%22%7D%5B{COMPARED_S}s%5D");
    let data = get(server, &format!("/api/v1/query?query={query}&time={end_s}"))?;
    let series = data["result"].as_array().context("the answer has a result")?;
    series
        .iter()
        .map(|series| {
            let mut points = Vec::new();
            for kind in ["values", "histograms"] {
                points.extend(series[kind].as_array().into_iter().flatten().map(point));
            }
            Ok((labels_of(&series["metric"])?, points))
        })
        .collect()
}

/// A point as text. The bounds of a histogram's buckets are not sent: whoever answers computes them from the schema, so
/// that their last digits are no concern of the writer's.
fn point(point: &Value) -> String {
    let mut point = point.clone();
    for bucket in point.pointer_mut("/1/buckets").and_then(Value::as_array_mut).into_iter().flatten() {
        for bound in [1, 2] {
            if let Some(value) = bucket[bound].as_str().and_then(|text| text.parse::<f64>().ok()) {
                bucket[bound] = Value::from(format!("{value:.12e}"));
            }
        }
    }
    point.to_string()
}

fn labels_of(metric: &Value) -> Result<String> {
    let sorted: BTreeMap<_, _> = metric.as_object().into_iter().flatten().filter(|(name, _)| *name != "wire").collect();
    Ok(serde_json::to_string(&sorted)?)
}

/// The exemplars of all series or those of one writer.
fn exemplars(server: &str, version: &str) -> Result<Vec<String>> {
    let query = format!("/api/v1/query_exemplars?query=asked_total%7Bwire%3D%22{version}%22%7D&start=0&end=9999999999");
    let data = get(server, &query)?;
    let mut found = Vec::new();
    for series in data.as_array().into_iter().flatten() {
        let labels = labels_of(&series["seriesLabels"])?;
        for exemplar in series["exemplars"].as_array().into_iter().flatten() {
            found.push(format!("{labels} {exemplar}"));
        }
    }
    Ok(found)
}

/// A counter of Prometheus' queue for one writer.
fn total(theirs: &str, what: &str, version: &str) -> Result<String> {
    let name = format!("sum(prometheus_remote_storage_samples_{what}_total%7Bremote_name%3D%22{version}%22%7D)");
    let data = get(theirs, &format!("/api/v1/query?query={name}"))?;
    match data["result"][0]["value"][1].as_str() {
        Some(total) => Ok(total.to_owned()),
        None => bail!("Prometheus has no {what} samples of {version}"),
    }
}
