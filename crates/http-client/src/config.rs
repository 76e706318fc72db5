//! What Prometheus calls `http_client_config`, as plain values.

use std::path::PathBuf;

#[cfg(doc)]
use crate::REDIRECTS_MAX;
use crate::Secret;

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
