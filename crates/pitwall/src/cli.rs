//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

/// Watches a machine that serves models: scrapes, stores, evaluates, alerts and draws, in one program.
#[derive(Debug, Parser)]
#[command(name = "pitwall", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    /// What to do instead of running the server.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// How to run the server.
    #[command(flatten)]
    pub(crate) serve: Serve,
}

/// What to do instead of running the server.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Checks configuration files as strictly as Prometheus does, and explains what is wrong.
    Check {
        /// What kind of files they are.
        #[command(subcommand)]
        kind: CheckKind,
    },
}

/// What kind of files to check.
#[derive(Debug, Subcommand)]
pub(crate) enum CheckKind {
    /// A prometheus.yml, and the rule files it names.
    Config {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Rule files.
    Rules {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// An alertmanager.yml.
    Alertmanager {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// What each rule of a job does to a label set.
    Relabel(CheckRelabel),
}

/// Which rules, and what to apply them to.
#[derive(Args, Debug)]
pub(crate) struct CheckRelabel {
    /// The prometheus.yml with the job.
    #[arg(long, value_name = "FILE", default_value = "prometheus.yml")]
    pub(crate) config: PathBuf,
    /// The job whose rules are applied.
    #[arg(long, value_name = "NAME")]
    pub(crate) job: String,
    /// The labels are a series', so metric_relabel_configs are applied rather than relabel_configs.
    #[arg(long)]
    pub(crate) metric: bool,
    /// Labels as name="value",… or as a JSON object; a target's labels are completed as a scrape would.
    #[arg(value_name = "LABELS")]
    pub(crate) labels: String,
}

/// How to run the server.
#[derive(Args, Debug)]
#[command(next_help_heading = "Server")]
pub(crate) struct Serve {
    /// A prometheus.yml: what to scrape, and the rule files.
    #[arg(long = "config.file", value_name = "FILE")]
    pub(crate) config_file: Option<PathBuf>,
    /// An alertmanager.yml: whom to tell.
    #[arg(long = "alertmanager.config-file", value_name = "FILE")]
    pub(crate) alertmanager_config_file: Option<PathBuf>,
    /// Pitwall's own settings.
    #[arg(long = "pitwall.config-file", value_name = "FILE")]
    pub(crate) pitwall_config_file: Option<PathBuf>,
    /// Where samples and state are kept.
    #[arg(long = "storage.path", alias = "storage.tsdb.path", value_name = "DIR", default_value = "data")]
    pub(crate) storage_path: PathBuf,
    /// How long raw samples are kept; goes before what the configuration says.
    #[arg(long = "storage.retention.time", alias = "storage.tsdb.retention.time", value_name = "DURATION", value_parser = duration_ms)]
    pub(crate) retention_time_ms: Option<i64>,
    /// Where to listen, as HOST:PORT or :PORT. Only a loopback address works without --web.auth=off.
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = "127.0.0.1:3000", value_parser = listen_address)]
    pub(crate) listen_address: SocketAddr,
    /// Who may come in: `loopback` serves this machine only, `off` serves everybody who can reach the port.
    #[arg(long = "web.auth", value_enum, default_value_t = Auth::Loopback)]
    pub(crate) auth: Auth,
    /// The address under which people reach this server, for links in mails.
    #[arg(long = "web.external-url", value_name = "URL")]
    pub(crate) external_url: Option<String>,
    /// Serves everything under a second address as well, where tools expect Prometheus.
    #[arg(long = "listen.prometheus", value_name = "ADDRESS", value_parser = listen_address)]
    pub(crate) listen_prometheus: Option<SocketAddr>,
    /// Serves everything under a second address as well, where tools expect Alertmanager.
    #[arg(long = "listen.alertmanager", value_name = "ADDRESS", value_parser = listen_address)]
    pub(crate) listen_alertmanager: Option<SocketAddr>,
    /// Serves the host's metrics where scrapers expect node_exporter, usually :9100.
    #[arg(long = "listen.node-exporter", value_name = "ADDRESS", value_parser = listen_address)]
    pub(crate) listen_node_exporter: Option<SocketAddr>,
    /// Serves the GPUs' metrics where scrapers expect dcgm-exporter, usually :9400.
    #[arg(long = "listen.dcgm-exporter", value_name = "ADDRESS", value_parser = listen_address)]
    pub(crate) listen_dcgm_exporter: Option<SocketAddr>,
    /// Nothing built in: no host, GPU or own metrics, only what the configuration says.
    #[arg(long)]
    pub(crate) bare: bool,
    /// The NVIDIA management library, if it is not where the driver puts it.
    #[arg(long = "gpu.nvml-library", value_name = "FILE")]
    pub(crate) nvml_library: Option<PathBuf>,
    /// The proc filesystem to read host metrics from.
    #[arg(long = "path.procfs", value_name = "DIR", default_value = "/proc")]
    pub(crate) procfs: PathBuf,
    /// The sys filesystem to read host metrics from.
    #[arg(long = "path.sysfs", value_name = "DIR", default_value = "/sys")]
    pub(crate) sysfs: PathBuf,
    /// The root filesystem to read disk usage from.
    #[arg(long = "path.rootfs", value_name = "DIR", default_value = "/")]
    pub(crate) rootfs: PathBuf,
    /// How far back an instant query looks for a sample.
    #[arg(long = "query.lookback-delta", value_name = "DURATION", default_value = "5m", value_parser = duration_ms)]
    pub(crate) lookback_ms: i64,
    /// How long a query may take.
    #[arg(long = "query.timeout", value_name = "DURATION", default_value = "2m", value_parser = duration_ms)]
    pub(crate) query_timeout_ms: i64,
    /// How many samples a query may load.
    #[arg(long = "query.max-samples", value_name = "N", default_value_t = 50_000_000)]
    pub(crate) query_samples_max: usize,
    /// The least important message to log: error, warn, info, debug or trace.
    #[arg(long = "log.level", value_name = "LEVEL", default_value = "info")]
    pub(crate) log_level: String,
    /// The form of log lines.
    #[arg(long = "log.format", value_enum, default_value_t = LogFormat::Logfmt)]
    pub(crate) log_format: LogFormat,
}

/// Who may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Auth {
    /// Only this machine, which needs no password.
    Loopback,
    /// Everybody.
    Off,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// `time level message key=value`
    Logfmt,
    /// One JSON object a line.
    Json,
}

/// The flags of the server with their values, defaults included, by name.
pub(crate) fn flags(matches: &ArgMatches) -> Vec<(String, String)> {
    let command = Cli::command();
    let flag = |argument: &Arg| {
        let (name, id) = (argument.get_long()?, argument.get_id().as_str());
        let raw = matches.try_get_raw(id).ok().flatten();
        let shown =
            raw.map(|raw| raw.map(|value| config::without_password(&value.to_string_lossy())).collect::<Vec<_>>());
        Some((name.to_owned(), shown.unwrap_or_default().join(",")))
    };
    let mut flags: Vec<_> = command.get_arguments().filter_map(flag).collect();
    flags.retain(|(name, _)| !matches!(name.as_str(), "help" | "version"));
    flags.sort();
    flags
}

fn duration_ms(text: &str) -> Result<i64, String> {
    units::duration::parse_ms(text).map_err(|error| error.to_string())
}

/// `:3000` means all interfaces, as for Prometheus; `localhost` means loopback.
pub(crate) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let full = match text.strip_prefix(':') {
        Some(port) => format!("0.0.0.0:{port}"),
        None => text.replacen("localhost:", "127.0.0.1:", 1),
    };
    full.parse().map_err(|_cause| format!("{text:?} is not an address such as 127.0.0.1:3000 or :3000"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_prometheus_reads_them() {
        for (text, expected) in [
            (":3000", Some("0.0.0.0:3000")),
            ("localhost:80", Some("127.0.0.1:80")),
            ("[::1]:3000", Some("[::1]:3000")),
            ("3000", None),
        ] {
            assert_eq!(listen_address(text).ok().map(|address| address.to_string()).as_deref(), expected);
        }
    }

    #[test]
    fn flags_are_listed_with_their_defaults() {
        let matches = Cli::command().get_matches_from(["pitwall", "--config.file=a.yml", "--bare"]);
        let flags = flags(&matches);
        let value = |name: &str| flags.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        assert_eq!(value("config.file"), Some("a.yml"));
        assert_eq!(value("bare"), Some("true"));
        assert_eq!(value("query.lookback-delta"), Some("5m"));
        assert_eq!(value("web.external-url"), Some(""));
        assert_eq!(value("help"), None);
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }
}
