//! Where to look, as plain values. Defaults are Prometheus'.

use std::path::PathBuf;

use http_client::Secret;
use model::Labels;

/// One discovery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Config {
    /// `file_sd_configs`
    File(FileConfig),
    /// `http_sd_configs`
    Http(Box<HttpConfig>),
    /// `dns_sd_configs`
    Dns(DnsConfig),
    /// `consul_sd_configs`
    Consul(Box<ConsulConfig>),
    /// `docker_sd_configs`
    Docker(Box<DockerConfig>),
    /// What listens on this machine.
    Local(LocalConfig),
}

impl Config {
    /// The kind as configuration files call it, such as `file_sd`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::File(_) => "file_sd",
            Self::Http(_) => "http_sd",
            Self::Dns(_) => "dns_sd",
            Self::Consul(_) => "consul_sd",
            Self::Docker(_) => "docker_sd",
            Self::Local(_) => "local",
        }
    }
}

/// Model servers and exporters that listen on this machine and that nobody configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalConfig {
    /// Where procfs is mounted.
    pub procfs: PathBuf,
    /// How often the listening sockets are looked at, in milliseconds; that sends nothing.
    pub refresh_interval_ms: i64,
    /// Addresses that are not looked at: this program's own, and those that a person dismissed (`HOST:PORT`).
    pub ignored: Vec<String>,
    /// Targets that a person keeps, found even while nothing listens there.
    pub pinned: Vec<Pinned>,
}

/// The machine's procfs, looked at every 5 seconds.
impl Default for LocalConfig {
    fn default() -> Self {
        Self { procfs: PathBuf::from("/proc"), refresh_interval_ms: 5_000, ignored: Vec::new(), pinned: Vec::new() }
    }
}

/// A target that a person keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// `HOST:PORT`
    pub address: String,
    /// The path of its page, such as `/metrics`.
    pub path: String,
    /// Its labels beside `__address__` and `__metrics_path__`, such as `job`.
    pub labels: Labels,
}

/// Target groups in files, JSON or YAML, that are read again when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileConfig {
    /// Paths, absolute or relative to the working directory; the last part may hold `*`.
    pub files: Vec<PathBuf>,
    /// How often the files are read even if nobody said that they changed, in milliseconds; 5 minutes.
    pub refresh_interval_ms: i64,
}

/// Target groups as JSON behind a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpConfig {
    /// The URL.
    pub url: String,
    /// How often it is asked, in milliseconds; 1 minute.
    pub refresh_interval_ms: i64,
    /// How to talk to the server.
    pub http: http_client::Config,
}

/// What is asked of the DNS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DnsRecord {
    /// Name and port.
    #[default]
    Srv,
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Names of mail servers.
    Mx,
    /// Names of name servers.
    Ns,
}

/// Names in the DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsConfig {
    /// The names.
    pub names: Vec<String>,
    /// How often they are asked, in milliseconds; 30 seconds.
    pub refresh_interval_ms: i64,
    /// What is asked.
    pub record: DnsRecord,
    /// The port of the targets; not used with SRV records.
    pub port: u16,
}

/// Services in a Consul catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsulConfig {
    /// `HOST:PORT`, `localhost:8500`
    pub server: String,
    /// A part of the URL before `/v1`.
    pub path_prefix: String,
    /// ACL token.
    pub token: Secret,
    /// The datacenter; the agent's own if empty.
    pub datacenter: String,
    /// Namespace of Consul Enterprise.
    pub namespace: String,
    /// Admin partition of Consul Enterprise.
    pub partition: String,
    /// `http` or `https`
    pub scheme: String,
    /// The services wanted; all if empty.
    pub services: Vec<String>,
    /// Tags that a service must have, all of them.
    pub tags: Vec<String>,
    /// Metadata that a node must have.
    pub node_meta: Vec<(String, String)>,
    /// Filter expression for the service catalog.
    pub filter: String,
    /// Filter expression for the health endpoint.
    pub health_filter: String,
    /// What stands between the tags in `__meta_consul_tags`; `,`
    pub tag_separator: String,
    /// Whether a stale answer will do; it does by default.
    pub allow_stale: bool,
    /// How often the services are listed, in milliseconds; 30 seconds.
    pub refresh_interval_ms: i64,
    /// How to talk to the server.
    pub http: http_client::Config,
}

/// Containers of a Docker engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerConfig {
    /// `unix:///var/run/docker.sock`, `tcp://HOST:PORT` or `http://…`
    pub host: String,
    /// The port of containers that publish none; 80.
    pub port: u16,
    /// The address of containers in the host's network; `localhost`
    pub host_networking_host: String,
    /// Filters as Docker's API takes them: name and values.
    pub filters: Vec<(String, Vec<String>)>,
    /// Whether a container in several networks is found once rather than once in each; once by default.
    pub match_first_network: bool,
    /// How often the engine is asked, in milliseconds; 1 minute.
    pub refresh_interval_ms: i64,
    /// How to talk to the engine.
    pub http: http_client::Config,
}
