//! What Prometheus calls `http_client_config`, and the client that it describes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, InvalidHeaderValue};
use reqwest::redirect::Policy;
use thiserror::Error;

use crate::{Secret, trust};

/// Redirects that a client follows before it gives up.
pub const REDIRECTS_MAX: usize = 3;
/// How long a connection may take to be made, in milliseconds.
const CONNECT_TIMEOUT_MS: u64 = 10_000;
/// How long an idle connection is kept, in milliseconds; longer than the usual scrape interval, so that it is reused.
const POOL_IDLE_MS: u64 = 90_000;

/// How to talk to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// User name and password.
    pub basic_auth: Option<BasicAuth>,
    /// The `Authorization` header in another scheme, usually `Bearer`.
    pub authorization: Option<Authorization>,
    /// Credentials that a token server gives.
    pub oauth2: Option<OAuth2>,
    /// What to believe about the server's certificate, and who we are.
    pub tls: TlsConfig,
    /// Whether to follow redirects, [`REDIRECTS_MAX`] at most.
    pub follow_redirects: bool,
    /// Whether HTTP/2 may be spoken.
    pub enable_http2: bool,
    /// The way through proxies.
    pub proxy: ProxyConfig,
    /// Further headers of each request.
    pub http_headers: Vec<HttpHeader>,
}

/// Prometheus' defaults: no credentials, the system's trust, redirects followed.
impl Default for Config {
    fn default() -> Self {
        Self {
            basic_auth: None,
            authorization: None,
            oauth2: None,
            tls: TlsConfig::default(),
            follow_redirects: true,
            enable_http2: true,
            proxy: ProxyConfig::default(),
            http_headers: Vec::new(),
        }
    }
}

/// User name and password; a file's content is read at each request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BasicAuth {
    /// The user's name.
    pub username: String,
    /// Where the user's name lies instead.
    pub username_file: Option<PathBuf>,
    /// The password.
    pub password: Secret,
    /// Where the password lies instead.
    pub password_file: Option<PathBuf>,
}

/// Credentials of another scheme; a file's content is read at each request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// The scheme, `Bearer` if nothing else is said.
    pub scheme: String,
    /// The credentials.
    pub credentials: Secret,
    /// Where the credentials lie instead.
    pub credentials_file: Option<PathBuf>,
}

impl Authorization {
    /// `Bearer` with this token.
    pub fn bearer(token: Secret) -> Self {
        Self { scheme: "Bearer".to_owned(), credentials: token, credentials_file: None }
    }
}

/// Client credentials flow (RFC 6749 section 4.4): a token is fetched and sent as `Bearer` until it expires.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OAuth2 {
    /// The client's name.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// Where the secret lies instead; read anew for each token.
    pub client_secret_file: Option<PathBuf>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// Where tokens are given.
    pub token_url: String,
    /// Further fields of the token request.
    pub endpoint_params: Vec<(String, String)>,
    /// TLS towards the token server.
    pub tls: TlsConfig,
    /// Proxies towards the token server.
    pub proxy: ProxyConfig,
}

/// The way through proxies. Without a word about them there is none, as in Prometheus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyConfig {
    /// The proxy of all requests; may hold a password.
    pub url: Option<Secret>,
    /// Hosts, domains, addresses and networks that are reached without it, separated by commas.
    pub no_proxy: String,
    /// Whether `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` decide.
    pub from_environment: bool,
    /// Headers for the proxy when it is asked to connect.
    pub connect_header: Vec<(String, Vec<Secret>)>,
}

/// A header of each request, with all its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpHeader {
    /// The header's name.
    pub name: String,
    /// Values that may be shown.
    pub values: Vec<String>,
    /// Values that may not.
    pub secrets: Vec<Secret>,
    /// Files whose content is a value each, read at each request.
    pub files: Vec<PathBuf>,
}

/// A version of TLS that is spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2
    Tls12,
    /// TLS 1.3
    Tls13,
}

/// What Prometheus calls `tls_config`. Files are looked at again when they change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsConfig {
    /// Certificates that are believed instead of the system's, PEM.
    pub ca: Option<String>,
    /// Where they lie instead.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate with its chain, PEM.
    pub cert: Option<String>,
    /// Where it lies instead.
    pub cert_file: Option<PathBuf>,
    /// Its key, PEM.
    pub key: Option<Secret>,
    /// Where the key lies instead.
    pub key_file: Option<PathBuf>,
    /// The name that the certificate must carry instead of the URL's host.
    pub server_name: Option<String>,
    /// Believe any certificate.
    pub insecure_skip_verify: bool,
    /// The oldest version spoken.
    pub min_version: Option<TlsVersion>,
    /// The newest version spoken.
    pub max_version: Option<TlsVersion>,
}

/// Why there is no client.
#[derive(Debug, Error)]
pub enum BuildError {
    /// `ca_file` is of no use.
    #[error("cannot use ca_file {}: {reason}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The TLS settings contradict themselves.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
    /// `proxy_url` is not one.
    #[error("cannot use proxy_url: {0}")]
    Proxy(#[source] reqwest::Error),
    /// The credentials cannot stand in a header.
    #[error("cannot use the credentials: {0}")]
    Credentials(#[from] InvalidHeaderValue),
    /// The client cannot be made.
    #[error("cannot set up the HTTP client: {0}")]
    Client(#[source] reqwest::Error),
}

/// Why a request has no credentials.
#[derive(Debug, Error)]
pub enum AuthError {
    /// The file with the secret cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The secret cannot stand in a header.
    #[error("the credentials cannot stand in a header: {0}")]
    Header(#[from] InvalidHeaderValue),
}

/// The client of a configuration. It follows redirects without credentials to other hosts, decompresses gzip, and
/// sends the credentials that stand in `config` itself; those in files come from [`Config::authorization_header`].
///
/// # Errors
/// A file, the proxy's URL or a credential is unusable.
pub fn build(config: &Config) -> Result<reqwest::Client, BuildError> {
    let mut headers = HeaderMap::new();
    if let Some(value) = config.inline_header()? {
        headers.insert(AUTHORIZATION, value);
    }
    let redirects = if config.follow_redirects { Policy::limited(REDIRECTS_MAX) } else { Policy::none() };
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(trust::tls_config(&config.tls)?)
        .default_headers(headers)
        .redirect(redirects)
        // A zstd frame may ask for a window of 2 GiB before it yields a byte that could be counted.
        .zstd(false)
        .gzip(true)
        .tcp_nodelay(true)
        .connect_timeout(Duration::from_millis(CONNECT_TIMEOUT_MS))
        .pool_idle_timeout(Duration::from_millis(POOL_IDLE_MS))
        .no_proxy();
    if let Some(url) = &config.proxy.url {
        builder = builder.proxy(reqwest::Proxy::all(url.expose()).map_err(BuildError::Proxy)?);
    }
    builder.build().map_err(BuildError::Client)
}

impl Config {
    /// The `Authorization` header whose secret lies in a file, `None` where no file is configured. Read anew each
    /// time, so that a rotated secret counts from the next request on.
    ///
    /// # Errors
    /// The file cannot be read, or holds what cannot stand in a header.
    pub fn authorization_header(&self) -> Result<Option<HeaderValue>, AuthError> {
        if let Some(BasicAuth { username, password_file: Some(path), .. }) = &self.basic_auth {
            return Ok(Some(basic(username, &read_secret(path)?)?));
        }
        if let Some(Authorization { scheme, credentials_file: Some(path), .. }) = &self.authorization {
            return Ok(Some(sensitive(format!("{scheme} {}", read_secret(path)?.expose()))?));
        }
        Ok(None)
    }

    fn inline_header(&self) -> Result<Option<HeaderValue>, InvalidHeaderValue> {
        match (&self.basic_auth, &self.authorization) {
            (Some(auth), _) if auth.password_file.is_none() => basic(&auth.username, &auth.password).map(Some),
            (None, Some(auth)) if auth.credentials_file.is_none() => {
                sensitive(format!("{} {}", auth.scheme, auth.credentials.expose())).map(Some)
            }
            _ => Ok(None),
        }
    }
}

fn read_secret(path: &Path) -> Result<Secret, AuthError> {
    let text = std::fs::read_to_string(path).map_err(|source| AuthError::File { path: path.to_owned(), source })?;
    Ok(Secret::new(text.trim()))
}

fn basic(username: &str, password: &Secret) -> Result<HeaderValue, InvalidHeaderValue> {
    sensitive(format!("Basic {}", base64(format!("{username}:{}", password.expose()).as_bytes())))
}

/// Marked so that neither reqwest nor hyper prints it, and so that it is dropped on the way to another host.
fn sensitive(text: String) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::try_from(text)?;
    value.set_sensitive(true);
    Ok(value)
}

/// RFC 4648 section 4, with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            if digit <= chunk.len() {
                out.push(char::from(ALPHABET[(word >> (18 - 6 * digit)) as usize & 63]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads_as_the_rfc_says() {
        for (text, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("Aladdin:open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ] {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }

    #[test]
    fn a_secret_in_a_file_is_read_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let config = Config {
            authorization: Some(Authorization {
                credentials_file: Some(path.clone()),
                ..Authorization::bearer(Secret::default())
            }),
            ..Config::default()
        };
        let header = || config.authorization_header().map(|value| value.unwrap().to_str().unwrap().to_owned());
        assert!(header().unwrap_err().to_string().starts_with("cannot read "));
        for token in ["one", "two"] {
            std::fs::write(&path, format!("{token}\n")).unwrap();
            assert_eq!(header().unwrap(), format!("Bearer {token}"));
        }
    }

    #[test]
    fn nothing_secret_is_printed() {
        let config = Config {
            basic_auth: Some(BasicAuth { password: Secret::new("canary"), ..BasicAuth::default() }),
            authorization: Some(Authorization::bearer(Secret::new("canary"))),
            ..Config::default()
        };
        let client = build(&config).unwrap();
        assert!(!format!("{config:?} {client:?}").contains("canary"));
    }

    #[test]
    fn a_ca_file_without_certificates_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        std::fs::write(&path, "nothing").unwrap();
        let tls = TlsConfig { ca_file: Some(path), ..TlsConfig::default() };
        let error = build(&Config { tls, ..Config::default() }).unwrap_err();
        assert!(error.to_string().ends_with("it holds no certificate"), "{error}");
    }
}
