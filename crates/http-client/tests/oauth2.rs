//! Against a real token server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_client::{Client, Config, OAuth2, Secret, build};
use test_support::{Asked, Reply, WebServer};

fn client(server: &WebServer, change: impl FnOnce(&mut OAuth2)) -> Client {
    let mut oauth2 = OAuth2 {
        client_id: "scraper".to_owned(),
        client_secret: Secret::new("canary secret"),
        token_url: format!("http://u:canary@{}/token?key=canary", server.address()),
        ..OAuth2::default()
    };
    change(&mut oauth2);
    build(&Config { oauth2: Some(oauth2), ..Config::default() }).expect("usable settings")
}

/// Gives `token-1`, `token-2`, … that live `expires_in` seconds.
async fn token_server(expires_in: u64) -> WebServer {
    let count = Arc::new(AtomicUsize::new(0));
    WebServer::start(move |_asked: Asked| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        async move {
            Reply::json(format!(
                r#"{{"access_token": "token-{number}", "token_type": "bearer", "expires_in": {expires_in}}}"#
            ))
        }
    })
    .await
}

async fn echo(asked: Asked) -> Reply {
    Reply::ok(asked.header("authorization").unwrap_or("none").to_owned())
}

async fn ask(client: &Client, server: &WebServer) -> String {
    match client.get(&format!("http://{}/", server.address())).send().await {
        Ok(answer) => answer.text().await.expect("a body"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_token_is_fetched_once_and_used_until_it_expires() {
    let (tokens, target) = (token_server(3_600).await, WebServer::start(echo).await);
    let client = client(&tokens, |oauth2| {
        oauth2.scopes = vec!["read".to_owned(), "write".to_owned()];
        oauth2.endpoint_params = vec![("audience".to_owned(), "a&b".to_owned())];
    });
    for _ in 0..3 {
        assert_eq!(ask(&client, &target).await, "Bearer token-1");
    }
    let [asked] = &tokens.asked()[..] else { panic!("{:?}", tokens.asked()) };
    assert_eq!(asked.method, "POST");
    assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(asked.body, "grant_type=client_credentials&scope=read+write&audience=a%26b");
    // scraper:canary+secret
    assert_eq!(asked.header("authorization"), Some("Basic c2NyYXBlcjpjYW5hcnkrc2VjcmV0"));
}

#[tokio::test]
async fn a_token_that_is_about_to_expire_is_not_used_again() {
    // The leeway is 10 s.
    let (tokens, target) = (token_server(9).await, WebServer::start(echo).await);
    let client = client(&tokens, |_| {});
    assert_eq!(ask(&client, &target).await, "Bearer token-1");
    assert_eq!(ask(&client, &target).await, "Bearer token-2");
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let tokens = token_server(3_600).await;
    let target = WebServer::start(async |asked: Asked| match (asked.path(), asked.header("authorization")) {
        ("/", Some("Bearer token-1")) | ("/never", _) => Reply::status(401),
        _ => echo(asked).await,
    })
    .await;
    let client = client(&tokens, |_| {});
    assert_eq!(ask(&client, &target).await, "Bearer token-2");
    let never = client.get(&format!("http://{}/never", target.address())).send().await.unwrap();
    assert_eq!(never.status(), 401);
    assert_eq!(tokens.asked().len(), 3);
}

#[tokio::test]
async fn the_secret_comes_from_a_file_and_goes_where_the_server_wants_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    std::fs::write(&path, "from file\n").unwrap();
    let tokens = WebServer::start(async |asked: Asked| {
        if asked.header("authorization").is_some() {
            return Reply::status(401);
        }
        Reply::ok("access_token=t&token_type=MAC&expires_in=3600").with("content-type", "text/plain; charset=utf-8")
    })
    .await;
    let target = WebServer::start(async |asked: Asked| match asked.header("authorization") {
        Some("MAC t") => Reply::status(401),
        _ => echo(asked).await,
    })
    .await;
    let client = client(&tokens, |oauth2| {
        oauth2.client_secret_file = Some(path);
        oauth2.token_url = format!("http://{}/token", tokens.address());
    });
    assert_eq!(ask(&client, &target).await, "");
    let bodies: Vec<String> = tokens.asked().into_iter().map(|asked| asked.body).collect();
    let with_secret = "grant_type=client_credentials&client_id=scraper&client_secret=from+file";
    // The style that worked is kept for the second token.
    assert_eq!(bodies, ["grant_type=client_credentials", with_secret, with_secret]);
}

#[tokio::test]
async fn what_is_wrong_is_said_without_secrets() {
    let target = WebServer::start(echo).await;
    let complaint = r#"{"error": "invalid_client", "error_description": "canary secret is wrong"}"#;
    for (reply, expected) in [
        (
            Reply { status: 400, ..Reply::json(complaint) },
            "the server answered 400 Bad Request: invalid_client (<secret> is wrong)",
        ),
        (Reply::json("{}"), "the answer holds no access_token"),
        (Reply::ok("<html>"), "the answer is not JSON"),
        (Reply::status(503), "the server answered 503 Service Unavailable"),
    ] {
        let tokens = WebServer::start(move |_asked: Asked| {
            let reply = reply.clone();
            async move { reply }
        })
        .await;
        let expected = format!("cannot get a token from http://{}/token: {expected}", tokens.address());
        assert_eq!(ask(&client(&tokens, |_| {}), &target).await, expected);
    }
    assert_eq!(target.asked(), []);
}

#[test]
fn a_token_url_that_is_none_is_refused() {
    let oauth2 = OAuth2 { token_url: "token".to_owned(), ..OAuth2::default() };
    let error = build(&Config { oauth2: Some(oauth2), ..Config::default() }).unwrap_err();
    assert_eq!(error.to_string(), "cannot use oauth2: token_url: relative URL without a base");
}
