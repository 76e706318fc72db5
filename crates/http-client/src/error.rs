//! What can go wrong; nothing here prints a secret, nor a URL that may hold one.

use std::error::Error as StdError;
use std::path::PathBuf;

use thiserror::Error;

/// Why there is no client.
#[derive(Debug, Error)]
pub enum BuildError {
    /// A file of the TLS settings is of no use.
    #[error("cannot use {key} {}: {reason}", path.display())]
    File {
        /// The setting, such as `ca_file`.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The TLS settings contradict themselves or cannot be used.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
    /// `proxy_url` is not one, or its headers are none.
    #[error("cannot use the proxy: {0}")]
    Proxy(String),
    /// A header of the configuration is none.
    #[error("cannot use the header {name:?}: {reason}")]
    Header {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// The credentials cannot stand in a header.
    #[error("cannot use the credentials: they hold a character that a header may not")]
    Credentials,
    /// The token server's URL or settings are unusable.
    #[error("cannot use oauth2: {0}")]
    OAuth2(String),
    /// The client cannot be made.
    #[error("cannot set up the HTTP client: {}", root_cause(.0))]
    Client(#[source] reqwest::Error),
}

/// Why a request got no answer.
#[derive(Debug, Error)]
pub enum RequestError {
    /// A file with a secret cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What a file or the caller gave cannot stand in a header.
    #[error("{what} cannot stand in a header")]
    Header {
        /// The header's name or the file.
        what: String,
    },
    /// The URL is none that can be asked.
    #[error("cannot ask this URL: {0}")]
    Url(String),
    /// There is no token.
    #[error("cannot get a token from {url}: {reason}")]
    Token {
        /// The token server's URL without its secrets.
        url: String,
        /// Why.
        reason: String,
    },
    /// The answer redirects to nowhere.
    #[error("cannot follow the redirect: {0}")]
    Redirect(String),
    /// The answer redirects to one that redirects …
    #[error("stopped after {0} redirects")]
    TooManyRedirects(usize),
    /// No answer within the time that the request had.
    #[error("no answer within the timeout")]
    Timeout,
    /// The connection could not be made or broke.
    #[error("{}", root_cause(.0))]
    Send(#[source] reqwest::Error),
}

impl RequestError {
    /// Whether no connection could be made, so that the request was not seen by the server.
    pub fn is_connect(&self) -> bool {
        matches!(self, Self::Send(error) if error.is_connect())
    }
}

impl From<reqwest::Error> for RequestError {
    fn from(error: reqwest::Error) -> Self {
        // The URL is known to the caller and may hold credentials.
        if error.is_timeout() && !error.is_connect() { Self::Timeout } else { Self::Send(error.without_url()) }
    }
}

/// The last of an error's causes, which is the one that says something ("Connection refused"); for errors of reqwest,
/// whose own text holds the URL.
pub fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let mut text = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    if text.is_empty() { "the request failed".to_owned() } else { text }
}
