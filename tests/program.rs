//! Starts the program under test on a free port, asks it, and ends it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// How long the program may take to listen, and a condition to come true, in milliseconds. Only a failing test waits
/// that long.
const PATIENCE_MS: u64 = 60_000;
/// How often a condition is looked at, in milliseconds.
const LOOK_EVERY_MS: u64 = 50;

/// A running Pitwall; killed with its handle.
pub(crate) struct Program {
    child: Child,
    /// `http://127.0.0.1:PORT`
    pub(crate) url: String,
    http: reqwest::Client,
}

impl Program {
    /// Starts it on a free port with its data in `data`, and waits until it listens.
    pub(crate) async fn start(data: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pitwall"))
            .arg("--web.listen-address=127.0.0.1:0")
            .arg(format!("--storage.path={}", data.display()))
            .args(arguments)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output is piped")).lines();
        let said = tokio::time::timeout(Duration::from_millis(PATIENCE_MS), async {
            while let Some(line) = lines.next_line().await.expect("its output can be read") {
                if let Some((_, url)) = line.split_once("http://") {
                    return format!("http://{}", url.trim());
                }
            }
            panic!("the program ended before it listened");
        });
        let url = said.await.expect("the program listens in time");
        // The pipe must stay open: a program that cannot print is another program.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        http_client::install_crypto_provider();
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { child, url, http }
    }

    /// The answer's body.
    pub(crate) async fn page(&self, path: &str) -> String {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await.expect("it answers");
        answer.text().await.expect("the answer is text")
    }

    /// `data` of an API answer; `Null` for an error.
    pub(crate) async fn api(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let url = url::Url::parse_with_params(&format!("{}/api/v1{path}", self.url), parameters).expect("a URL");
        let Ok(answer) = self.http.get(url).send().await else { return Value::Null };
        let mut body: Value = serde_json::from_str(&answer.text().await.expect("text")).expect("JSON");
        body["data"].take()
    }

    /// The value of the first sample that `query` finds now.
    pub(crate) async fn value(&self, query: &str) -> Option<f64> {
        let data = self.api("/query", &[("query", query)]).await;
        data["result"][0]["value"][1].as_str().and_then(|text| text.parse().ok())
    }

    /// Sends a POST with `body`; the status.
    pub(crate) async fn post(&self, path: &str, body: Vec<u8>) -> Result<u16, reqwest::Error> {
        let answer = self.http.post(format!("{}{path}", self.url)).body(body).send().await?;
        Ok(answer.status().as_u16())
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// SIGTERM; the exit code.
    pub(crate) async fn stop(mut self) -> Option<i32> {
        let id = self.id();
        let killed = Command::new("kill").arg(id.to_string()).status().await.expect("kill runs");
        assert!(killed.success());
        let ended = tokio::time::timeout(Duration::from_millis(PATIENCE_MS), self.child.wait()).await;
        ended.expect("it ends in time").expect("it has a status").code()
    }
}

/// Looks at a condition until it gives something.
///
/// # Panics
/// It never does.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let waited = tokio::time::timeout(Duration::from_millis(PATIENCE_MS), async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(LOOK_EVERY_MS)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("never: {what}"))
}
