//! Configured targets that are programs which this one replaces.

use scrape::{Health, Program};

use crate::bench::{Bench, host, job};

#[tokio::test]
async fn the_built_in_collector_answers_for_a_program_that_is_not_there() {
    let bench = Bench::new();
    // A compose service, as the tutorials have it; no DNS knows the name.
    let mut configured = job("mine", &["node-exporter.invalid:9100", "no-node-exporter-here:9100"]);
    // The job's rules hold for the built-in collector's series as well.
    configured.metric_relabel_configs = vec![relabel::Config {
        target_label: "team".to_owned(),
        replacement: "blue".to_owned(),
        ..relabel::Config::default()
    }];
    bench.manager.apply(vec![configured], vec![host()]).await.unwrap();
    let served = |target: &scrape::TargetStatus| target.served_by.is_some() && target.health == Health::Up;
    let instance = |name: &str| {
        bench.manager.targets().into_iter().find(|target| target.labels.get("instance") == Some(name)).unwrap()
    };
    bench.until("mine", |_| served(&instance("no-node-exporter-here:9100"))).await;
    let target = instance("no-node-exporter-here:9100");
    assert_eq!((target.last_error.as_str(), target.samples), ("", 1));
    let served_by = target.served_by.unwrap();
    assert_eq!(served_by.program, Program::NodeExporter);
    assert!(served_by.to_string().starts_with("node_exporter does not answer there (the host name has no address: "));
    let page = bench.manager.raw_page(&target.key).await.unwrap();
    assert_eq!(String::from_utf8(page.body).unwrap().lines().last(), Some("load 2"));
    // A full name may be another machine's, whose absence must be seen.
    bench.until("mine", |_| instance("node-exporter.invalid:9100").health == Health::Down).await;
    assert_eq!(instance("node-exporter.invalid:9100").served_by, None);
    assert!(bench.labels("load", "mine").iter().all(|labels| labels.get("team") == Some("blue")));
    // The collector's own target rests, so nothing is there twice.
    let reason = "it answers for node_exporter at http://no-node-exporter-here:9100/metrics in job \"mine\"";
    bench.until("node", |target| target.resting.as_deref() == Some(reason)).await;
    assert_eq!(bench.values("load", "node"), Vec::<String>::new());
    assert_eq!(
        bench.values("up", "mine").iter().filter(|value| *value == "1").count(),
        bench.values("load", "mine").len()
    );
    // Without the configured target it is asked again.
    bench.manager.apply(vec![], vec![host()]).await.unwrap();
    bench.until("node", |target| target.resting.is_none() && target.health == Health::Up).await;
    bench.manager.shutdown().await;
}
