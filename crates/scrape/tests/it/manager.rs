//! Targets come, answer, change, fail and go.

use std::fs;

use model::Labels;
use relabel::{Action, Pattern};
use scrape::{Health, ScrapeConfig};
use test_support::HttpTarget;

use crate::bench::{Bench, host, job};

#[tokio::test]
async fn targets_come_answer_fail_and_go() {
    let target = HttpTarget::serving("a 1\n").await;
    let bench = Bench::new();
    bench.manager.apply(vec![job("j", &[&target.address().to_string()])], vec![host()]).await.unwrap();
    let up = bench.until("j", |target| target.health == Health::Up).await;
    assert_eq!((up.samples, up.body_bytes, up.hint, up.served_by), (1, 4, None, None));
    assert_eq!(up.global_url, format!("http://box:{}/metrics", target.address().port()));
    bench.until("node", |target| target.health == Health::Up).await;
    let page = bench.manager.raw_page(&up.key).await.unwrap();
    assert_eq!((page.body.as_slice(), page.cut), (&b"a 1\n"[..], false));
    target.set_status(500);
    let down = bench.until("j", |target| target.health == Health::Down).await;
    assert_eq!(down.last_error, "server returned HTTP status 500 Internal Server Error");
    target.set_body("{\"a\": 1}");
    target.set_status(200);
    let json = bench.until("j", |target| target.last_error.contains("JSON") && target.hint.is_some()).await;
    assert!(json.hint.unwrap().starts_with("The endpoint returns JSON"));
    let pools: Vec<_> = bench.manager.pools().iter().map(|pool| (pool.name.clone(), pool.up, pool.down)).collect();
    assert_eq!(pools, [("j".to_owned(), 0, 1), ("node".to_owned(), 1, 0)]);
    bench.manager.apply(vec![], vec![]).await.unwrap();
    assert!(bench.manager.targets().is_empty());
    assert!(bench.manager.raw_page(&up.key).await.is_err());
    assert_eq!(bench.values("load", "node").last().unwrap(), "~");
    bench.manager.shutdown().await;
}

#[tokio::test]
async fn a_reload_leaves_what_stays_alone() {
    let target = HttpTarget::serving("a 1\nb 1\n").await;
    let address = target.address().to_string();
    let bench = Bench::new();
    // Long enough that no scrape fails because the machine is busy.
    let slow = |ms: i64, addresses: &[&str]| ScrapeConfig {
        scrape_interval_ms: ms,
        scrape_timeout_ms: ms,
        ..job("j", addresses)
    };
    bench.manager.apply(vec![slow(1_000, &[&address, "localhost:1"])], vec![host()]).await.unwrap();
    bench.until("j", |_| bench.manager.targets().iter().all(|target| target.health != Health::Unknown)).await;
    bench.until("j", |target| target.health == Health::Up).await;
    bench.until("node", |target| target.health == Health::Up).await;
    // Another target goes, the interval changes, and so does what lines may mean.
    let mut changed = slow(500, &[&address]);
    changed.honor_labels = true;
    bench.manager.apply(vec![changed], vec![host()]).await.unwrap();
    let after = bench.until("j", |target| target.interval_ms == 500 && 0 < target.samples).await;
    let scrapes = bench.values("a", "j").len();
    bench.until("j", |_| scrapes + 3 <= bench.values("a", "j").len()).await;
    assert_eq!(after.health, Health::Up);
    for (name, job) in [("a", "j"), ("b", "j"), ("load", "node")] {
        assert!(!bench.values(name, job).contains(&"~".to_owned()), "{name} {:?}", bench.values(name, job));
    }
    // The series of the target that went have ended.
    assert_eq!(bench.values("up", "j").iter().filter(|value| *value == "~").count(), 1);
    bench.manager.shutdown().await;
}

#[tokio::test]
async fn what_files_say_is_followed() {
    let (one, two) = (HttpTarget::serving("a 1\n").await, HttpTarget::serving("a 2\n").await);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("targets.json");
    let write = |addresses: &[String]| {
        let text = format!("[{{\"targets\": {addresses:?}, \"labels\": {{\"team\": \"blue\"}}}}]");
        let aside = folder.path().join("new");
        fs::write(&aside, text).unwrap();
        fs::rename(aside, &path).unwrap();
    };
    let (one, two) = ((one.address().to_string(), one), (two.address().to_string(), two));
    write(&[one.0.clone(), "drop:1".to_owned()]);
    let files = discovery::FileConfig { files: vec![path.clone()], refresh_interval_ms: 300_000 };
    let config = ScrapeConfig {
        discoveries: vec![discovery::Config::File(files)],
        relabel_configs: vec![relabel::Config {
            source_labels: vec!["__address__".to_owned()],
            regex: Some(Pattern::new("drop:.*").unwrap()),
            action: Action::Drop,
            ..relabel::Config::default()
        }],
        ..job("files", &[])
    };
    let bench = Bench::new();
    bench.manager.apply(vec![config.clone()], vec![]).await.unwrap();
    let first = bench.until("files", |target| target.health == Health::Up).await;
    assert_eq!(first.labels, Labels::from_pairs([("instance", one.0.as_str()), ("job", "files"), ("team", "blue")]));
    assert_eq!(first.discovered_labels.get("__meta_filepath"), path.to_str());
    let dropped = bench.manager.dropped();
    assert_eq!(dropped[0].discovered_labels.get("__address__"), Some("drop:1"));
    let steps = bench.manager.relabel_steps("files", &dropped[0].discovered_labels).unwrap();
    assert_eq!(steps[0].1.labels, None);
    // The same configuration again keeps what was found, without a gap.
    bench.manager.apply(vec![config], vec![]).await.unwrap();
    assert_eq!(bench.target("files").unwrap().key, first.key);
    write(std::slice::from_ref(&two.0));
    bench.until("files", |target| target.labels.get("instance") == Some(&two.0)).await;
    bench.until("files", |_| bench.values("a", "files").contains(&"2".to_owned())).await;
    assert!(bench.values("a", "files").contains(&"~".to_owned()));
    fs::write(&path, "[{\"targets\": 1}]").unwrap();
    let waited = tokio::time::timeout(std::time::Duration::from_secs(60), async {
        while bench.manager.pools()[0].discovery_errors.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    waited.await.unwrap();
    // What was known stays.
    assert_eq!(bench.target("files").unwrap().labels.get("instance"), Some(two.0.as_str()));
    bench.manager.shutdown().await;
}

#[tokio::test]
async fn a_job_with_too_many_targets_fails_as_a_whole() {
    let target = HttpTarget::serving("a 1\n").await;
    let address = target.address().to_string();
    let config = ScrapeConfig { targets_max: Some(1), ..job("j", &[&address, "127.0.0.1:1"]) };
    let bench = Bench::new();
    bench.manager.apply(vec![config], vec![]).await.unwrap();
    let error = "target_limit exceeded (number of targets: 2, limit: 1)";
    bench.until("j", |_| bench.manager.targets().iter().all(|target| target.last_error == error)).await;
    assert!(bench.manager.pools()[0].target_limit_exceeded);
    assert_eq!(bench.values("a", "j"), Vec::<String>::new());
    let counted = bench.manager.own_metrics().into_iter().find(|family| family.name.ends_with("target_limit_total"));
    assert!(2.0 <= counted.unwrap().samples[0].1);
    bench.manager.shutdown().await;
}

#[tokio::test]
async fn failures_are_logged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("failures.jsonl");
    let config = ScrapeConfig { failure_log: Some(path.clone()), ..job("j", &["127.0.0.1:1"]) };
    let bench = Bench::new();
    bench.manager.apply(vec![config], vec![]).await.unwrap();
    bench.until("j", |_| fs::read_to_string(&path).is_ok_and(|text| 1 < text.lines().count())).await;
    let text = fs::read_to_string(&path).unwrap();
    let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!((&line["job_name"], &line["target"]), (&"j".into(), &"http://127.0.0.1:1/metrics".into()));
    assert!(line["msg"].as_str().unwrap().starts_with("cannot connect: "), "{line}");
    bench.manager.shutdown().await;
}
