//! A request, from its builder to the answer after redirects and a renewed token.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
};
use reqwest::{Method, Response, StatusCode, Url};
use tokio::time::Instant;

use crate::redirect::{self, REDIRECTS_MAX};
use crate::{Client, RequestError, credentials};

/// A request that is being put together. What the configuration asks for comes in when it is sent.
#[must_use = "a request does nothing until it is sent"]
#[derive(Debug)]
pub struct RequestBuilder<'a> {
    client: &'a Client,
    method: Method,
    url: Result<Url, RequestError>,
    headers: HeaderMap,
    body: Bytes,
    timeout: Option<Duration>,
    problem: Option<RequestError>,
}

impl<'a> RequestBuilder<'a> {
    pub(crate) fn new(client: &'a Client, method: Method, url: &str) -> Self {
        let url = Url::parse(url).map_err(|error| RequestError::Url(error.to_string()));
        Self::to(client, method, url)
    }

    pub(crate) fn to(client: &'a Client, method: Method, url: Result<Url, RequestError>) -> Self {
        let url = url.and_then(|url| match url.scheme() {
            "http" | "https" => Ok(url),
            other => Err(RequestError::Url(format!("{other} is not HTTP"))),
        });
        Self { client, method, url, headers: HeaderMap::new(), body: Bytes::new(), timeout: None, problem: None }
    }

    /// A header; one of the configuration takes the place of one with the same name. A value that is marked as
    /// sensitive does not go along to another host.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        HeaderName: TryFrom<N>,
        HeaderValue: TryFrom<V>,
    {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => drop(self.headers.append(name, value)),
            (Ok(name), Err(_)) => self.problem = Some(RequestError::Header { what: format!("the value of {name}") }),
            (Err(_), _) => self.problem = Some(RequestError::Header { what: "a header's name".to_owned() }),
        }
        self
    }

    /// All headers at once, in place of those that were given before: for those who ask again and again.
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// The body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The time until the last byte of the answer.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends it and waits for the head of the answer, whatever its status.
    ///
    /// # Errors
    /// There is no answer: a secret cannot be read, no token is given, the server cannot be reached or does not answer
    /// in time, or it redirects without end.
    pub async fn send(self) -> Result<Response, RequestError> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let deadline = self.timeout.map(|timeout| Instant::now() + timeout);
        let journey = Journey {
            client: self.client,
            method: self.method,
            url: self.url?,
            headers: self.headers,
            body: self.body,
            deadline,
        };
        match deadline {
            Some(deadline) => {
                tokio::time::timeout_at(deadline, journey.run()).await.unwrap_or(Err(RequestError::Timeout))
            }
            None => journey.run().await,
        }
    }
}

/// A request under way, hop by hop.
struct Journey<'a> {
    client: &'a Client,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
    deadline: Option<Instant>,
}

impl Journey<'_> {
    async fn run(mut self) -> Result<Response, RequestError> {
        let mut token = self.add_what_the_configuration_says().await?;
        let connections = self.client.connections().await;
        let mut redirects = 0;
        loop {
            let answer = self.hop(&connections).await?;
            // A token may be withdrawn before it expires. A second one that is refused is an answer.
            if answer.status() == StatusCode::UNAUTHORIZED
                && let (Some(tokens), Some(refused)) = (self.client.tokens(), token.take())
            {
                let renewed = tokens.header(Some(&refused)).await?;
                self.headers.insert(AUTHORIZATION, renewed);
                continue;
            }
            let followed = self.client.config().follow_redirects;
            if !followed || !redirect::is_redirect(answer.status(), answer.headers()) {
                return Ok(answer);
            }
            if redirects == REDIRECTS_MAX {
                return Err(RequestError::TooManyRedirects(REDIRECTS_MAX));
            }
            redirects += 1;
            let to = redirect::target(&self.url, answer.headers())?;
            let (method, with_body) = redirect::next_method(answer.status(), &self.method);
            if !redirect::same_place(&self.url, &to) {
                redirect::drop_credentials(&mut self.headers);
                token = None;
            }
            if !with_body {
                self.body = Bytes::new();
                for name in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING] {
                    self.headers.remove(name);
                }
            }
            (self.method, self.url) = (method, to);
        }
    }

    /// Headers and credentials; tells the token's header if there is one.
    async fn add_what_the_configuration_says(&mut self) -> Result<Option<HeaderValue>, RequestError> {
        let config = self.client.config();
        let further = credentials::further_headers(config).await?;
        for name in further.keys() {
            self.headers.remove(name);
        }
        self.headers.extend(further);
        if self.headers.contains_key(AUTHORIZATION) {
            return Ok(None);
        }
        if let Some(value) = credentials::authorization(config).await? {
            self.headers.insert(AUTHORIZATION, value);
        } else if let Some(tokens) = self.client.tokens() {
            let value = tokens.header(None).await?;
            self.headers.insert(AUTHORIZATION, value.clone());
            return Ok(Some(value));
        }
        Ok(None)
    }

    async fn hop(&self, connections: &crate::client::Connections) -> Result<Response, RequestError> {
        let route = connections.route(&self.url).map_err(|error| RequestError::Url(error.to_string()))?;
        let mut request = route.client.request(self.method.clone(), route.url).headers(self.headers.clone());
        if let Some(host) = route.host.filter(|_| !self.headers.contains_key(HOST)) {
            request = request.header(HOST, host);
        }
        if !self.body.is_empty() || self.method == Method::POST || self.method == Method::PUT {
            request = request.body(self.body.clone());
        }
        if let Some(deadline) = self.deadline {
            request = request.timeout(deadline.saturating_duration_since(Instant::now()));
        }
        Ok(request.send().await?)
    }
}
