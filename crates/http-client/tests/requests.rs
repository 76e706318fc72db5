//! Against real servers: headers, credentials, redirects, bodies, timeouts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_client::{Authorization, BasicAuth, Config, HttpHeader, REDIRECTS_MAX, Secret, build, build_raw, build_unix};
use test_support::{Asked, Reply, WebServer};

async fn hello(_asked: Asked) -> Reply {
    Reply::ok("hello")
}

fn url(server: &WebServer, path: &str) -> String {
    format!("http://{}{path}", server.address())
}

#[tokio::test]
async fn everything_that_the_configuration_says_goes_along() {
    let server = WebServer::start(hello).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tenant");
    std::fs::write(&path, "from-file\n").unwrap();
    let config = Config {
        basic_auth: Some(BasicAuth {
            username: "Aladdin".to_owned(),
            password: Secret::new("open sesame"),
            ..BasicAuth::default()
        }),
        http_headers: vec![HttpHeader {
            name: "X-Tenant".to_owned(),
            values: vec!["open".to_owned()],
            secrets: vec![Secret::new("hidden")],
            files: vec![path],
        }],
        ..Config::default()
    };
    let request = build(&config).unwrap();
    let request = request.get(&url(&server, "/x?y=1")).header("X-Tenant", "caller").header("Accept", "text/plain");
    assert_eq!(request.send().await.unwrap().text().await.unwrap(), "hello");
    let asked = server.asked().remove(0);
    assert_eq!(asked.target, "/x?y=1");
    assert_eq!(asked.header("authorization"), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
    assert_eq!(asked.header("accept"), Some("text/plain"));
    let tenants: Vec<&str> =
        asked.headers.iter().filter(|(name, _)| name == "x-tenant").map(|(_, value)| value.as_str()).collect();
    assert_eq!(tenants, ["open", "hidden", "from-file"]);
}

#[tokio::test]
async fn a_redirect_to_another_host_takes_no_credentials_along() {
    let other = WebServer::start(hello).await;
    let to = url(&other, "/there");
    let server = WebServer::start(move |asked: Asked| {
        let to = to.clone();
        async move {
            match asked.path() {
                "/near" => Reply::status(302).with("location", "/here"),
                "/far" => Reply::status(302).with("location", &to),
                _ => Reply::ok("here"),
            }
        }
    })
    .await;
    let config = Config {
        authorization: Some(Authorization::bearer(Secret::new("canary"))),
        http_headers: vec![HttpHeader {
            name: "X-Api-Key".to_owned(),
            secrets: vec![Secret::new("canary")],
            ..HttpHeader::default()
        }],
        ..Config::default()
    };
    let client = build(&config).unwrap();
    assert_eq!(client.get(&url(&server, "/near")).send().await.unwrap().text().await.unwrap(), "here");
    assert_eq!(server.asked()[1].header("authorization"), Some("Bearer canary"));
    assert_eq!(server.asked()[1].header("x-api-key"), Some("canary"));

    let far = client.get(&url(&server, "/far")).header("Accept", "text/plain");
    assert_eq!(far.send().await.unwrap().text().await.unwrap(), "hello");
    let asked = other.asked().remove(0);
    assert_eq!((asked.path(), asked.header("accept")), ("/there", Some("text/plain")));
    assert!(!format!("{asked:?}").contains("canary"), "{asked:?}");

    let config = Config { follow_redirects: false, ..config };
    let answer = build(&config).unwrap().get(&url(&server, "/far")).send().await.unwrap();
    assert_eq!(answer.status(), 302);
}

#[tokio::test]
async fn redirects_end() {
    let server = WebServer::start(async |_asked: Asked| Reply::status(301).with("location", "/again")).await;
    let error = build(&Config::default()).unwrap().get(&url(&server, "/")).send().await.unwrap_err();
    assert_eq!(error.to_string(), "stopped after 3 redirects");
    assert_eq!(server.asked().len(), REDIRECTS_MAX + 1);
}

#[tokio::test]
async fn a_redirected_post_becomes_a_get_unless_it_may_not() {
    let server = WebServer::start(async |asked: Asked| match asked.path() {
        "/303" => Reply::status(303).with("location", "/end"),
        "/308" => Reply::status(308).with("location", "/end"),
        _ => Reply::ok("end"),
    })
    .await;
    let client = build(&Config::default()).unwrap();
    for (path, expected) in [("/303", ("GET", "")), ("/308", ("POST", "body"))] {
        client.post(&url(&server, path)).body("body").send().await.unwrap();
        let asked = server.asked().pop().unwrap();
        assert_eq!((asked.method.as_str(), asked.body.as_str()), expected);
    }
}

#[tokio::test]
async fn a_body_is_decoded_unless_the_caller_does() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, b"plain").unwrap();
    let packed = gzip.finish().unwrap();
    let body = packed.clone();
    let server = WebServer::start(move |_asked: Asked| {
        let body = body.clone();
        async move { Reply::ok(body).with("content-encoding", "gzip") }
    })
    .await;
    let decoded = build(&Config::default()).unwrap().get(&url(&server, "/")).send().await.unwrap();
    assert_eq!(decoded.bytes().await.unwrap(), "plain");
    let raw = build_raw(&Config::default()).unwrap();
    let answer = raw.get(&url(&server, "/")).header("Accept-Encoding", "zstd, gzip").send().await.unwrap();
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    assert_eq!(answer.bytes().await.unwrap(), packed);
    assert_eq!(server.asked()[0].header("accept-encoding"), Some("gzip"));
    assert_eq!(server.asked()[1].header("accept-encoding"), Some("zstd, gzip"));
}

#[tokio::test]
async fn a_server_that_says_nothing_ends_with_the_timeout() {
    let server = WebServer::start(async |_asked: Asked| std::future::pending().await).await;
    let client = build(&Config::default()).unwrap();
    let error = client.get(&url(&server, "/")).timeout(Duration::from_millis(50)).send().await.unwrap_err();
    assert_eq!(error.to_string(), "no answer within the timeout");
}

#[tokio::test]
async fn nobody_there() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = build(&Config::default()).unwrap().get(&format!("http://u:canary@{gone}/")).send().await.unwrap_err();
    assert!(error.is_connect());
    assert!(error.to_string().contains("Connection refused"), "{error}");
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[tokio::test]
async fn what_is_no_url_is_said() {
    let client = build(&Config::default()).unwrap();
    for (url, expected) in [
        ("file:///etc/passwd", "cannot ask this URL: file is not HTTP"),
        ("nonsense", "cannot ask this URL: relative URL without a base"),
    ] {
        assert_eq!(client.get(url).send().await.unwrap_err().to_string(), expected);
    }
    let error = client.get("http://a/").header("X", "canary\n").send().await.unwrap_err();
    assert_eq!(error.to_string(), "the value of x cannot stand in a header");
}

#[tokio::test]
async fn a_unix_socket_takes_all_requests() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("engine.sock");
    let server = WebServer::start_unix(&path, hello).await;
    let client = build_unix(&Config::default(), &path).unwrap();
    assert_eq!(client.get("http://engine/v1").send().await.unwrap().text().await.unwrap(), "hello");
    assert_eq!(server.asked()[0].target, "/v1");
}

/// Nothing here prints a secret: neither the configuration nor the client nor any error of it.
#[tokio::test]
async fn nothing_secret_is_printed() {
    let count = AtomicUsize::new(0);
    let check = |text: String| {
        count.fetch_add(1, Ordering::Relaxed);
        assert!(!text.contains("canary") && !text.contains("Y2FuYXJ5"), "{text}");
    };
    let secret = || Secret::new("canary");
    let config = Config {
        basic_auth: Some(BasicAuth { username: "u".to_owned(), password: secret(), ..BasicAuth::default() }),
        authorization: Some(Authorization::bearer(secret())),
        oauth2: Some(http_client::OAuth2 {
            client_secret: secret(),
            token_url: "http://127.0.0.1:1/token".to_owned(),
            ..http_client::OAuth2::default()
        }),
        http_headers: vec![HttpHeader { name: "X".to_owned(), secrets: vec![secret()], ..HttpHeader::default() }],
        proxy: http_client::ProxyConfig {
            url: Some(Secret::new("http://u:canary@127.0.0.1:1")),
            connect_header: vec![("X".to_owned(), vec![secret()])],
            ..http_client::ProxyConfig::default()
        },
        ..Config::default()
    };
    let client = build(&config).unwrap();
    check(format!("{config:?} {client:?}"));
    let request = client.get("https://u:canary@a.invalid/?key=canary");
    let error = request.send().await.unwrap_err();
    check(format!("{error} {error:?}"));
    let only_token = Config { basic_auth: None, authorization: None, ..config.clone() };
    let error = build(&only_token).unwrap().get("http://127.0.0.1:1/?key=canary").send().await.unwrap_err();
    check(format!("{error} {error:?}"));
    for broken in [
        Config { authorization: Some(Authorization::bearer(Secret::new("canary\n"))), ..Config::default() },
        Config {
            proxy: http_client::ProxyConfig {
                url: Some(Secret::new("http://u:canary@:port")),
                ..http_client::ProxyConfig::default()
            },
            ..Config::default()
        },
    ] {
        let error = build(&broken).unwrap_err();
        check(format!("{error} {error:?}"));
    }
    assert_eq!(count.into_inner(), 5);
}
