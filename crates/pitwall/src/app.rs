//! Builds every subsystem, runs until it is told to end, and ends them in order.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use catalog::Catalog;
use clock::{Clock, SystemClock};
use model::Timestamp;
use notify::{Runner, RunnerConfig};
use promql::Options;
use rules::{ManagerConfig, Settings};
use server::{
    BuildInfo, DecideError, Decided, Decision, Facts, FoundTargets, HostRules, InForce, Lifecycle, ReloadError, State,
    StoreFacts,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tsdb::Db;

use crate::cli::{Auth, Serve};
use crate::configuration::{Configuration, Files, hostname, load};
use crate::found::{self, Decisions};
use crate::journal::{self, CatalogJournal};
use crate::listeners::{self, Addresses, Offered};
use crate::{builtin, maintenance};

const NAME_AND_VERSION: &str = concat!("pitwall ", env!("CARGO_PKG_VERSION"));
/// The Prometheus whose language and API are served.
const PROMETHEUS_VERSION: &str = "3.14.0";

/// Why the program ended.
#[derive(Debug)]
pub(crate) enum RunError {
    /// It was asked for in a way that cannot work.
    Usage(anyhow::Error),
    /// Something failed.
    Failed(anyhow::Error),
}

/// Runs the server until a signal ends it.
pub(crate) async fn run(serve: &Serve, flags: Vec<(String, String)>) -> Result<(), RunError> {
    let files = Files {
        prometheus: serve.config_file.clone(),
        alertmanager: serve.alertmanager_config_file.clone(),
        pitwall: serve.pitwall_config_file.clone(),
    };
    let configuration = load(&files).map_err(|refused| RunError::Usage(refused.into()))?;
    let extra = extra_addresses(serve, &configuration.pitwall.listen);
    check_address(serve, &extra).map_err(RunError::Usage)?;
    let app = App::start(serve, flags, files, configuration, extra).await.map_err(RunError::Failed)?;
    app.run().await.map_err(RunError::Failed)
}

/// Without sign-in, other machines are let in only by somebody who says so. An exporter's address is open as the
/// exporter's would be: it says numbers and takes nothing.
fn check_address(serve: &Serve, extra: &Addresses) -> anyhow::Result<()> {
    if serve.auth == Auth::Off {
        return Ok(());
    }
    let own = (Some(serve.listen_address), "--web.listen-address");
    for (address, flag) in std::iter::once(own).chain(extra.whole()) {
        if let Some(address) = address.filter(|address| !address.ip().is_loopback()) {
            anyhow::bail!(
                "{flag}={address} lets other machines in, and there is no sign-in yet: add --web.auth=off to serve \
                 everybody who can reach the port, or listen on 127.0.0.1"
            );
        }
    }
    Ok(())
}

/// The further addresses; a flag goes before Pitwall's own file.
fn extra_addresses(serve: &Serve, file: &config::Listen) -> Addresses {
    Addresses {
        prometheus: serve.listen_prometheus.or(file.prometheus),
        alertmanager: serve.listen_alertmanager.or(file.alertmanager),
        node_exporter: serve.listen_node_exporter.or(file.node_exporter),
        dcgm_exporter: serve.listen_dcgm_exporter.or(file.dcgm_exporter),
    }
}

/// Everything that runs.
struct App {
    files: Files,
    settings_url: String,
    hostname: String,
    bare: bool,
    flag_retention_ms: Option<i64>,
    db: Arc<Db>,
    clock: Arc<dyn Clock>,
    in_force: Arc<ArcSwap<InForce>>,
    metrics: Arc<telemetry::Metrics>,
    gpu: Option<Arc<gpu::Sampler>>,
    host_config: host::Config,
    targets: Arc<scrape::Manager>,
    writer: Arc<remote::Writer>,
    rules: Arc<rules::Manager>,
    notify: Arc<Runner>,
    decisions: Arc<Decisions>,
    reloads: tokio::sync::mpsc::Receiver<tokio::sync::oneshot::Sender<Result<(), ReloadError>>>,
    decided: tokio::sync::mpsc::Receiver<Decided>,
    /// The configuration in force, to be put into force again when somebody decides about a found target.
    current: Configuration,
    stop: CancellationToken,
    serving: Vec<tokio::task::JoinHandle<()>>,
    maintaining: tokio::task::JoinHandle<()>,
}

impl App {
    async fn start(
        serve: &Serve,
        flags: Vec<(String, String)>,
        files: Files,
        configuration: Configuration,
        extra: Addresses,
    ) -> anyhow::Result<Self> {
        http_client::install_crypto_provider();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let now = Timestamp::from_ms(clock.now_ms());
        let hostname = hostname(&serve.procfs);
        let (catalog, db, damaged) = open_storage(serve, &configuration, now).await?;
        let listener = server::bind(serve.listen_address, "--web.listen-address").await?;
        let address = listener.local_addr().context("the socket has no address")?;
        let url = external_url(serve, address, &hostname);

        let journal = Arc::new(CatalogJournal { catalog: catalog.clone(), started: now });
        let decisions = Arc::new(Decisions::new(catalog));
        let (route, receivers) = routing(&configuration);
        let external_url = url.clone();
        let notify =
            Arc::new(Runner::start(RunnerConfig { route, receivers, external_url, clock: clock.clone(), journal })?);
        let options = Options {
            lookback_ms: serve.lookback_ms,
            subquery_step_ms: configuration.prometheus.evaluation_interval_ms,
            samples_max: serve.query_samples_max,
            cancel: None,
        };
        let sink = Arc::clone(&notify);
        let rules = Arc::new(rules::Manager::new(ManagerConfig {
            storage: db.clone(),
            clock: clock.clone(),
            options: options.clone(),
            sink: Arc::new(move |alerts| sink.receive(alerts)),
        }));
        let machine = scrape::Machine { hostname: hostname.clone(), external_url: url.clone(), port: address.port() };
        let targets = Arc::new(scrape::Manager::new(db.clone(), clock.clone(), machine));
        let gpu = (!serve.bare && configuration.pitwall.gpu).then(|| {
            let config =
                gpu::Config { library: serve.nvml_library.clone(), interval_ms: 1_000, hostname: hostname.clone() };
            Arc::new(gpu::Sampler::start(config, clock.clone()))
        });

        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let timeout_ms = u64::try_from(serve.query_timeout_ms).unwrap_or(0);
        let (lifecycle, reloads) = Lifecycle::channel();
        let listed = decisions.clone();
        let (found, decided) = FoundTargets::channel(Arc::new(move || listed.addresses()));
        let metrics = Arc::new(telemetry::Metrics::new(env!("CARGO_PKG_VERSION")));
        let (asked, store, scraped) = (metrics.clone(), db.clone(), targets.clone());
        let in_force = Arc::new(ArcSwap::from_pointee(InForce::default()));
        let (counted, compacted) = (db.clone(), db.clone());
        let facts = Facts {
            started: now,
            working_dir: std::env::current_dir().unwrap_or_default().to_string_lossy().into(),
            cores,
            flags: flags.into(),
            configuration: in_force.clone(),
            store: Arc::new(move || StoreFacts { series: counted.stats().series, damaged }),
            compact: Arc::new(move || compacted.compact().map(drop).map_err(|error| error.to_string())),
        };
        let writer = Arc::new(remote::Writer::new(db.clone()));
        let state = State {
            storage: db.clone(),
            clock: clock.clone(),
            queries: Arc::new(server::Queries::new(cores, timeout_ms, options)),
            targets: targets.clone(),
            rules: rules.clone(),
            notify: notify.clone(),
            writer: writer.clone(),
            own_metrics: Arc::new(move || builtin::own_families(&asked, &store, &scraped)),
            lifecycle,
            found,
            facts,
            build: BuildInfo {
                name_and_version: NAME_AND_VERSION,
                prometheus_version: PROMETHEUS_VERSION,
                revision: "",
            },
            hostname: Arc::from(hostname.as_str()),
        };
        let external_host =
            serve.external_url.as_deref().and_then(|url| Some(url::Url::parse(url).ok()?.host_str()?.to_owned()));
        let hosts = HostRules { hostname: hostname.clone(), external_host };
        let router = server::router(state, hosts.clone());
        let host_config =
            host::Config { procfs: serve.procfs.clone(), sysfs: serve.sysfs.clone(), rootfs: serve.rootfs.clone() };
        let offered = Offered {
            whole: router.clone(),
            node_exporter: Some(builtin::exported_host(host::Collector::new(host_config.clone()), clock.clone())),
            dcgm_exporter: gpu.clone().map(|sampler| builtin::exported_gpu(sampler, clock.clone())),
            hosts,
        };
        let opened = listeners::open(extra, offered).await?;

        let stop = CancellationToken::new();
        let mut serving = listeners::serve(opened, &stop);
        serving.push(tokio::spawn(server::serve(listener, router, stop.clone())));
        let mut app = Self {
            files,
            settings_url: url,
            hostname,
            bare: serve.bare,
            flag_retention_ms: serve.retention_time_ms,
            db: db.clone(),
            clock: clock.clone(),
            in_force,
            metrics,
            gpu,
            host_config,
            targets,
            writer,
            rules,
            notify,
            decisions,
            reloads,
            decided,
            current: Configuration::default(),
            serving,
            maintaining: tokio::spawn(maintenance::run(db, clock, stop.clone())),
            stop,
        };
        app.put_into_force(configuration).await?;
        println!("Pitwall is at http://{address}");
        Ok(app)
    }

    /// Makes a configuration the one in force. What can fail comes first.
    async fn put_into_force(&mut self, configuration: Configuration) -> anyhow::Result<()> {
        let current = configuration.clone();
        let interval_ms = configuration.pitwall.collect_interval_ms;
        let mut built_in = Vec::new();
        if !self.bare {
            built_in.push(builtin::own(
                self.metrics.clone(),
                self.db.clone(),
                &self.targets,
                &self.hostname,
                interval_ms,
            ));
            if configuration.pitwall.host {
                let collector = host::Collector::new(self.host_config.clone());
                built_in.push(builtin::host(collector, &self.hostname, interval_ms));
            }
            if let Some(sampler) = &self.gpu {
                built_in.push(builtin::gpu(sampler.clone(), &self.hostname, interval_ms));
            }
        }
        let (route, receivers) = routing(&configuration);
        let retention_ms = retention_ms(self.flag_retention_ms, &configuration);
        let mut prometheus = configuration.prometheus;
        let size_max_bytes = prometheus.retention_bytes.unwrap_or(0) as u64;
        if !self.bare && configuration.pitwall.discovery_enabled {
            let mut decided = self.decisions.load()?;
            decided.dismissed.extend(configuration.pitwall.discovery_ignored);
            prometheus.scrape_configs.push(found::job(&self.host_config.procfs, interval_ms, decided));
        }
        let in_force = InForce {
            yaml: configuration.shown,
            since: Timestamp::from_ms(self.clock.now_ms()),
            refused: None,
            external_labels: prometheus.external_labels.clone(),
            retention_ms,
        };
        self.targets.apply(prometheus.scrape_configs, built_in).await?;
        let settings = Settings {
            evaluation_interval_ms: prometheus.evaluation_interval_ms,
            external_labels: prometheus.external_labels,
            external_url: self.settings_url.clone(),
        };
        self.writer.set_otlp(prometheus.otlp);
        self.rules.apply(prometheus.rule_groups, &settings).await;
        self.notify.reload(route, receivers);
        self.db.set_retention_ms(retention_ms);
        self.db.set_size_max_bytes(size_max_bytes);
        self.in_force.store(Arc::new(in_force));
        self.current = current;
        Ok(())
    }

    /// Stores what a person decided about a found target and puts it into force.
    async fn decide(&mut self, decision: Decision) -> Result<(), DecideError> {
        let (decisions, targets) = (self.decisions.clone(), self.targets.clone());
        let stored = tokio::task::spawn_blocking(move || decisions.store(&decision, &targets)).await;
        stored.unwrap_or_else(|panic| Err(DecideError::Failed(panic.to_string())))?;
        let before = self.in_force.load_full();
        let applied = self.put_into_force(self.current.clone()).await;
        // It is the configuration of before: since when it is in force, and what was refused since, stays true.
        self.in_force.store(before);
        applied.map_err(|error| DecideError::Failed(format!("{error:#}")))
    }

    async fn reload(&mut self) -> Result<(), ReloadError> {
        let files = self.files.clone();
        let loaded = tokio::task::spawn_blocking(move || load(&files)).await;
        let outcome = match loaded {
            Ok(Ok(configuration)) => self.put_into_force(configuration).await.map_err(|error| format!("{error:#}")),
            Ok(Err(refused)) => Err(refused.to_string()),
            Err(panic) => Err(panic.to_string()),
        };
        match &outcome {
            Ok(()) => tracing::info!("the configuration was read again"),
            Err(error) => {
                tracing::error!(error, "the configuration is refused; the old one stays in force");
                let kept = InForce::clone(&self.in_force.load());
                self.in_force.store(Arc::new(InForce { refused: Some(error.clone()), ..kept }));
            }
        }
        outcome.map_err(ReloadError::Config)
    }

    async fn run(mut self) -> anyhow::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hangup = signal(SignalKind::hangup())?;
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hangup.recv() => drop(self.reload().await),
                Some(answer) = self.reloads.recv() => {
                    let outcome = self.reload().await;
                    // Whoever asked may have gone; the reload happened all the same.
                    drop(answer.send(outcome));
                }
                Some((decision, answer)) = self.decided.recv() => {
                    let outcome = self.decide(decision).await;
                    drop(answer.send(outcome));
                }
            }
        }
        self.shutdown().await
    }

    /// Sources first, then those who use them, the store last.
    async fn shutdown(self) -> anyhow::Result<()> {
        tracing::info!("ending");
        self.stop.cancel();
        for serving in self.serving {
            serving.await.context("the server panicked")?;
        }
        self.targets.shutdown().await;
        self.rules.shutdown().await;
        self.notify.shutdown().await;
        if let Some(sampler) = &self.gpu {
            sampler.stop();
        }
        self.maintaining.await.context("storage maintenance panicked")?;
        let db = self.db;
        tokio::task::spawn_blocking(move || db.close()).await?.context("the storage could not be closed cleanly")
    }
}

/// Opens the store; the last value counts files that were damaged and set aside.
async fn open_storage(
    serve: &Serve,
    configuration: &Configuration,
    now: Timestamp,
) -> anyhow::Result<(Arc<Catalog>, Arc<Db>, usize)> {
    let mut config = tsdb::Config::new(&serve.storage_path);
    config.raw_retention_ms = retention_ms(serve.retention_time_ms, configuration);
    let prometheus = &configuration.prometheus;
    config.out_of_order_ms = prometheus.out_of_order_ms.unwrap_or(config.out_of_order_ms);
    config.exemplars_max = prometheus.exemplars_max.unwrap_or(config.exemplars_max);
    tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&config.dir).with_context(|| format!("cannot make {}", config.dir.display()))?;
        // The store's lock guards the catalog as well, so it must be taken first.
        let lock = tsdb::Lock::take(&config.dir)?;
        let (catalog, report) = Catalog::open(&config.dir, &[journal::TREE, found::TREE])?;
        if 0 < report.journal_bytes_lost {
            tracing::warn!(bytes = report.journal_bytes_lost, "the end of state.log was damaged and is cut off");
        }
        let catalog = Arc::new(catalog);
        let (db, report) = Db::open(config, lock, Arc::clone(&catalog), now)?;
        tracing::info!(
            segments = report.segments,
            wal_records = report.wal_records,
            wal_torn_bytes = report.wal_torn_bytes,
            wal_bad_records = report.wal_bad_records,
            damaged = report.damaged.len(),
            "the storage is open"
        );
        if report.catalog_mended {
            tracing::info!("the catalog was rebuilt from the segments");
        }
        Ok((catalog, Arc::new(db), report.damaged.len()))
    })
    .await?
}

/// A flag goes before Pitwall's own file, and that before `prometheus.yml`.
fn retention_ms(flag_ms: Option<i64>, configuration: &Configuration) -> i64 {
    let files = configuration.pitwall.retention_ms.or(configuration.prometheus.retention_ms);
    flag_ms.or(files).unwrap_or(tsdb::Config::new("").raw_retention_ms)
}

fn routing(configuration: &Configuration) -> (Option<alerting::Route>, Vec<notify::ReceiverConfig>) {
    match &configuration.alertmanager {
        Some(alertmanager) => (Some(alertmanager.route.clone()), alertmanager.receivers.clone()),
        None => (None, Vec::new()),
    }
}

/// What links in mails begin with.
fn external_url(serve: &Serve, address: SocketAddr, hostname: &str) -> String {
    match &serve.external_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None if address.ip().is_unspecified() => format!("http://{hostname}:{}", address.port()),
        None => format!("http://{address}"),
    }
}
