//! Through a real forward proxy: CONNECT for https, whole URLs for http.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_client::{Config, ProxyConfig, Secret, TlsConfig, build};
use test_support::{Asked, Authority, Reply, WebServer};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A proxy; keeps the head of each request. It answers plain requests itself, and connects those of CONNECT to the
/// port that they name on this machine, so that names without an address can be asked for.
struct Proxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("as the test needs it");
        let address = listener.local_addr().expect("as the test needs it");
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let accepting = tokio::spawn({
            let heads = Arc::clone(&heads);
            async move {
                let mut conversations = tokio::task::JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    conversations.spawn(relay(stream, Arc::clone(&heads)));
                }
            }
        });
        Self { address, heads, accepting }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("as the test needs it").clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn relay(stream: TcpStream, heads: Arc<Mutex<Vec<String>>>) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let line = head.lines().next().unwrap_or_default().to_owned();
    heads.lock().expect("as the test needs it").push(head);
    let Some(target) = line.strip_prefix("CONNECT ") else {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nproxied";
        stream.write_all(answer).await.expect("as the test needs it");
        return;
    };
    let port: u16 = target
        .split(' ')
        .next()
        .expect("as the test needs it")
        .rsplit(':')
        .next()
        .expect("as the test needs it")
        .parse()
        .expect("as the test needs it");
    let mut server = TcpStream::connect(("127.0.0.1", port)).await.expect("as the test needs it");
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.expect("as the test needs it");
    drop(tokio::io::copy_bidirectional(&mut stream, &mut server).await);
}

fn through(proxy: &Proxy) -> ProxyConfig {
    ProxyConfig {
        url: Some(Secret::new(format!("http://user:word@{}", proxy.address))),
        connect_header: vec![("X-Route".to_owned(), vec![Secret::new("lab")])],
        ..ProxyConfig::default()
    }
}

#[tokio::test]
async fn a_plain_request_is_handed_to_the_proxy_whole() {
    let proxy = Proxy::start().await;
    let client = build(&Config { proxy: through(&proxy), ..Config::default() }).unwrap();
    let answer = client.get("http://target.invalid:9100/metrics").send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "proxied");
    let head = proxy.heads().remove(0).to_lowercase();
    assert!(head.starts_with("get http://target.invalid:9100/metrics http/1.1\r\n"), "{head}");
    assert!(head.contains("proxy-authorization: basic dxnlcjp3b3jk\r\n"), "{head}");
    assert!(!head.contains("x-route"), "the header is for CONNECT: {head}");
}

#[tokio::test]
async fn tls_goes_through_a_tunnel_that_the_proxy_cannot_read() {
    let (proxy, authority) = (Proxy::start().await, Authority::new());
    let server =
        WebServer::start_tls(authority.sign("target.invalid").server(None), async |_asked: Asked| Reply::ok("secret"))
            .await;
    let tls = TlsConfig { ca: Some(authority.pem().to_owned()), ..TlsConfig::default() };
    let client = build(&Config { proxy: through(&proxy), tls, ..Config::default() }).unwrap();
    let url = format!("https://target.invalid:{}/metrics", server.address().port());
    assert_eq!(client.get(&url).send().await.unwrap().text().await.unwrap(), "secret");
    let head = proxy.heads().remove(0).to_lowercase();
    assert!(head.starts_with(&format!("connect target.invalid:{} http/1.1\r\n", server.address().port())), "{head}");
    assert!(head.contains("proxy-authorization: basic dxnlcjp3b3jk\r\n"), "{head}");
    assert!(head.contains("x-route: lab\r\n"), "{head}");
    assert_eq!(server.asked()[0].header("proxy-authorization"), None);
}

/// A SOCKS proxy without users (RFC 1928), for one connection: tells the name that it was asked for, and connects to the
/// port on this machine.
async fn socks(listener: TcpListener) -> String {
    let (mut stream, _) = listener.accept().await.expect("a client");
    let mut greeting = [0; 3];
    stream.read_exact(&mut greeting).await.expect("version and methods");
    assert_eq!(greeting, [5, 1, 0]);
    stream.write_all(&[5, 0]).await.expect("a client that listens");
    let mut head = [0; 5];
    stream.read_exact(&mut head).await.expect("a request");
    assert_eq!(head[..4], [5, 1, 0, 3], "connect, to a name");
    let mut name = vec![0; usize::from(head[4])];
    stream.read_exact(&mut name).await.expect("a name");
    let port = stream.read_u16().await.expect("a port");
    let mut server = TcpStream::connect(("127.0.0.1", port)).await.expect("a server");
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.expect("a client that listens");
    drop(tokio::io::copy_bidirectional(&mut stream, &mut server).await);
    String::from_utf8(name).expect("a name in ASCII")
}

#[tokio::test]
async fn a_socks_proxy_resolves_the_name_itself() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Some(Secret::new(format!("socks5h://{}", listener.local_addr().unwrap())));
    let proxying = tokio::spawn(socks(listener));
    let server = WebServer::start(async |_asked: Asked| Reply::ok("behind").with("connection", "close")).await;
    let client = build(&Config { proxy: ProxyConfig { url, ..ProxyConfig::default() }, ..Config::default() }).unwrap();
    let answer = client.get(&format!("http://target.invalid:{}/", server.address().port())).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "behind");
    drop(client);
    assert_eq!(proxying.await.unwrap(), "target.invalid");
}

#[tokio::test]
async fn no_proxy_goes_straight() {
    let proxy = Proxy::start().await;
    let server = WebServer::start(async |_asked: Asked| Reply::ok("straight")).await;
    let config = ProxyConfig { no_proxy: "other.invalid".to_owned(), ..through(&proxy) };
    let client = build(&Config { proxy: config, ..Config::default() }).unwrap();
    let answer = client.get(&format!("http://{}/", server.address())).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "straight");
    assert_eq!(proxy.heads(), Vec::<String>::new());
}
