use model::{Labels, METRIC_NAME, Matcher, TimeRange, is_stale};
use storage::{MemoryStorage, Queryable, Select};

use super::*;
use crate::config::{NameValidation, ScrapeConfig};
use crate::reading::SAMPLE_LIMIT;

struct Bench {
    storage: Arc<MemoryStorage>,
    scraper: Scraper,
    at_ms: i64,
}

impl Bench {
    fn new(config: &ScrapeConfig) -> Self {
        let storage = Arc::new(MemoryStorage::new());
        let target = Target::new(config, "h:1", &Labels::empty()).unwrap();
        let scraper = Scraper::new(Arc::new(target), storage.clone());
        Self { storage, scraper, at_ms: 0 }
    }

    fn scrape(&mut self, body: Result<&str, &str>) -> Outcome {
        self.scrape_as(body.map(str::as_bytes), "text/plain")
    }

    fn scrape_as(&mut self, body: Result<&[u8], &str>, content_type: &str) -> Outcome {
        self.at_ms += 1_000;
        let page = body.map(|body| Page { body: body.to_vec(), content_type: Some(content_type.to_owned()) });
        let page = page.as_ref().map_err(|error| (*error).to_owned());
        self.scraper.append_page(page, Timestamp::from_ms(self.at_ms), 0.5).unwrap()
    }

    /// The values of a series, `~` for the stale marker.
    fn values(&self, name: &str) -> String {
        let matchers = [Matcher::equal(METRIC_NAME, name)];
        let select =
            Select { matchers: &matchers, range: TimeRange::ALL, step_ms: 0, function: "", samples_max: 1_000 };
        let shown = |value: &f64| if is_stale(*value) { "~".to_owned() } else { value.to_string() };
        let found = self.storage.select(&select).unwrap();
        let lines = found.iter().map(|series| {
            let floats = series.timestamps_ms.iter().zip(&series.values).map(|(at, value)| (*at, shown(value)));
            let histograms = series.histograms.iter().map(|(at, value)| {
                let counts: Vec<String> = value.positive_buckets.iter().map(f64::to_string).collect();
                (*at, if value.is_stale() { "~".to_owned() } else { format!("[{}]", counts.join(",")) })
            });
            let mut values: Vec<(i64, String)> = floats.chain(histograms).collect();
            values.sort();
            let values: Vec<String> = values.into_iter().map(|(_, value)| value).collect();
            format!("{} {}", series.labels, values.join(" "))
        });
        lines.collect::<Vec<_>>().join("; ")
    }
}

fn job() -> ScrapeConfig {
    ScrapeConfig { job_name: "j".to_owned(), ..ScrapeConfig::default() }
}

#[test]
fn series_that_vanish_and_scrapes_that_fail_leave_markers() {
    let mut bench = Bench::new(&job());
    bench.scrape(Ok("a 1\nb 1\n"));
    bench.scrape(Ok("a 2\n"));
    bench.scrape(Err("connection refused"));
    bench.scrape(Ok("a 4\nb 4\n"));
    let failed = bench.scrape(Ok("a 5\nb x\n"));
    assert!(failed.error.unwrap().starts_with("line 2"));
    assert_eq!(bench.values("a"), r#"a{instance="h:1", job="j"} 1 2 ~ 4 ~"#);
    assert_eq!(bench.values("b"), r#"b{instance="h:1", job="j"} 1 ~ 4 ~"#);
    assert_eq!(bench.values("up"), r#"up{instance="h:1", job="j"} 1 1 0 1 0"#);
    assert_eq!(bench.values("scrape_series_added"), r#"scrape_series_added{instance="h:1", job="j"} 2 0 0 1 0"#);
}

#[test]
fn a_target_that_is_gone_ends_its_series() {
    let mut bench = Bench::new(&job());
    bench.scrape(Ok("a 1\n"));
    bench.scraper.append_end(Timestamp::from_ms(9_000)).unwrap();
    assert_eq!(bench.values("a"), r#"a{instance="h:1", job="j"} 1 ~"#);
    assert_eq!(bench.values("up"), r#"up{instance="h:1", job="j"} 1 ~"#);
}

#[test]
fn hidden_labels_are_exported_unless_honoured() {
    let page = "a{job=\"x\",exported_job=\"y\"} 1\n";
    let mut bench = Bench::new(&job());
    bench.scrape(Ok(page));
    assert_eq!(bench.values("a"), r#"a{exported_exported_job="x", exported_job="y", instance="h:1", job="j"} 1"#);
    let mut bench = Bench::new(&ScrapeConfig { honor_labels: true, ..job() });
    bench.scrape(Ok(page));
    assert_eq!(bench.values("a"), r#"a{exported_job="y", instance="h:1", job="x"} 1"#);
}

#[test]
fn samples_with_moments_of_their_own_are_not_ended() {
    let mut bench = Bench::new(&job());
    bench.scrape(Ok("a 1 500\n"));
    bench.scrape(Ok("b 1\n"));
    assert_eq!(bench.values("a"), r#"a{instance="h:1", job="j"} 1"#);
    let mut bench = Bench::new(&ScrapeConfig { honor_timestamps: false, ..job() });
    bench.scrape(Ok("a 1 500\n"));
    bench.scrape(Ok(""));
    assert_eq!(bench.values("a"), r#"a{instance="h:1", job="j"} 1 ~"#);
}

#[test]
fn limits_fail_the_whole_scrape() {
    let mut config = job();
    config.limits.samples_max = Some(1);
    let mut bench = Bench::new(&config);
    assert_eq!(bench.scrape(Ok("a 1\nb 2\n")).error.unwrap(), "sample limit exceeded");
    assert_eq!(bench.values("a"), "");
    let mut config = job();
    config.limits.label_value_bytes_max = Some(4);
    assert!(Bench::new(&config).scrape(Ok("a{x=\"12345\"} 1\n")).error.unwrap().contains("length: 5, limit: 4"));
}

#[test]
fn the_model_server_s_page_arrives_whole() {
    let Some(path) = test_support::shared_data("expositions/vllm_0.33.0.txt") else { return };
    let page = std::fs::read_to_string(path).unwrap();
    let mut bench = Bench::new(&job());
    let outcome = bench.scrape(Ok(&page));
    assert_eq!((outcome.error, outcome.samples, outcome.samples_kept), (None, 361, 361));
    assert!(bench.values("vllm:num_requests_running").starts_with("vllm:num_requests_running{"));
}

#[test]
fn rules_drop_and_change_series_and_are_asked_once() {
    let rule = |action, source: &str, regex, target: &str, replacement: &str| relabel::Config {
        action,
        source_labels: vec![source.to_owned()],
        regex: Some(relabel::Pattern::new(regex).unwrap()),
        target_label: target.to_owned(),
        replacement: replacement.to_owned(),
        ..relabel::Config::default()
    };
    let rules = vec![
        rule(relabel::Action::Drop, "__name__", "go_.*", "", "$1"),
        rule(relabel::Action::Replace, "__name__", "old_(.*)", "__name__", "new_$1"),
    ];
    let mut bench = Bench::new(&ScrapeConfig { metric_relabel_configs: rules, ..job() });
    for page in ["go_x 1\nold_a 1\nb 1\n", "go_x 2\nold_a 2\nb 2\n", "b 3\nold_a 3\ngo_x 3\n"] {
        let outcome = bench.scrape(Ok(page));
        assert_eq!((outcome.samples, outcome.samples_kept, outcome.error), (3, 2, None));
    }
    assert_eq!(bench.values("go_x"), "");
    assert_eq!(bench.values("new_a"), r#"new_a{instance="h:1", job="j"} 1 2 3"#);
    assert_eq!(bench.values("scrape_samples_scraped"), r#"scrape_samples_scraped{instance="h:1", job="j"} 3 3 3"#);
    let kept = r#"scrape_samples_post_metric_relabeling{instance="h:1", job="j"} 2 2 2"#;
    assert_eq!(bench.values("scrape_samples_post_metric_relabeling"), kept);
    // A rule that takes the name away makes the page fail.
    let rules = vec![rule(relabel::Action::Replace, "__name__", "b", "__name__", "")];
    let mut bench = Bench::new(&ScrapeConfig { metric_relabel_configs: rules, ..job() });
    assert_eq!(bench.scrape(Ok("b 1\n")).error.unwrap(), "missing metric name (__name__ label)");
}

#[test]
fn a_series_that_stands_twice_is_taken_once_and_counted() {
    let mut bench = Bench::new(&job());
    let outcome = bench.scrape(Ok("a{x=\"1\"} 1\na{x=\"1\",} 2\nb 1\n"));
    assert_eq!((outcome.samples, outcome.samples_kept, outcome.refused.duplicate), (3, 3, 1));
    assert_eq!(bench.values("a"), r#"a{instance="h:1", job="j", x="1"} 1"#);
    // With moments of their own they are different samples.
    let outcome = bench.scrape(Ok("c 2 700\nc 1 500\nc 3 700\n"));
    assert_eq!((outcome.samples, outcome.refused.duplicate), (3, 1));
    assert_eq!(bench.values("c"), r#"c{instance="h:1", job="j"} 1 2"#);
}

#[test]
fn moments_of_their_own_may_be_tracked() {
    let mut bench = Bench::new(&ScrapeConfig { track_timestamps_staleness: true, ..job() });
    bench.scrape(Ok("a 1 500\n"));
    bench.scrape(Ok("b 1\n"));
    assert_eq!(bench.values("a"), r#"a{instance="h:1", job="j"} 1 ~"#);
}

#[test]
fn a_page_beyond_its_limit_is_counted_to_its_end() {
    let mut config = ScrapeConfig { extra_scrape_metrics: true, ..job() };
    config.limits.samples_max = Some(2);
    let mut bench = Bench::new(&config);
    let outcome = bench.scrape(Ok("a 1\na 1\nb 1\nc 1\nd 1\n"));
    assert_eq!((outcome.error.as_deref(), outcome.samples, outcome.samples_kept), (Some(SAMPLE_LIMIT), 5, 5));
    assert_eq!(bench.values("up"), r#"up{instance="h:1", job="j"} 0"#);
    assert_eq!(bench.values("scrape_series_added"), r#"scrape_series_added{instance="h:1", job="j"} 2"#);
    // Nothing is made in the store for what is too much.
    assert_eq!(
        bench.storage.label_values(METRIC_NAME, &[], TimeRange::ALL).unwrap().iter().filter(|n| n.len() == 1).count(),
        0
    );
    assert_eq!(bench.scrape(Ok("a 1\nb 1\n")).error, None);
    bench.scrape(Err("body size limit exceeded: the page has more than 3 bytes"));
    bench.scrape(Err("connection refused"));
    let extra = |name: &str, values: &str| {
        assert_eq!(bench.values(name), format!(r#"{name}{{instance="h:1", job="j"}} {values}"#))
    };
    extra("scrape_body_size_bytes", "20 8 -1 0");
    extra("scrape_sample_limit", "2 2 2 2");
    extra("scrape_timeout_seconds", "10 10 10 10");
    extra("up", "0 1 0 0");
}

#[test]
fn names_may_have_to_be_the_old_ones() {
    let page = "{\"a.b\"} 1\n";
    assert_eq!(Bench::new(&job()).scrape(Ok(page)).error, None);
    let mut bench = Bench::new(&ScrapeConfig { name_validation: NameValidation::Legacy, ..job() });
    let error = bench.scrape(Ok(page)).error.unwrap();
    assert_eq!(error, r#"invalid metric name or label names: {__name__="a.b", instance="h:1", job="j"}"#);
}

#[test]
fn exemplars_are_appended_when_they_are_new() {
    let mut bench = Bench::new(&job());
    for (id, value) in [("x", 1), ("x", 2), ("y", 3)] {
        let page = format!("# TYPE a counter\na_total {value} # {{id=\"{id}\"}} 0.5\n# EOF\n");
        let outcome = bench.scrape_as(Ok(page.as_bytes()), "application/openmetrics-text; version=1.0.0");
        assert_eq!(outcome.error, None);
    }
    let found = bench.storage.exemplars(&[vec![Matcher::equal(METRIC_NAME, "a_total")]], TimeRange::ALL).unwrap();
    let shown: Vec<String> = found[0]
        .exemplars
        .iter()
        .map(|found| format!("{} {} @{}", found.labels, found.value, found.at.as_ms()))
        .collect();
    assert_eq!(shown, [r#"{id="x"} 0.5 @1000"#, r#"{id="y"} 0.5 @3000"#]);
    let long = format!("a_total 4 # {{id=\"{}\"}} 0.5\n# EOF\n", "i".repeat(127));
    bench.scrape_as(Ok(long.as_bytes()), "application/openmetrics-text");
    let found = bench.storage.exemplars(&[vec![Matcher::equal(METRIC_NAME, "a_total")]], TimeRange::ALL).unwrap();
    assert_eq!(found[0].exemplars.len(), 2);
}

const CLASSIC: &str =
    "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4\nh_count 3\nh_other 1\n";

#[test]
fn classic_histograms_may_be_stored_as_native_ones() {
    let config = ScrapeConfig { classic_to_native: true, ..job() };
    let mut bench = Bench::new(&config);
    let outcome = bench.scrape(Ok(CLASSIC));
    assert_eq!((outcome.error, outcome.samples, outcome.samples_kept), (None, 2, 2));
    bench.scrape(Ok(CLASSIC));
    bench.scrape(Ok("x 1\n"));
    bench.scrape(Ok(CLASSIC));
    assert_eq!(bench.scrape(Ok("h 1\nh x")).samples, 1);
    bench.scrape(Ok(CLASSIC));
    assert_eq!(bench.values("h"), r#"h{instance="h:1", job="j"} [2,1] [2,1] ~ [2,1] ~ [2,1]"#);
    assert_eq!(bench.values("h_bucket"), "");
    assert_eq!(bench.values("h_other"), r#"h_other{instance="h:1", job="j"} 1 1 ~ 1 ~ 1"#);
    assert_eq!(bench.values("scrape_series_added"), r#"scrape_series_added{instance="h:1", job="j"} 2 0 1 2 1 0"#);

    let mut bench = Bench::new(&ScrapeConfig { classic_histograms: true, ..config.clone() });
    assert_eq!(bench.scrape(Ok(CLASSIC)).samples, 6);
    bench.scrape(Ok("x 1\n"));
    assert_eq!(bench.values("h"), r#"h{instance="h:1", job="j"} [2,1] ~"#);
    assert_eq!(bench.values("h_sum"), r#"h_sum{instance="h:1", job="j"} 4 ~"#);

    let mut config = config;
    config.limits.native_buckets_max = Some(1);
    let mut bench = Bench::new(&config);
    assert_eq!(bench.scrape(Ok(CLASSIC)).error.as_deref(), Some("histogram bucket limit exceeded"));
    assert_eq!(bench.values("h"), "");
}

/// A family `n` with one native histogram: one bucket of `count` observations.
fn native_page(count: u64) -> Vec<u8> {
    let message = |fields: &[(u8, &[u8])]| {
        let mut out = Vec::new();
        for (number, bytes) in fields {
            protobuf::put_bytes(&mut out, *number, bytes);
        }
        out
    };
    let varint = |number: u8, value: u64| {
        let mut out = vec![number << 3];
        protobuf::put_varint(&mut out, value);
        out
    };
    let span = varint(2, 1);
    let histogram = [varint(1, count), message(&[(12, &span)]), varint(13, count << 1)].concat();
    let family = [message(&[(1, b"n")]), varint(3, 4), message(&[(4, &message(&[(7, &histogram)]))])].concat();
    let mut page = Vec::new();
    protobuf::put_varint(&mut page, family.len() as u64);
    [page, family].concat()
}

#[test]
fn native_histograms_are_stored_if_they_are_wanted() {
    const TYPE: &str = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
    let mut bench = Bench::new(&ScrapeConfig { native_histograms: true, ..job() });
    for count in [3, 4] {
        let outcome = bench.scrape_as(Ok(&native_page(count)), TYPE);
        assert_eq!((outcome.error, outcome.samples), (None, 1));
    }
    let repeated = [native_page(5), native_page(6)].concat();
    assert_eq!(bench.scrape_as(Ok(&repeated), TYPE).refused.duplicate, 1);
    bench.scrape_as(Ok(b""), TYPE);
    assert_eq!(bench.values("n"), r#"n{instance="h:1", job="j"} [3] [4] [5] ~"#);
    let mut bench = Bench::new(&job());
    bench.scrape_as(Ok(&native_page(3)), TYPE);
    assert_eq!(bench.values("n"), "");
    assert_eq!(bench.values("n_bucket"), r#"n_bucket{instance="h:1", job="j", le="+Inf"} 3"#);
    let broken = bench.scrape_as(Ok(&native_page(3)[..9]), TYPE);
    assert!(broken.error.unwrap().contains("the page breaks off"));
}

#[test]
fn metadata_is_told_when_it_changes() {
    let mut bench = Bench::new(&job());
    let mut told = |page: &str| {
        let metadata = bench.scrape(Ok(page)).metadata?;
        let shown = metadata.iter().map(|(name, found)| format!("{name} {} {}", found.kind.as_str(), found.help));
        Some(shown.collect::<Vec<_>>().join("; "))
    };
    let page = "# HELP a A.\n# TYPE a counter\na 1\n# TYPE b gauge\nb 1\n";
    assert_eq!(told(page).as_deref(), Some("a counter A.; b gauge "));
    assert_eq!(told(page), None);
    assert_eq!(told(&page.replace("a 1", "a 2")), None);
    assert_eq!(told(&page.replace("A.", "B.")).as_deref(), Some("a counter B.; b gauge "));
    assert_eq!(told("# TYPE a counter\na 1\n").as_deref(), Some("a counter "));
    assert_eq!(told("# TYPE a counter\na x\n"), None);
}

#[test]
fn bounds_of_new_series_are_read_under_their_type_though_its_line_is_known() {
    let mut bench = Bench::new(&job());
    bench.scrape(Ok("# TYPE h histogram\nh_bucket{le=\"1\"} 2\n"));
    bench.scrape(Ok("# TYPE h histogram\nh_bucket{le=\"2\"} 2\n"));
    assert!(bench.values("h_bucket").contains("le=\"2.0\""));
}
