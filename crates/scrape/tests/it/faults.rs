//! Targets that misbehave in every way: each has one clear error, none takes more memory than its bound, and the others
//! miss nothing.

use std::io::Write as _;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use scrape::{Health, ScrapeConfig};
use test_support::HttpTarget;

use crate::bench::{Bench, job};
use crate::fault_server::{Fault, FaultServer};

/// The bound of a page in these tests, in bytes.
const BODY_BYTES_MAX: usize = 1 << 20;
/// What the sockets between two ends may hold, in bytes.
const SOCKET_BYTES_MAX: usize = 16 << 20;
/// How often each good target has to be scraped while the bad ones misbehave.
const SCRAPES: usize = 20;

fn answer(head: &str, body: &[u8]) -> Fault {
    let head = format!(
        "HTTP/1.1 {head}\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    Fault::Says([head.as_bytes(), body].concat().into())
}

fn gzip_bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        encoder.write_all("a 1\n".repeat(16_384).as_bytes()).unwrap();
    }
    encoder.finish().unwrap()
}

fn truncated() -> Fault {
    let text = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\na 1\nb 2\n";
    Fault::Says(Arc::from(text.as_bytes()))
}

const ENDLESS: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n";

fn million_series() -> Fault {
    let page: String = (0..1_000_000).map(|n| format!("m{{n=\"{n}\"}} 1\n")).collect();
    answer("200 OK", page.as_bytes())
}

/// A job with room and time for everything but the fault itself.
fn bad_job(name: &str, server: &FaultServer) -> ScrapeConfig {
    let mut job = job(name, &[&server.address.to_string()]);
    (job.scrape_interval_ms, job.scrape_timeout_ms) = (60_000, 60_000);
    job.limits.body_bytes_max = BODY_BYTES_MAX;
    job
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_is_one_clear_error_and_the_others_miss_nothing() {
    let bench = Bench::new();
    let mut jobs = Vec::new();
    let mut servers = Vec::new();
    let faults = [
        ("truncated", truncated(), "the connection broke before the page was whole: "),
        ("endless", Fault::Endless(ENDLESS, "a 1\n"), "body size limit exceeded: the page has more than 1048576 bytes"),
        (
            "endless line",
            Fault::Endless(ENDLESS, "aaaa"),
            "body size limit exceeded: the page has more than 1048576 bytes",
        ),
        (
            "bomb",
            answer("200 OK\r\nContent-Encoding: gzip", &gzip_bomb()),
            "body size limit exceeded: the page has more than 1048576 bytes",
        ),
        (
            "other coding",
            answer("200 OK\r\nContent-Encoding: br", b"x"),
            "the page is compressed as \"br\", which was not asked for",
        ),
        ("not utf-8", answer("200 OK", b"a 1\nb{x=\"\xff\"} 2\n"), "line 2"),
        ("redirects", answer("302 Found\r\nLocation: /metrics", b""), "stopped after "),
        ("reset", Fault::Reset, ""),
        ("many bytes", million_series(), "body size limit exceeded: the page has more than 1048576 bytes"),
        ("many samples", million_series(), "sample"),
        ("no HTTP", Fault::Says(Arc::from(&b"SSH-2.0-OpenSSH\r\n"[..])), ""),
        ("404", answer("404 Not Found", b""), "server returned HTTP status 404 Not Found"),
    ];
    for (name, fault, _) in &faults {
        let server = FaultServer::start(fault.clone()).await;
        // Asked often, so that the fault comes again and again while the others are watched.
        let mut job = ScrapeConfig { scrape_interval_ms: 500, scrape_timeout_ms: 500, ..bad_job(name, &server) };
        if *name == "many samples" {
            job.limits.body_bytes_max = 64 << 20;
            job.limits.samples_max = Some(1_000);
            (job.scrape_interval_ms, job.scrape_timeout_ms) = (2_000, 2_000);
        }
        jobs.push(job);
        servers.push(server);
    }
    // Two that never answer, one of which is waited for all the time.
    let silent = FaultServer::start(Fault::Silent).await;
    jobs.push(ScrapeConfig { scrape_interval_ms: 200, scrape_timeout_ms: 200, ..bad_job("silent", &silent) });
    jobs.push(ScrapeConfig { scrape_interval_ms: 600_000, ..bad_job("stuck", &silent) });
    let good = [HttpTarget::serving("g 1\n").await, HttpTarget::serving("g 1\n").await];
    for (number, target) in good.iter().enumerate() {
        let mut job = job(&format!("good {number}"), &[&target.address().to_string()]);
        // Long enough even if this test is not alone on the machine; what counts is that no scrape waits for another.
        (job.scrape_interval_ms, job.scrape_timeout_ms) = (1_000, 1_000);
        jobs.push(job);
    }
    bench.manager.apply(jobs, vec![]).await.unwrap();

    for (name, _, expected) in &faults {
        // The first error may be the timeout of a busy machine.
        let target = bench.until(name, |target| {
            target.health == Health::Down && !target.last_error.starts_with("context deadline exceeded")
        });
        let error = target.await.last_error;
        assert!(error.starts_with(expected) && !error.is_empty() && error.len() < 300, "{name}: {error}");
    }
    let silent = bench.until("silent", |target| target.health == Health::Down).await;
    assert_eq!(silent.last_error, "context deadline exceeded: the target did not answer within 200ms");
    for number in 0..good.len() {
        let name = format!("good {number}");
        bench.until(&name, |_| SCRAPES <= bench.values("g", &name).len()).await;
        assert!(bench.values("g", &name).iter().all(|value| value == "1"), "{name} {:?}", bench.values("g", &name));
    }
    for (server, (name, ..)) in servers.iter().zip(&faults) {
        // Each connection is closed as soon as the bound is reached.
        let connections = bench.values("up", name).len() + 1;
        let bound = connections * (BODY_BYTES_MAX + SOCKET_BYTES_MAX);
        assert!(server.sent_bytes() <= bound, "{name} {} bytes in {connections} connections", server.sent_bytes());
    }
    bench.manager.shutdown().await;
}
