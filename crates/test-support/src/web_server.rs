//! A web server whose answers a test writes: HTTP/1.1 and HTTP/2, plain, over TLS or a Unix socket; keeps every request.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// A request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Such as `GET`.
    pub method: String,
    /// What was asked for: path and query, or a whole URL.
    pub target: String,
    /// Whether it came over HTTP/2.
    pub http2: bool,
    /// Names in small letters, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// The name that the TLS handshake asked for.
    pub tls_name: Option<String>,
}

impl Asked {
    /// The first value of a header, by its name in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The path without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// 200 with this body.
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into() }
    }

    /// 200 with this body as JSON.
    pub fn json(body: impl Into<Vec<u8>>) -> Self {
        Self::ok(body).with("content-type", "application/json")
    }

    /// This status without a body.
    pub const fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// With a further header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

type Answering = Arc<dyn Fn(Asked) -> Pin<Box<dyn Future<Output = Reply> + Send>> + Send + Sync>;

/// The server; it ends with its handle.
pub struct WebServer {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    accepting: JoinHandle<()>,
}

#[derive(Clone)]
struct Shared {
    answer: Answering,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl WebServer {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// There is no free port.
    pub async fn start<F, A>(answer: F) -> Self
    where
        F: Fn(Asked) -> A + Send + Sync + 'static,
        A: Future<Output = Reply> + Send + 'static,
    {
        Self::listen(None, shared(answer)).await
    }

    /// As [`WebServer::start`], over TLS. HTTP/2 is spoken if `tls` offers it.
    ///
    /// # Panics
    /// There is no free port.
    pub async fn start_tls<F, A>(tls: ServerConfig, answer: F) -> Self
    where
        F: Fn(Asked) -> A + Send + Sync + 'static,
        A: Future<Output = Reply> + Send + 'static,
    {
        Self::listen(Some(TlsAcceptor::from(Arc::new(tls))), shared(answer)).await
    }

    /// As [`WebServer::start`], on a Unix socket; [`WebServer::address`] means nothing then.
    ///
    /// # Panics
    /// The socket cannot be made.
    pub async fn start_unix<F, A>(path: &Path, answer: F) -> Self
    where
        F: Fn(Asked) -> A + Send + Sync + 'static,
        A: Future<Output = Reply> + Send + 'static,
    {
        let listener = UnixListener::bind(path).expect("a new socket");
        let shared = shared(answer);
        let asked = Arc::clone(&shared.asked);
        let accepting = tokio::spawn(async move {
            let mut conversations = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                conversations.spawn(converse(stream, shared.clone(), false, None));
            }
        });
        Self { address: SocketAddr::from(([0, 0, 0, 0], 0)), asked, accepting }
    }

    async fn listen(tls: Option<TlsAcceptor>, shared: Shared) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let asked = Arc::clone(&shared.asked);
        let accepting = tokio::spawn(async move {
            let mut conversations = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, tls) = (shared.clone(), tls.clone());
                conversations.spawn(async move {
                    let Some(tls) = tls else { return converse(stream, shared, false, None).await };
                    // A handshake that fails is what some tests are about; the client tells why.
                    let Ok(stream) = tls.accept(stream).await else { return };
                    let connection = stream.get_ref().1;
                    let http2 = connection.alpn_protocol() == Some(b"h2");
                    let name = connection.server_name().map(str::to_owned);
                    converse(stream, shared, http2, name).await;
                });
            }
        });
        Self { address, asked, accepting }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn shared<F, A>(answer: F) -> Shared
where
    F: Fn(Asked) -> A + Send + Sync + 'static,
    A: Future<Output = Reply> + Send + 'static,
{
    Shared { answer: Arc::new(move |asked| Box::pin(answer(asked))), asked: Arc::default() }
}

async fn converse<S>(stream: S, shared: Shared, http2: bool, tls_name: Option<String>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let (shared, tls_name) = (shared.clone(), tls_name.clone());
        async move { Ok::<_, Infallible>(respond(request, shared, http2, tls_name).await) }
    });
    let stream = TokioIo::new(stream);
    // A client may leave at any time.
    if http2 {
        drop(hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service).await);
    } else {
        drop(hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await);
    }
}

async fn respond(
    request: Request<Incoming>,
    shared: Shared,
    http2: bool,
    tls_name: Option<String>,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let asked = Asked {
        method: head.method.to_string(),
        target: head.uri.path_and_query().map_or_else(|| head.uri.to_string(), ToString::to_string),
        http2,
        headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect(),
        body: text(&body),
        tls_name,
    };
    shared.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked.clone());
    let reply = (shared.answer)(asked).await;
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = StatusCode::from_u16(reply.status).expect("a status");
    for (name, value) in reply.headers {
        let name = hyper::header::HeaderName::try_from(name).expect("a header's name");
        response.headers_mut().append(name, value.parse().expect("a header's value"));
    }
    response
}
