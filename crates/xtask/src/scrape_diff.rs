//! `cargo xtask scrape-diff`: the real node_exporter, scraped by the real Prometheus and by Pitwall at the same time, must
//! give the same series with the same labels.
//!
//! The programs are looked for where `bench/peers.py fetch` unpacks them (`BENCH_PEERS`, else the temporary folder), then
//! on the PATH.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::shell::{cargo, output, root, run};

/// How long the programs may take to answer, in seconds.
const PATIENCE_S: u64 = 60;
/// Scrapes that both must have done before they are compared.
const SCRAPES_MIN: f64 = 5.0;

/// A program that ends with its handle.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.0.kill().and_then(|()| self.0.wait()) {
            eprintln!("cannot stop a program: {error}");
        }
    }
}

/// Compares.
///
/// # Errors
/// A program is missing, or the series differ.
pub(crate) fn scrape_diff() -> Result<()> {
    run(&mut cargo(&["build", "--release", "--package", "pitwall"]))?;
    let folder = root().join("target/scrape-diff");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let (exporter, theirs, ours) = (free_address()?, free_address()?, free_address()?);
    let config = folder.join("prometheus.yml");
    let job = format!("{{job_name: node, static_configs: [{{targets: ['{exporter}']}}]}}");
    std::fs::write(&config, format!("global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs: [{job}]\n"))?;

    let _node_exporter = start(
        Command::new(peer("prometheus-node-exporter").or_else(|_| peer("node_exporter"))?)
            .arg(format!("--web.listen-address={exporter}")),
    )?;
    let _prometheus = start(
        Command::new(peer("prometheus")?)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("prometheus").display()))
            .arg(format!("--web.listen-address={theirs}"))
            .arg("--log.level=error"),
    )?;
    let _pitwall = start(
        Command::new(root().join("target/release/pitwall"))
            .args(["--bare", "--web.auth=off", "--log.level=error"])
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", folder.join("pitwall").display()))
            .arg(format!("--web.listen-address={ours}")),
    )?;
    for server in [&theirs, &ours] {
        wait_for_scrapes(server)?;
    }
    let (theirs, ours) = (series(&theirs)?, series(&ours)?);
    let metrics: BTreeSet<&str> = theirs.iter().filter_map(|labels| labels.split('"').nth(3)).collect();
    println!("Prometheus: {} series, Pitwall: {} series, {} metric names", theirs.len(), ours.len(), metrics.len());
    for (who, only) in [("Prometheus", theirs.difference(&ours)), ("Pitwall", ours.difference(&theirs))] {
        for labels in only {
            println!("only in {who}: {labels}");
        }
    }
    ensure!(theirs == ours, "the series differ");
    println!("1 passed, 0 failed");
    Ok(())
}

/// Where a real program lies.
pub(crate) fn peer(name: &str) -> Result<PathBuf> {
    let fetched =
        std::env::var_os("BENCH_PEERS").map_or_else(|| std::env::temp_dir().join("bench-peers"), PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::iter::once(fetched.join("root/usr/bin")).chain(std::env::split_paths(&path));
    let found = folders.find_map(|folder: PathBuf| Some(folder.join(name)).filter(|file| Path::is_file(file)));
    found.with_context(|| format!("{name} is not here: python3 ../shared/bench/peers.py fetch"))
}

/// Starts a program whose output nobody wants.
pub(crate) fn start(command: &mut Command) -> Result<Running> {
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    Ok(Running(child.with_context(|| format!("cannot start {}", command.get_program().display()))?))
}

/// An address where nobody listens.
pub(crate) fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

fn wait_for_scrapes(server: &str) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(PATIENCE_S);
    while Instant::now() < until {
        let answer = get(server, "/api/v1/query?query=count_over_time(up%5B1h%5D)");
        let value = answer.as_ref().ok().and_then(|data| data["result"][0]["value"][1].as_str()?.parse::<f64>().ok());
        if value.is_some_and(|scrapes| SCRAPES_MIN <= scrapes) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    bail!("{server} did not scrape within {PATIENCE_S} s")
}

/// Every label set of the last hour, as JSON with sorted names.
fn series(server: &str) -> Result<BTreeSet<String>> {
    let data = get(server, "/api/v1/series?match%5B%5D=%7Bjob%3D%22node%22%7D")?;
    let labels = data.as_array().context("series are a list")?;
    labels
        .iter()
        .map(|labels| {
            let sorted: std::collections::BTreeMap<&String, &Value> =
                labels.as_object().into_iter().flatten().collect();
            Ok(serde_json::to_string(&sorted)?)
        })
        .collect()
}

/// The data of an answer of Prometheus' API.
pub(crate) fn get(server: &str, path: &str) -> Result<Value> {
    let text = output(Command::new("curl").args(["-sS", "--max-time", "20", &format!("http://{server}{path}")]))?;
    let mut answer: Value = serde_json::from_str(&text)?;
    Ok(answer["data"].take())
}
