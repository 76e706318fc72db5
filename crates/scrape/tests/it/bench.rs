//! A manager with a store in memory, and what tests ask of it.

use std::sync::Arc;
use std::time::Duration;

use clock::SystemClock;
use model::{Family, Labels, Matcher, MetricType, TimeRange, is_stale};
use scrape::{BuiltIn, Machine, Manager, Program, ScrapeConfig, StaticGroup, TargetStatus};
use storage::{MemoryStorage, Queryable as _, Select, SeriesColumns};

/// Longer than anything takes, even on a busy machine, in seconds.
const PATIENCE_S: u64 = 120;

/// A manager with its store.
pub(crate) struct Bench {
    pub(crate) storage: Arc<MemoryStorage>,
    pub(crate) manager: Manager,
}

impl Bench {
    pub(crate) fn new() -> Self {
        http_client::install_crypto_provider();
        let storage = Arc::new(MemoryStorage::new());
        let machine = Machine { hostname: "box".to_owned(), external_url: "http://box:3000".to_owned(), port: 3000 };
        let manager = Manager::new(storage.clone(), Arc::new(SystemClock), machine);
        Self { storage, manager }
    }

    /// The status of a job's first target, once there is one.
    pub(crate) fn target(&self, job: &str) -> Option<TargetStatus> {
        self.manager.targets().into_iter().find(|target| target.pool == job)
    }

    /// Waits for a state of a job's first target.
    pub(crate) async fn until(&self, job: &str, holds: impl Fn(&TargetStatus) -> bool) -> TargetStatus {
        let waited = tokio::time::timeout(Duration::from_secs(PATIENCE_S), async {
            loop {
                if let Some(target) = self.target(job).filter(&holds) {
                    return target;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("job {job} stays as it is: {:?}", self.target(job)))
    }

    /// The labels of a job's series with this name.
    pub(crate) fn labels(&self, name: &str, job: &str) -> Vec<Labels> {
        self.select(name, job).into_iter().map(|series| series.labels).collect()
    }

    fn select(&self, name: &str, job: &str) -> Vec<SeriesColumns> {
        let matchers = [Matcher::equal("__name__", name), Matcher::equal("job", job)];
        let select =
            Select { matchers: &matchers, range: TimeRange::ALL, step_ms: 0, function: "", samples_max: 1_000_000 };
        self.storage.select(&select).unwrap()
    }

    /// The values of a job's series with this name, `~` for the stale marker; the series one after the other.
    pub(crate) fn values(&self, name: &str, job: &str) -> Vec<String> {
        let shown = |value: &f64| if is_stale(*value) { "~".to_owned() } else { value.to_string() };
        self.select(name, job).iter().flat_map(|series| series.values.iter().map(shown)).collect()
    }
}

/// A job with these addresses, asked every 100 ms.
pub(crate) fn job(name: &str, addresses: &[&str]) -> ScrapeConfig {
    let targets = addresses.iter().map(|address| (*address).to_owned()).collect();
    ScrapeConfig {
        job_name: name.to_owned(),
        scrape_interval_ms: 100,
        scrape_timeout_ms: 100,
        static_groups: vec![StaticGroup { targets, ..StaticGroup::default() }],
        ..ScrapeConfig::default()
    }
}

/// A built-in collector of the host with one metric, `load`.
pub(crate) fn host() -> BuiltIn {
    BuiltIn {
        job: "node".to_owned(),
        instance: "box".to_owned(),
        interval_ms: 100,
        stands_for: vec![Program::NodeExporter],
        collect: Arc::new(|_| {
            let mut family = Family::new("load", "", MetricType::Gauge);
            family.push([], 2.0);
            Ok(vec![family])
        }),
    }
}
