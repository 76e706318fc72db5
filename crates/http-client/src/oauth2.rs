//! OAuth 2.0 client credentials (RFC 6749 section 4.4): tokens, kept until they expire.

use std::pin::Pin;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Response, Url};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::form_urlencoded;

use crate::credentials::{self, sensitive};
use crate::{BuildError, Client, Config, OAuth2, RequestError, Secret, client};

/// A token counts as expired this long before it is, in milliseconds, so that it does not expire on its way.
const LEEWAY_MS: u64 = 10_000;
/// How long the token server may take, in milliseconds.
const TIMEOUT_MS: u64 = 10_000;
/// An answer of a token server is refused beyond this size in bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// What an error quotes of the server's words, in characters.
const QUOTED_CHARS_MAX: usize = 200;

/// Where a client's tokens come from.
pub(crate) struct TokenSource {
    config: OAuth2,
    client: Client,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// How the server wants the client's name and secret, once that is known.
    style: Option<Style>,
}

struct Token {
    header: HeaderValue,
    /// `None`: the server named no end.
    expires_at: Option<Instant>,
}

/// Where the client's name and secret stand (RFC 6749 section 2.3.1). Servers differ, so both are tried, as Go does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Header,
    Body,
}

impl TokenSource {
    pub(crate) fn new(config: &OAuth2) -> Result<Self, BuildError> {
        let url = Url::parse(&config.token_url).map_err(|error| BuildError::OAuth2(format!("token_url: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BuildError::OAuth2(format!("token_url: {} is not HTTP", url.scheme())));
        }
        let of_server = Config { tls: config.tls.clone(), proxy: config.proxy.clone(), ..Config::default() };
        let client = client::build(&of_server)?;
        Ok(Self { config: config.clone(), client, state: Mutex::default() })
    }

    /// The `Authorization` header with a token. One that was `refused` is not given again.
    ///
    /// Whoever asks while a token is fetched waits for it, so that the server is asked once.
    ///
    /// The future is boxed because a request for a token is a request, which may need a token: its type would hold
    /// itself.
    pub(crate) fn header<'a>(
        &'a self,
        refused: Option<&'a HeaderValue>,
    ) -> Pin<Box<dyn Future<Output = Result<HeaderValue, RequestError>> + Send + 'a>> {
        Box::pin(async move {
            let mut state = self.state.lock().await;
            if let Some(token) = &state.token
                && token.expires_at.is_none_or(|at| Instant::now() < at)
                && refused != Some(&token.header)
            {
                return Ok(token.header.clone());
            }
            state.token = None;
            let token = self.fetch(&mut state.style).await?;
            let header = token.header.clone();
            state.token = Some(token);
            Ok(header)
        })
    }

    async fn fetch(&self, style: &mut Option<Style>) -> Result<Token, RequestError> {
        let secret = match &self.config.client_secret_file {
            Some(path) => credentials::read_secret(path).await?,
            None => self.config.client_secret.clone(),
        };
        match style {
            Some(style) => self.ask(*style, &secret).await.map_err(|reason| self.error(&reason, &secret)),
            None => match self.ask(Style::Header, &secret).await {
                Ok(token) => {
                    *style = Some(Style::Header);
                    Ok(token)
                }
                Err(first) => match self.ask(Style::Body, &secret).await {
                    Ok(token) => {
                        *style = Some(Style::Body);
                        Ok(token)
                    }
                    Err(_second) => Err(self.error(&first, &secret)),
                },
            },
        }
    }

    async fn ask(&self, style: Style, secret: &Secret) -> Result<Token, String> {
        let mut request = self.client.post(&self.config.token_url).timeout(Duration::from_millis(TIMEOUT_MS));
        if style == Style::Header {
            let (name, secret) = (escaped(&self.config.client_id), Secret::new(escaped(secret.expose())));
            let value = credentials::basic(&name, &secret).map_err(|error| error.to_string())?;
            request = request.header(AUTHORIZATION, value);
        }
        let form = self.form(style, secret);
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        let answer = request.send().await.map_err(|error| error.to_string())?;
        read(answer).await
    }

    fn form(&self, style: Style, secret: &Secret) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if !self.config.scopes.is_empty() {
            form.append_pair("scope", &self.config.scopes.join(" "));
        }
        for (name, value) in &self.config.endpoint_params {
            form.append_pair(name, value);
        }
        if style == Style::Body {
            form.append_pair("client_id", &self.config.client_id);
            form.append_pair("client_secret", secret.expose());
        }
        form.finish()
    }

    /// Names the server, and takes out the secret should the server have quoted it.
    fn error(&self, reason: &str, secret: &Secret) -> RequestError {
        let mut reason = reason.to_owned();
        for hidden in [secret.expose(), &escaped(secret.expose())] {
            if !hidden.is_empty() {
                reason = reason.replace(hidden, "<secret>");
            }
        }
        RequestError::Token { url: shown(&self.config.token_url), reason }
    }
}

/// A URL without user, password, query and fragment.
fn shown(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return "the token server".to_owned() };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

/// As in a form, which is what RFC 6749 wants of the header's parts.
fn escaped(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

async fn read(mut answer: Response) -> Result<Token, String> {
    let now = Instant::now();
    let status = answer.status();
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|error| crate::root_cause(&error))? {
        if ANSWER_BYTES_MAX < body.len() + part.len() {
            return Err(format!("the answer has more than {ANSWER_BYTES_MAX} bytes"));
        }
        body.extend_from_slice(&part);
    }
    let answer = Answer::read(&kind, &body);
    if !status.is_success() {
        let said = answer.map(|answer| answer.complaint()).unwrap_or_default();
        return Err(format!("the server answered {status}{said}"));
    }
    let answer = answer.ok_or("the answer is not JSON")?;
    if answer.get("access_token").is_none_or(|token| token.is_empty()) {
        return Err(format!("the answer holds no access_token{}", answer.complaint()));
    }
    let scheme = match answer.get("token_type").unwrap_or_default() {
        kind if kind.is_empty() || kind.eq_ignore_ascii_case("bearer") => "Bearer".to_owned(),
        kind => kind,
    };
    let token = answer.get("access_token").unwrap_or_default();
    let header = sensitive(format!("{scheme} {token}"), "the token").map_err(|error| error.to_string())?;
    let lifetime_s =
        answer.get("expires_in").and_then(|text| text.parse::<f64>().ok()).filter(|seconds| 0.0 < *seconds);
    let lifetime = lifetime_s.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let expires_at = lifetime.and_then(|lifetime| now.checked_add(lifetime));
    let expires_at = expires_at.map(|at| at.checked_sub(Duration::from_millis(LEEWAY_MS)).unwrap_or(now));
    Ok(Token { header, expires_at })
}

/// The fields of an answer; forms are what some servers send against the RFC.
enum Answer {
    Json(Value),
    Form(Vec<(String, String)>),
}

impl Answer {
    fn read(kind: &str, body: &[u8]) -> Option<Self> {
        if kind.starts_with("application/x-www-form-urlencoded") || kind.starts_with("text/plain") {
            return Some(Self::Form(form_urlencoded::parse(body).into_owned().collect()));
        }
        serde_json::from_slice(body).ok().filter(Value::is_object).map(Self::Json)
    }

    /// A text or number.
    fn get(&self, name: &str) -> Option<String> {
        match self {
            Self::Json(value) => match value.get(name)? {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            },
            Self::Form(pairs) => pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()),
        }
    }

    /// What the server says is wrong (RFC 6749 section 5.2), as `: error (description)`.
    fn complaint(&self) -> String {
        let short = |name| self.get(name).map(|text| text.chars().take(QUOTED_CHARS_MAX).collect::<String>());
        match (short("error"), short("error_description")) {
            (Some(error), Some(description)) => format!(": {error} ({description})"),
            (Some(error), None) => format!(": {error}"),
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        assert_eq!(shown("https://u:canary@a:8443/token?key=canary#canary"), "https://a:8443/token");
        assert_eq!(shown("canary"), "the token server");
    }
}
