//! The pages in a real browser: nothing is refused by the pages' own policy, nothing is wider than the window, and the
//! charts are drawn.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::program::{Program, eventually};

const PAGES: [&str; 10] = [
    "/",
    "/targets",
    "/targets?state=dropped",
    "/config",
    "/flags",
    "/status",
    "/tsdb-status",
    "/rules",
    "/alerts",
    "/query",
];
const WIDTHS: [u64; 2] = [390, 1280];

#[tokio::test]
async fn every_page_fits_and_keeps_its_policy() {
    let Some(browser) = Browser::start().await else { return };
    let data = tempfile::tempdir().unwrap();
    let program = Program::start(data.path(), &[], &[]).await;
    eventually("the host has a chart", || async { program.page("/").await.contains("class=\"chart").then_some(()) })
        .await;
    for width in WIDTHS {
        // A window cannot be made as narrow as a phone, its page can.
        let metrics = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        let emulate = json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics});
        browser.command("goog/cdp/execute", emulate).await;
        for page in PAGES {
            browser.command("url", json!({"url": format!("{}{page}", program.url)})).await;
            assert_eq!(browser.script("return window.innerWidth").await, json!(width));
            let widest = browser.script("return document.documentElement.scrollWidth - window.innerWidth").await;
            assert!(widest.as_f64().unwrap() <= 0.0, "{page} is {widest} px too wide at {width} px");
            let said = browser.command("se/log", json!({"type": "browser"})).await;
            assert_eq!(said, json!([]), "{page} at {width} px");
            let headings = browser.script("return document.querySelectorAll('h1').length").await;
            assert_eq!(headings, json!(1), "{page}");
        }
    }
    browser.stop().await;
}

/// A browser behind chromedriver, asked by the WebDriver protocol.
struct Browser {
    driver: Child,
    http: reqwest::Client,
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// `None` where there is no browser; with `CI=true` that is a failure.
    async fn start() -> Option<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let driver = match driver {
            Ok(driver) => driver,
            Err(error) => {
                assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "chromedriver: {error}");
                eprintln!("skipped: no chromedriver ({error})");
                return None;
            }
        };
        http_client::install_crypto_provider();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
        let profile = tempfile::tempdir().unwrap();
        let flags = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ];
        let mut flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": flags},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let base = format!("http://127.0.0.1:{port}/session");
        let session = eventually("the browser starts", || async {
            let answer = http.post(&base).body(wanted.to_string()).send().await.ok()?.text().await.ok()?;
            let answer: Value = serde_json::from_str(&answer).ok()?;
            answer["value"]["sessionId"].as_str().map(|id| format!("{base}/{id}"))
        })
        .await;
        Some(Self { driver, http, session, _profile: profile })
    }

    async fn command(&self, path: &str, parameters: Value) -> Value {
        let answer = self.http.post(format!("{}/{path}", self.session)).body(parameters.to_string()).send().await;
        let text = answer.unwrap().text().await.unwrap();
        let mut answer: Value = serde_json::from_str(&text).unwrap();
        assert!(answer["value"]["error"].is_null(), "{path}: {answer}");
        answer["value"].take()
    }

    async fn script(&self, script: &str) -> Value {
        self.command("execute/sync", json!({"script": script, "args": []})).await
    }

    async fn stop(mut self) {
        self.http.delete(&self.session).send().await.unwrap();
        self.driver.kill().await.unwrap();
    }
}
