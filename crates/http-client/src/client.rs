//! The client of a configuration: its connections, and their renewal when a file of the TLS settings changes.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Method, Url};

use crate::oauth2::TokenSource;
use crate::proxy::Proxies;
use crate::watched::{self, Fingerprint};
use crate::{BuildError, Config, RequestBuilder, credentials, tls, trust};

/// How long a connection may take to be made, in milliseconds.
const CONNECT_TIMEOUT_MS: u64 = 10_000;
/// How long an idle connection is kept, in milliseconds; longer than the usual scrape interval, so that it is reused.
const POOL_IDLE_MS: u64 = 90_000;
/// Hosts that are asked under a `server_name` with a pool of connections each; beyond it the pools start anew.
const NAMED_HOSTS_MAX: usize = 1_000;

/// Asks servers as a [`Config`] says. Cheap to clone; clones share their connections and tokens.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    config: Config,
    way: Way,
    /// The files of the TLS settings.
    files: Vec<PathBuf>,
    state: Mutex<State>,
    tokens: Option<TokenSource>,
}

struct State {
    connections: Arc<Connections>,
    /// The files as they were when they were last taken up, or refused.
    seen: Vec<Fingerprint>,
    problem: Option<String>,
}

/// What is the caller's choice rather than the configuration's.
#[derive(Clone, Debug, Default)]
struct Way {
    /// Bodies arrive as they were sent.
    raw: bool,
    /// All connections go to this socket.
    socket: Option<PathBuf>,
}

/// The client of a configuration. It decompresses gzip by itself.
///
/// # Errors
/// A file, the proxy's URL or a credential is unusable.
pub fn build(config: &Config) -> Result<Client, BuildError> {
    build_way(config, Way::default())
}

/// As [`build`], for callers that bound what a body may grow to: it arrives as it was sent, and what is accepted is
/// theirs to say (`Accept-Encoding`).
///
/// # Errors
/// As [`build`].
pub fn build_raw(config: &Config) -> Result<Client, BuildError> {
    build_way(config, Way { raw: true, ..Way::default() })
}

/// As [`build`], through a Unix socket, whatever host a URL names.
///
/// # Errors
/// As [`build`].
pub fn build_unix(config: &Config, socket: &Path) -> Result<Client, BuildError> {
    build_way(config, Way { socket: Some(socket.to_owned()), ..Way::default() })
}

fn build_way(config: &Config, way: Way) -> Result<Client, BuildError> {
    credentials::check(config)?;
    let files = watched::files(config);
    // Looked at before they are read: what changes in between is read once more.
    let seen = watched::look(&files);
    let connections = Arc::new(Connections::new(config, &way)?);
    let tokens = config.oauth2.as_ref().map(TokenSource::new).transpose()?;
    let state = Mutex::new(State { connections, seen, problem: None });
    Ok(Client(Arc::new(Shared { config: config.clone(), way, files, state, tokens })))
}

impl Client {
    /// A request to be completed and sent.
    pub fn request(&self, method: Method, url: &str) -> RequestBuilder<'_> {
        RequestBuilder::new(self, method, url)
    }

    /// A GET.
    pub fn get(&self, url: &str) -> RequestBuilder<'_> {
        self.request(Method::GET, url)
    }

    /// A GET of a URL that was read before, for those who ask again and again.
    pub fn get_url(&self, url: Url) -> RequestBuilder<'_> {
        RequestBuilder::to(self, Method::GET, Ok(url))
    }

    /// A POST.
    pub fn post(&self, url: &str) -> RequestBuilder<'_> {
        self.request(Method::POST, url)
    }

    /// Why a changed file of the TLS settings is not in force; the settings of before are.
    pub fn problem(&self) -> Option<String> {
        self.0.state.lock().problem.clone()
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn tokens(&self) -> Option<&TokenSource> {
        self.0.tokens.as_ref()
    }

    /// The connections of the settings as the files are now. Changed files are taken up here, before a request, as
    /// Prometheus does; a broken one is reported once and leaves things as they are.
    pub(crate) async fn connections(&self) -> Arc<Connections> {
        if !self.0.files.is_empty() {
            let shared = Arc::clone(&self.0);
            // Files may lie on a slow disk. An error here is the runtime's end.
            drop(tokio::task::spawn_blocking(move || shared.look_at_files()).await);
        }
        Arc::clone(&self.0.state.lock().connections)
    }
}

impl Shared {
    fn look_at_files(&self) {
        let now = watched::look(&self.files);
        {
            let mut state = self.state.lock();
            if state.seen == now {
                return;
            }
            // Who comes meanwhile does not do the work again.
            state.seen = now;
        }
        let renewed = Connections::new(&self.config, &self.way);
        let mut state = self.state.lock();
        match renewed {
            Ok(connections) => {
                tracing::info!("TLS files have changed; new connections use them");
                state.connections = Arc::new(connections);
                state.problem = None;
            }
            Err(error) => {
                tracing::warn!(%error, "a changed TLS file cannot be used; the settings of before stay");
                state.problem = Some(error.to_string());
            }
        }
    }
}

/// Pools of connections under the same settings.
pub(crate) struct Connections {
    common: reqwest::Client,
    proxies: Option<Proxies>,
    named: Option<Named>,
}

/// Where `server_name` is a name that goes into the handshake. reqwest takes that name from the URL, so the URL gets
/// it, and a resolver that knows only the real host leads the connection there.
struct Named {
    name: String,
    config: Config,
    way: Way,
    tls: rustls::ClientConfig,
    hosts: Mutex<HashMap<String, reqwest::Client>>,
}

/// Through which pool a request goes, and to which URL.
pub(crate) struct Route {
    pub(crate) client: reqwest::Client,
    pub(crate) url: Url,
    /// The `Host` header where it is not the URL's.
    pub(crate) host: Option<String>,
}

impl Connections {
    fn new(config: &Config, way: &Way) -> Result<Self, BuildError> {
        let proxies = Proxies::new(&config.proxy)?;
        let tls = tls::client_config(&config.tls, config.enable_http2)?;
        let common = pool(way, tls, proxies.as_ref(), None)?;
        let named = match &config.tls.server_name {
            // An address as a name is checked in the certificate, but is never sent (RFC 6066 section 3).
            Some(name) if matches!(trust::server_name(name)?, rustls_pki_types::ServerName::DnsName(_)) => {
                // HTTP/2 would tell the server the URL's host, which is not the one that was asked for.
                let tls = tls::client_config(&config.tls, false)?;
                let (name, config) = (name.clone(), config.clone());
                Some(Named { name, config, way: way.clone(), tls, hosts: Mutex::default() })
            }
            _ => None,
        };
        Ok(Self { common, proxies, named })
    }

    /// The way to `url`. Through a proxy, `server_name` is only checked in the certificate: the proxy connects to the
    /// host of the URL.
    pub(crate) fn route(&self, url: &Url) -> Result<Route, BuildError> {
        let direct = Route { client: self.common.clone(), url: url.clone(), host: None };
        let (Some(named), Some(host), "https") = (&self.named, url.host_str(), url.scheme()) else { return Ok(direct) };
        if host == named.name || self.proxies.as_ref().is_some_and(|proxies| proxies.of(url).is_some()) {
            return Ok(direct);
        }
        let client = named.client(host)?;
        let mut renamed = url.clone();
        renamed
            .set_host(Some(&named.name))
            .map_err(|error| BuildError::Tls(format!("server_name {:?}: {error}", named.name)))?;
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Ok(Route { client, url: renamed, host: Some(host) })
    }
}

impl Named {
    fn client(&self, host: &str) -> Result<reqwest::Client, BuildError> {
        let mut hosts = self.hosts.lock();
        if let Some(client) = hosts.get(host) {
            return Ok(client.clone());
        }
        if NAMED_HOSTS_MAX <= hosts.len() {
            hosts.clear();
        }
        let proxies = Proxies::new(&self.config.proxy)?;
        let client = pool(&self.way, self.tls.clone(), proxies.as_ref(), Some(host))?;
        hosts.insert(host.to_owned(), client.clone());
        Ok(client)
    }
}

fn pool(
    way: &Way,
    tls: rustls::ClientConfig,
    proxies: Option<&Proxies>,
    host: Option<&str>,
) -> Result<reqwest::Client, BuildError> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        // They are followed in `request`, which knows which headers are secret.
        .redirect(Policy::none())
        // A zstd frame may ask for a window of 2 GiB before it yields a byte that could be counted.
        .zstd(false)
        .gzip(!way.raw)
        .tcp_nodelay(true)
        .connect_timeout(Duration::from_millis(CONNECT_TIMEOUT_MS))
        .pool_idle_timeout(Duration::from_millis(POOL_IDLE_MS))
        // Only the configuration decides about proxies.
        .no_proxy();
    if let Some(proxies) = proxies.filter(|_| host.is_none()) {
        for proxy in proxies.to_reqwest() {
            builder = builder.proxy(proxy);
        }
    }
    if let Some(socket) = &way.socket {
        builder = builder.unix_socket(socket.as_path());
    }
    if let Some(host) = host {
        builder = builder.dns_resolver(Arc::new(OneHost(host.to_owned())));
    }
    builder.build().map_err(BuildError::Client)
}

/// Resolves every name to the addresses of one host.
struct OneHost(String);

impl Resolve for OneHost {
    fn resolve(&self, _name: Name) -> Resolving {
        let host = self.0.trim_start_matches('[').trim_end_matches(']').to_owned();
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Says no more than the configuration does, which hides what is secret.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("config", &self.0.config).field("way", &self.0.way).finish_non_exhaustive()
    }
}
