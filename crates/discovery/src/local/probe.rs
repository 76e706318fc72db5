//! Asks one server for its page: two paths, small bounds, no redirects, no credentials.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::page::{self, Page};

/// Where pages are, in the order in which they are asked for.
const PATHS: [&str; 2] = ["/metrics", "/v1/metrics"];
/// How long a connection may take, in milliseconds.
const CONNECT_TIMEOUT_MS: u64 = 500;
/// How long the page may take, in milliseconds.
const READ_TIMEOUT_MS: u64 = 2_000;
/// What is read of a page, in bytes.
const PAGE_BYTES_MAX: usize = 1 << 20;
/// The classic text, as most servers have it.
const ACCEPTED: &str = "text/plain;version=0.0.4;q=1,*/*;q=0.1";

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A page of metrics.
    Page { address: SocketAddr, path: &'static str, page: Page },
    /// None. `not_yet`: the server may only be loading.
    None { why: String, not_yet: bool },
}

/// Asks at the first address that can be connected to.
pub(super) async fn ask(addresses: &[SocketAddr], user_agent: &str) -> Outcome {
    let (mut why, mut not_yet) = (Vec::new(), false);
    for path in PATHS {
        match get(addresses, path, user_agent).await {
            Ok((address, Answer { status: StatusCode::OK, content_type, body, cut })) => {
                match page::read(path, content_type.as_deref(), &body, cut) {
                    Ok(page) => return Outcome::Page { address, path, page },
                    Err(error) => why.push(format!("{path}: {error}")),
                }
            }
            Ok((_, Answer { status, .. })) => {
                not_yet |= status == StatusCode::SERVICE_UNAVAILABLE;
                why.push(format!("{path} answered {status}"));
            }
            Err(error) => {
                why.push(format!("{path}: {error}"));
                // Who does not answer one request would not answer the next either.
                not_yet = true;
                break;
            }
        }
    }
    Outcome::None { why: why.join(", "), not_yet }
}

/// An answer, and whether its body was cut.
struct Answer {
    status: StatusCode,
    content_type: Option<String>,
    body: Vec<u8>,
    cut: bool,
}

async fn get(addresses: &[SocketAddr], path: &str, user_agent: &str) -> Result<(SocketAddr, Answer), String> {
    let mut last = "it has no address".to_owned();
    for address in addresses {
        let connected = tokio::time::timeout(Duration::from_millis(CONNECT_TIMEOUT_MS), TcpStream::connect(address));
        match connected.await {
            Ok(Ok(stream)) => {
                let answer = converse(stream, *address, path, user_agent);
                let answer = tokio::time::timeout(Duration::from_millis(READ_TIMEOUT_MS), answer).await;
                let answer = answer.map_err(|_elapsed| format!("no answer within {READ_TIMEOUT_MS} ms"))?;
                return Ok((*address, answer.map_err(|error| format!("it does not speak HTTP: {error}"))?));
            }
            Ok(Err(error)) => last = format!("cannot connect: {error}"),
            Err(_elapsed) => last = format!("no connection within {CONNECT_TIMEOUT_MS} ms"),
        }
    }
    Err(last)
}

async fn converse(
    stream: TcpStream,
    address: SocketAddr,
    path: &str,
    user_agent: &str,
) -> Result<Answer, hyper::Error> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get(path)
        .header(HOST, address.to_string())
        .header(USER_AGENT, user_agent)
        .header(ACCEPT, ACCEPTED)
        .header("Connection", "close")
        .body(Empty::<Bytes>::new())
        .unwrap_or_default();
    let ask = async {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let content_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (mut stream, mut body, mut cut) = (answer.into_body(), Vec::new(), false);
        while let Some(frame) = stream.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            let room = PAGE_BYTES_MAX - body.len();
            body.extend_from_slice(&data[..data.len().min(room)]);
            if room < data.len() {
                cut = true;
                break;
            }
        }
        Ok(Answer { status, content_type, body, cut })
    };
    // The connection is driven beside the request, and ends with it.
    tokio::pin!(ask);
    tokio::pin!(connection);
    tokio::select! {
        answer = &mut ask => answer,
        ended = &mut connection => match ended {
            Ok(()) => ask.await,
            Err(error) => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use test_support::{Asked, Reply, WebServer};
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    use super::*;

    async fn check<F, A>(answer: F, expected: &str) -> Vec<Asked>
    where
        F: Fn(Asked) -> A + Send + Sync + 'static,
        A: Future<Output = Reply> + Send + 'static,
    {
        let server = WebServer::start(answer).await;
        let shown = match ask(&[server.address()], "test/1").await {
            Outcome::Page { path, page, .. } => format!("{path} {}", page.samples),
            Outcome::None { why, not_yet } => format!("{why} {not_yet}"),
        };
        assert_eq!(shown, expected);
        server.asked()
    }

    #[tokio::test]
    async fn a_page_is_asked_for_with_a_name_and_without_credentials() {
        let asked = check(async |_asked: Asked| Reply::ok("a 1\nb 2\n"), "/metrics 2").await;
        assert_eq!(asked.len(), 1);
        let mut names: Vec<&str> = asked[0].headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "connection", "host", "user-agent"]);
        assert_eq!(asked[0].header("user-agent"), Some("test/1"));
    }

    #[tokio::test]
    async fn the_second_path_is_asked_for_where_the_first_is_none() {
        let nim = async |asked: Asked| match asked.path() {
            "/v1/metrics" => Reply::ok("num_requests_running 1\n"),
            _ => Reply::status(404),
        };
        assert_eq!(check(nim, "/v1/metrics 1").await.len(), 2);
    }

    #[tokio::test]
    async fn a_server_without_a_page_says_why() {
        let page = async |_asked: Asked| Reply::ok("<html>").with("content-type", "text/html");
        let expected = "/metrics: the endpoint returned a web page, not metrics, \
                        /v1/metrics: the endpoint returned a web page, not metrics false";
        check(page, expected).await;
        let loading = async |_asked: Asked| Reply::status(503);
        check(loading, "/metrics answered 503 Service Unavailable, /v1/metrics answered 503 Service Unavailable true")
            .await;
        let moved = async |_asked: Asked| Reply::status(302).with("location", "/metrics/");
        assert_eq!(check(moved, "/metrics answered 302 Found, /v1/metrics answered 302 Found false").await.len(), 2);
    }

    #[tokio::test]
    async fn a_page_without_end_is_cut() {
        let endless = async |_asked: Asked| Reply::ok("a 1\n".repeat(300_000));
        check(endless, "/metrics 262144").await;
    }

    #[tokio::test]
    async fn the_first_address_that_answers_counts() {
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let server = WebServer::start(async |_asked: Asked| Reply::ok("a 1\n")).await;
        let outcome = ask(&[gone, server.address()], "test/1").await;
        assert!(matches!(outcome, Outcome::Page { address, .. } if address == server.address()), "{outcome:?}");
        let outcome = ask(&[gone], "test/1").await;
        let why = "/metrics: cannot connect: Connection refused (os error 111)".to_owned();
        assert_eq!(outcome, Outcome::None { why, not_yet: true });
    }

    #[tokio::test]
    async fn who_speaks_something_else_is_left_alone() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let speaking = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"SSH-2.0-x\r\n").await.unwrap();
            stream
        });
        let Outcome::None { why, .. } = ask(&[address], "test/1").await else { panic!("a page") };
        assert!(why.starts_with("/metrics: it does not speak HTTP: "), "{why}");
        speaking.abort();
    }
}
