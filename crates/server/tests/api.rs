//! The whole server over real requests: what Prometheus 3.5 answers to the same ones, and what pages do.

use std::sync::Arc;
use std::time::Duration;

use alerting::LogRecord;
use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use clock::ManualClock;
use http_body_util::BodyExt as _;
use model::{Labels, Timestamp};
use notify::{Journal, JournalError, Runner, RunnerConfig};
use promql::Options;
use scrape::{Machine, ScrapeConfig, StaticGroup};
use serde_json::{Value, json};
use server::{
    BuildInfo, Decided, Decision, Facts, FoundTargets, HostRules, InForce, Lifecycle, Queries, State, StoreFacts,
};
use storage::MemoryStorage;
use test_support::HttpTarget;
use tokio::sync::mpsc;
use tower::ServiceExt as _;

/// 2015-07-01T20:10:51Z
const NOW_MS: i64 = 1_435_781_451_000;

/// Remembers nothing.
struct NoJournal;

impl Journal for NoJournal {
    fn load(&self) -> Result<Vec<LogRecord>, JournalError> {
        Ok(Vec::new())
    }
    fn record(&self, _record: &LogRecord) -> Result<(), JournalError> {
        Ok(())
    }
}

/// A server with two series, without targets and rules.
struct Fixture {
    router: Router,
    targets: Arc<scrape::Manager>,
    decisions: mpsc::Receiver<Decided>,
}

impl Fixture {
    fn new() -> Self {
        let storage = Arc::new(MemoryStorage::new());
        for (job, value) in [("a", 1.0), ("b", 0.0)] {
            let labels = Labels::from_pairs([("__name__", "up"), ("job", job)]);
            storage.push(&labels, [(NOW_MS - 20_000, value), (NOW_MS - 5_000, value)]);
        }
        let clock = Arc::new(ManualClock::at(NOW_MS));
        let journal = Arc::new(NoJournal);
        let external_url = "http://box:3000".to_owned();
        let notify = RunnerConfig { route: None, receivers: Vec::new(), external_url, clock: clock.clone(), journal };
        let rules = rules::ManagerConfig {
            storage: storage.clone(),
            clock: clock.clone(),
            options: Options::default(),
            sink: Arc::new(|_| ()),
        };
        let machine = Machine { hostname: "box".to_owned(), external_url: "http://box:3000".to_owned(), port: 3000 };
        let targets = Arc::new(scrape::Manager::new(storage.clone(), clock.clone(), machine));
        let in_force = InForce {
            yaml: "global: {}\n".to_owned(),
            since: Timestamp::from_ms(NOW_MS),
            external_labels: Labels::from_pairs([("box", "g")]),
            retention_ms: 86_400_000,
            ..InForce::default()
        };
        let (found, decisions) = FoundTargets::channel(Arc::new(|| vec![("127.0.0.1:8080".to_owned(), false)]));
        let (lifecycle, _reloads) = Lifecycle::channel();
        let state = State {
            storage: storage.clone(),
            clock: clock.clone(),
            queries: Arc::new(Queries::new(2, 10_000, Options::default())),
            targets: Arc::clone(&targets),
            rules: Arc::new(rules::Manager::new(rules)),
            notify: Arc::new(Runner::start(notify).expect("an empty journal")),
            writer: Arc::new(remote::Writer::new(storage)),
            own_metrics: Arc::new(Vec::new),
            lifecycle,
            found,
            facts: Facts {
                started: Timestamp::from_ms(NOW_MS),
                working_dir: "/srv".into(),
                cores: 2,
                flags: vec![("config.file".to_owned(), "a.yml".to_owned())].into(),
                configuration: Arc::new(ArcSwap::from_pointee(in_force)),
                store: Arc::new(|| StoreFacts { series: 2, damaged: 0 }),
                compact: Arc::new(|| Err("the disk is full".to_owned())),
            },
            build: BuildInfo { name_and_version: "pitwall 0", prometheus_version: "3.14.0", revision: "" },
            hostname: "box".into(),
        };
        let hosts = HostRules { hostname: "box".to_owned(), external_host: None };
        Self { router: server::router(state, hosts), targets, decisions }
    }

    async fn ask(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
        let response = self.router.clone().oneshot(request).await.expect("the router does not fail");
        let (head, body) = response.into_parts();
        (head.status, head.headers, body.collect().await.expect("a body").to_bytes().to_vec())
    }

    /// The status and the text that `GET path` gives.
    async fn get(&self, path: &str) -> (u16, String) {
        let request = Request::get(path).header(header::HOST, "box").body(Body::empty()).expect(path);
        let (status, _, body) = self.ask(request).await;
        (status.as_u16(), String::from_utf8(body).expect("UTF-8"))
    }

    async fn post(&self, path: &str, form: &str, site: &str) -> (u16, String) {
        let request = Request::post(path)
            .header(header::HOST, "box")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", site)
            .body(Body::from(form.to_owned()))
            .expect(path);
        let (status, _, body) = self.ask(request).await;
        (status.as_u16(), String::from_utf8(body).expect("UTF-8"))
    }
}

fn error(kind: &str, message: &str) -> Value {
    json!({"status": "error", "errorType": kind, "error": message})
}

fn data(data: Value) -> Value {
    json!({"status": "success", "data": data})
}

/// The answers of Prometheus 3.5.3 to the same requests over the same two series.
#[tokio::test]
async fn answers_and_errors_are_prometheus() {
    let fixture = Fixture::new();
    let check = async |path: &str, status: u16, expected: Value| {
        let (found, text) = fixture.get(&format!("/api/v1{path}")).await;
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        assert_eq!((found, &body), (status, &expected), "{path}");
    };
    let bad = |message| error("bad_data", message);
    let sample =
        |job: &str, value: &str| json!({"metric": {"__name__": "up", "job": job}, "value": [1_435_781_451, value]});
    check(
        "/query?query=up",
        200,
        data(json!({"resultType": "vector", "result": [sample("a", "1"), sample("b", "0")]})),
    )
    .await;
    let mut cut = data(json!({"resultType": "vector", "result": [sample("a", "1")]}));
    cut["warnings"] = json!(["results truncated due to limit"]);
    check("/query?query=up&limit=1", 200, cut).await;
    check("/query?query=1%2B1&time=1.5", 200, data(json!({"resultType": "scalar", "result": [1.5, "2"]}))).await;
    check(
        "/query",
        400,
        bad(r#"invalid parameter "query": unknown position: parse error: no expression found in input"#),
    )
    .await;
    check(
        "/query?query=up&time=x",
        400,
        bad(r#"invalid parameter "time": invalid time value for 'time': cannot parse "x" to a valid timestamp"#),
    )
    .await;
    check(
        "/query?query=up&timeout=x",
        400,
        bad(r#"invalid parameter "timeout": cannot parse "x" to a valid duration"#),
    )
    .await;
    let lookback = r#"error parsing lookback delta duration: cannot parse "x" to a valid duration"#;
    check("/query?query=up&lookback_delta=x", 400, bad(lookback)).await;
    check("/query?query=up&lookback_delta=4", 200, data(json!({"resultType": "vector", "result": []}))).await;
    check("/query?query=up&limit=-1", 400, bad(r#"invalid parameter "limit": limit must be non-negative"#)).await;
    let range = r#"invalid parameter "query": invalid expression type "range vector" for range query, must be Scalar or instant Vector"#;
    check("/query_range?query=up%5B5m%5D&start=0&end=9&step=1", 400, bad(range)).await;
    check(
        "/query_range?query=up&start=0&end=9",
        400,
        bad(r#"invalid parameter "step": cannot parse "" to a valid duration"#),
    )
    .await;
    check("/query_range?query=none&start=0&end=9&step=1", 200, data(json!({"resultType": "matrix", "result": []})))
        .await;
    check("/format_query?query=sum(up)by(a)", 200, data(json!("sum by (a) (up)"))).await;
    check("/labels", 200, data(json!(["__name__", "job"]))).await;
    check("/labels?match[]=up%7B", 400, bad("1:4: parse error: unexpected end of input inside braces")).await;
    check("/labels?match[]=%7B%7D", 400, bad("match[] must contain at least one non-empty matcher")).await;
    check("/labels?start=10&end=5", 200, data(json!([]))).await;
    check("/label/job/values", 200, data(json!(["a", "b"]))).await;
    check("/label/U__a_2e_b/values", 200, data(json!([]))).await;
    check("/series", 400, bad("no match[] parameter provided")).await;
    check("/series?match[]=none", 200, data(json!([]))).await;
    check("/query_exemplars?query=up", 200, data(json!([]))).await;
    check("/query_exemplars?query=up&start=9&end=1", 400, bad("end timestamp must not be before start timestamp"))
        .await;
    check("/rules", 200, data(json!({"groups": []}))).await;
    check("/rules?type=x", 400, bad(r#"invalid parameter "type": not supported value "x""#)).await;
    check("/alerts", 200, data(json!({"alerts": []}))).await;
    check("/alertmanagers", 200, data(json!({"activeAlertmanagers": [], "droppedAlertmanagers": []}))).await;
    let none = json!({"activeTargets": [], "droppedTargets": [], "droppedTargetCounts": null});
    check("/targets?state=active", 200, data(none)).await;
    check("/scrape_pools", 200, data(json!({"scrapePools": []}))).await;
    check("/targets/relabel_steps?scrapePool=x", 400, bad("no labels parameter provided")).await;
    check("/status/config", 200, data(json!({"yaml": "global: {}\n"}))).await;
    check("/status/flags", 200, data(json!({"config.file": "a.yml"}))).await;
    check("/status/walreplay", 200, data(json!({"min": 0, "max": 0, "current": 0}))).await;
    check("/status/tsdb?limit=x", 400, bad("limit must be a positive number")).await;
    check("/notifications", 200, data(json!([]))).await;
    check("/metadata", 200, data(json!({}))).await;
    check("/targets/metadata", 200, data(json!([]))).await;
    check("/metadata?limit=x", 400, bad("limit must be a number")).await;
    check("/nope", 404, json!("404 page not found\n")).await;
    check("/write", 405, json!("Method Not Allowed\n")).await;
}

#[tokio::test]
async fn forms_compression_and_federation() {
    let mut fixture = Fixture::new();
    let (status, text) = fixture.post("/api/v1/query", "query=1%2B1&time=0", "none").await;
    assert_eq!(
        (status, text.as_str()),
        (200, r#"{"status":"success","data":{"resultType":"scalar","result":[0,"2"]}}"#)
    );
    let (status, text) = fixture.post("/api/v1/series", "match[]=up&limit=1", "none").await;
    assert!(status == 200 && text.contains("results truncated due to limit"), "{text}");
    let request =
        Request::get("/api/v1/status/flags").header(header::HOST, "box").header(header::ACCEPT_ENCODING, "gzip");
    let (_, headers, _) = fixture.ask(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(headers.get(header::CONTENT_ENCODING).map(|value| value.as_bytes()), Some(&b"gzip"[..]));
    let federated = "# TYPE up untyped\n\
         up{job=\"a\",box=\"g\",instance=\"\"} 1 1435781446000\n\
         up{job=\"b\",box=\"g\",instance=\"\"} 0 1435781446000\n";
    assert_eq!(fixture.get("/federate?match[]=up").await, (200, federated.to_owned()));
    assert_eq!(fixture.get("/federate?match[]=up%7B").await.0, 400);
    assert_eq!(fixture.get("/-/quit").await.0, 403);
    let (status, text) = fixture.post("/api/v1/admin/tsdb/snapshot", "", "none").await;
    assert!(status == 500 && text.contains("\"errorType\":\"unavailable\""), "{text}");
    let (status, text) = fixture.post("/api/v1/admin/tsdb/compact", "", "none").await;
    assert!(status == 500 && text.contains("the disk is full"), "{text}");
    let (status, text) = fixture.get("/api/v1/openapi.yaml").await;
    assert!(status == 200 && text.contains("\n  /query_range:\n    get:\n"), "{text}");
    assert!(fixture.decisions.try_recv().is_err(), "nobody decided anything");
}

#[tokio::test]
async fn the_targets_page_shows_what_is_scraped() {
    http_client::install_crypto_provider();
    let fixture = Fixture::new();
    let target =
        HttpTarget::serving("# HELP good_total Good ones.\n# TYPE good_total counter\ngood_total{a=\"<b>\"} 1\n").await;
    let job = ScrapeConfig {
        job_name: "vllm".to_owned(),
        scrape_interval_ms: 1_000,
        scrape_timeout_ms: 1_000,
        static_groups: vec![StaticGroup { targets: vec![target.address().to_string()], ..StaticGroup::default() }],
        ..ScrapeConfig::default()
    };
    fixture.targets.apply(vec![job], Vec::new()).await.expect("a sound job");
    let up = tokio::time::timeout(Duration::from_secs(30), async {
        while !fixture.targets.targets().iter().any(|target| target.health == scrape::Health::Up) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(up.await.is_ok(), "it never came up: {:?}", fixture.targets.targets());
    let contains = async |path: &str, words: &[&str]| {
        let (status, page) = fixture.get(path).await;
        assert_eq!(status, 200, "{path}");
        for word in words {
            assert!(page.contains(word), "{path} lacks {word}: {page}");
        }
    };
    let address = target.address().to_string();
    contains("/targets", &["1 of 1 up", &address, "127.0.0.1:8080"]).await;
    contains("/targets?q=nothing", &["No such target"]).await;
    contains("/targets?pool=vllm", &["only the job vllm", &address]).await;
    contains("/targets?pool=other", &["No such target"]).await;
    contains("/targets?state=dropped", &["Nothing was dropped"]).await;
    let said = json!({"good_total": [{"type": "counter", "unit": "", "help": "Good ones."}]});
    assert_eq!(fixture.get("/api/v1/metadata").await, (200, data(said).to_string()));
    let said = json!([{
        "target": {"instance": address, "job": "vllm"}, "type": "counter", "help": "Good ones.", "unit": "",
    }]);
    let path = "/api/v1/targets/metadata?metric=good_total&match_target=%7Bjob=%22vllm%22%7D";
    assert_eq!(fixture.get(path).await, (200, data(said).to_string()));
    let key = fixture.targets.targets()[0].key.clone();
    contains(&format!("/targets/raw?key={key}"), &["good_total{a=&#34;&#60;b&#62;&#34;} 1"]).await;
    contains(&format!("/targets/raw.txt?key={key}"), &["good_total{a=\"<b>\"} 1"]).await;
    contains(&format!("/targets/relabel?key={key}"), &["no relabel_configs", "__address__="]).await;
    for path in ["/config", "/flags", "/status", "/tsdb-status", "/rules", "/alerts"] {
        contains(path, &["<h1>"]).await;
    }
    assert_eq!(fixture.get("/targets/raw?key=none").await.0, 404);
    assert_eq!(fixture.get("/service-discovery").await.0, 308);
    fixture.targets.shutdown().await;
}

#[tokio::test]
async fn decisions_about_found_targets_come_from_this_site_only() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.post("/targets/dismiss", "key=0a", "cross-site").await.0, 403);
    assert!(fixture.decisions.try_recv().is_err(), "the request of another site was heard");
    let request = Request::post("/targets/dismiss")
        .header(header::HOST, "box")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .body(Body::from("key=0a"))
        .expect("a request");
    let asked = tokio::spawn(fixture.router.clone().oneshot(request));
    let (decision, answer) = fixture.decisions.recv().await.expect("a decision");
    assert_eq!(decision, Decision::Dismiss { key: "0a".to_owned() });
    answer.send(Ok(())).expect("somebody waits");
    let response = asked.await.expect("no panic").expect("the router does not fail");
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers().get(header::LOCATION).map(|value| value.as_bytes()), Some(&b"/targets"[..]));
}
