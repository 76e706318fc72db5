//! Against real TLS servers: whom the client believes, who it says it is, and files that change.

use http_client::{Client, Config, Secret, TlsConfig, TlsVersion, build};
use test_support::{Asked, Authority, Reply, WebServer};

async fn hello(_asked: Asked) -> Reply {
    Reply::ok("hello")
}

fn client(tls: TlsConfig) -> Client {
    build(&Config { tls, ..Config::default() }).expect("usable settings")
}

/// What the client gets from the server under this name, or why it gets nothing.
async fn ask(client: &Client, server: &WebServer, host: &str) -> String {
    let url = format!("https://{host}:{}/", server.address().port());
    match client.get(&url).send().await {
        Ok(answer) => answer.text().await.expect("a body"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn an_authority_is_believed_inline_and_from_a_file() {
    let authority = Authority::new();
    let server = WebServer::start_tls(authority.sign("localhost").server(None), hello).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ca.pem");
    std::fs::write(&path, authority.pem()).unwrap();
    for (tls, expected) in [
        (TlsConfig { ca: Some(authority.pem().to_owned()), ..TlsConfig::default() }, "hello"),
        (TlsConfig { ca_file: Some(path), ..TlsConfig::default() }, "hello"),
        (TlsConfig { insecure_skip_verify: true, ..TlsConfig::default() }, "hello"),
        (TlsConfig::default(), "invalid peer certificate: UnknownIssuer"),
        (
            TlsConfig { ca: Some(Authority::new().pem().to_owned()), ..TlsConfig::default() },
            "invalid peer certificate: UnknownIssuer",
        ),
    ] {
        let answer = ask(&client(tls.clone()), &server, "localhost").await;
        assert!(answer.contains(expected), "{answer} {tls:?}");
    }
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let authority = Authority::new();
    let server = WebServer::start_tls(authority.sign_expired("localhost").server(None), hello).await;
    let answer =
        ask(&client(TlsConfig { ca: Some(authority.pem().to_owned()), ..TlsConfig::default() }), &server, "localhost")
            .await;
    assert!(answer.contains("certificate expired"), "{answer}");
}

#[tokio::test]
async fn a_server_name_is_asked_for_and_verified() {
    let authority = Authority::new();
    let server = WebServer::start_tls(authority.sign("metrics.internal").server(None), hello).await;
    let named = |name: &str| TlsConfig {
        ca: Some(authority.pem().to_owned()),
        server_name: Some(name.to_owned()),
        ..TlsConfig::default()
    };
    let answer = ask(&client(named("metrics.internal")), &server, "127.0.0.1").await;
    assert_eq!(answer, "hello");
    let asked = server.asked().remove(0);
    assert_eq!(asked.tls_name.as_deref(), Some("metrics.internal"));
    assert_eq!(asked.header("host"), Some(server.address().to_string().as_str()));
    let answer = ask(&client(named("other.internal")), &server, "127.0.0.1").await;
    assert!(answer.contains("not valid for name \"other.internal\""), "{answer}");
}

#[tokio::test]
async fn who_we_are_is_shown_to_a_server_that_asks() {
    let authority = Authority::new();
    let server = WebServer::start_tls(authority.sign("localhost").server(Some(&authority)), hello).await;
    let own = authority.sign("scraper");
    let tls = TlsConfig { ca: Some(authority.pem().to_owned()), ..TlsConfig::default() };
    let with_own = TlsConfig { cert: Some(own.pem().to_owned()), key: Some(Secret::new(own.key_pem())), ..tls.clone() };
    assert_eq!(ask(&client(with_own), &server, "localhost").await, "hello");
    let answer = ask(&client(tls), &server, "localhost").await;
    assert!(answer.contains("CertificateRequired"), "{answer}");
}

#[tokio::test]
async fn a_rotated_certificate_is_taken_up_and_a_broken_one_is_not() {
    let (old, new) = (Authority::new(), Authority::new());
    let old_server = WebServer::start_tls(old.sign("localhost").server(Some(&old)), hello).await;
    let new_server = WebServer::start_tls(new.sign("localhost").server(Some(&new)), hello).await;
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let write = |authority: &Authority| {
        let own = authority.sign("scraper");
        std::fs::write(at("ca.pem"), authority.pem()).unwrap();
        std::fs::write(at("cert.pem"), own.pem()).unwrap();
        std::fs::write(at("key.pem"), own.key_pem()).unwrap();
    };
    write(&old);
    let client = client(TlsConfig {
        ca_file: Some(at("ca.pem")),
        cert_file: Some(at("cert.pem")),
        key_file: Some(at("key.pem")),
        ..TlsConfig::default()
    });
    assert_eq!(ask(&client, &old_server, "localhost").await, "hello");
    assert_ne!(ask(&client, &new_server, "localhost").await, "hello");

    std::fs::write(at("cert.pem"), "half a certificate").unwrap();
    assert_eq!(ask(&client, &old_server, "localhost").await, "hello");
    let problem = client.problem().unwrap();
    assert!(problem.starts_with("cannot use cert_file ") && problem.ends_with("it holds no certificate"), "{problem}");

    write(&new);
    assert_eq!(ask(&client, &new_server, "localhost").await, "hello");
    assert_eq!(client.problem(), None);
    assert_ne!(ask(&client, &old_server, "localhost").await, "hello");
}

#[tokio::test]
async fn versions_are_kept_to() {
    let authority = Authority::new();
    let mut only_13 = authority.sign("localhost").server(None);
    only_13.alpn_protocols = vec![b"h2".to_vec()];
    let server = WebServer::start_tls(only_13, hello).await;
    let with = |min_version, max_version| TlsConfig {
        ca: Some(authority.pem().to_owned()),
        min_version,
        max_version,
        ..TlsConfig::default()
    };
    for tls in [with(None, Some(TlsVersion::Tls12)), with(Some(TlsVersion::Tls13), None)] {
        assert_eq!(ask(&client(tls), &server, "localhost").await, "hello");
    }
    let none = with(Some(TlsVersion::Tls13), Some(TlsVersion::Tls12));
    let error = build(&Config { tls: none, ..Config::default() }).unwrap_err();
    assert_eq!(error.to_string(), "cannot set up TLS: max_version is older than min_version");
}

#[tokio::test]
async fn http2_is_spoken_where_both_want_it() {
    let authority = Authority::new();
    let mut tls = authority.sign("localhost").server(None);
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let server = WebServer::start_tls(tls, hello).await;
    for enable_http2 in [true, false] {
        let tls = TlsConfig { ca: Some(authority.pem().to_owned()), ..TlsConfig::default() };
        let client = build(&Config { tls, enable_http2, ..Config::default() }).unwrap();
        assert_eq!(ask(&client, &server, "localhost").await, "hello");
    }
    let http2: Vec<bool> = server.asked().iter().map(|asked| asked.http2).collect();
    assert_eq!(http2, [true, false]);
}

#[test]
fn settings_that_cannot_work_are_refused_with_their_key() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.pem");
    std::fs::write(&path, "canary").unwrap();
    let own = Authority::new().sign("a");
    let other = Authority::new().sign("b");
    let shown = path.display();
    for (tls, expected) in [
        (
            TlsConfig { ca_file: Some(path.clone()), ..TlsConfig::default() },
            format!("cannot use ca_file {shown}: it holds no certificate"),
        ),
        (
            TlsConfig { cert: Some(own.pem().to_owned()), key_file: Some(path.clone()), ..TlsConfig::default() },
            format!("cannot use key_file {shown}: it holds no private key in PEM"),
        ),
        (
            TlsConfig { cert: Some(own.pem().to_owned()), ..TlsConfig::default() },
            "cannot set up TLS: there is a client certificate (cert) without its key".to_owned(),
        ),
        (
            TlsConfig { key: Some(Secret::new("canary")), ..TlsConfig::default() },
            "cannot set up TLS: there is a key without its client certificate (cert)".to_owned(),
        ),
        (
            TlsConfig {
                cert: Some(own.pem().to_owned()),
                key: Some(Secret::new(other.key_pem())),
                ..TlsConfig::default()
            },
            "cannot set up TLS: cert and key: keys may not be consistent: KeyMismatch".to_owned(),
        ),
        (
            TlsConfig { server_name: Some("a b".to_owned()), ..TlsConfig::default() },
            "cannot set up TLS: server_name \"a b\": invalid dns name".to_owned(),
        ),
    ] {
        assert_eq!(build(&Config { tls, ..Config::default() }).unwrap_err().to_string(), expected);
    }
}
