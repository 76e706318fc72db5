//! Owns the groups' loops.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use model::{Alert, Timestamp};
use parking_lot::Mutex;
use promql::Options;
use storage::Storage;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::config::{GroupConfig, Settings};
use crate::group::Group;
use crate::status::GroupStatus;

/// Where alerts go.
pub type Sink = Arc<dyn Fn(Vec<Alert>) + Send + Sync>;

/// What a manager works with.
pub struct ManagerConfig {
    /// The samples.
    pub storage: Arc<dyn Storage>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// How expressions are evaluated.
    pub options: Options,
    /// Where alerts go.
    pub sink: Sink,
}

/// All rule groups and their loops.
pub struct Manager {
    config: ManagerConfig,
    loops: tokio::sync::Mutex<BTreeMap<(String, String), Running>>,
    /// In the order of the files.
    groups: Mutex<Vec<Arc<Mutex<Group>>>>,
}

struct Running {
    group: Arc<Mutex<Group>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Manager {
    /// Without groups.
    pub fn new(config: ManagerConfig) -> Self {
        Self { config, loops: tokio::sync::Mutex::default(), groups: Mutex::default() }
    }

    /// Makes these the groups. Those that stay the same go on undisturbed; those that change keep the alerts of rules that
    /// stay; series of those that are gone end.
    pub async fn apply(&self, groups: Vec<GroupConfig>, settings: &Settings) {
        let mut loops = self.loops.lock().await;
        let mut old = std::mem::take(&mut *loops);
        let mut listed = Vec::with_capacity(groups.len());
        for config in groups {
            let key = (config.file.clone(), config.name.clone());
            let running = match old.remove(&key) {
                Some(running) if same(&running.group.lock(), &config, settings) => running,
                other => {
                    let storage = Arc::clone(&self.config.storage);
                    let mut group = Group::new(config, settings.clone(), storage, self.config.options.clone());
                    if let Some(running) = other
                        && let Some(old) = end(running).await
                    {
                        group.take_over(old);
                    }
                    self.start(group)
                }
            };
            listed.push(Arc::clone(&running.group));
            loops.insert(key, running);
        }
        *self.groups.lock() = listed;
        let at = Timestamp::from_ms(self.config.clock.now_ms());
        for running in old.into_values() {
            if let Some(mut group) = end(running).await {
                group.end(at);
            }
        }
    }

    /// All groups, in the order of the files.
    pub fn groups(&self) -> Vec<GroupStatus> {
        let groups = self.groups.lock().clone();
        groups.iter().map(|group| group.lock().status()).collect()
    }

    /// Ends all loops. Alerts stay as they are in the store, to be found after a restart.
    pub async fn shutdown(&self) {
        for running in std::mem::take(&mut *self.loops.lock().await).into_values() {
            end(running).await;
        }
    }

    fn start(&self, group: Group) -> Running {
        let span = tracing::info_span!("rules", group = group.config.name);
        let offset_ms = offset_ms(&group);
        let interval_ms = group.interval_ms();
        let group = Arc::new(Mutex::new(group));
        let stop = CancellationToken::new();
        let task = tokio::spawn(
            evaluate_forever(
                Arc::clone(&group),
                Arc::clone(&self.config.clock),
                Arc::clone(&self.config.sink),
                (interval_ms, offset_ms),
                stop.clone(),
            )
            .instrument(span),
        );
        Running { group, stop, task }
    }
}

fn same(group: &Group, config: &GroupConfig, settings: &Settings) -> bool {
    group.config == *config && group.settings == *settings
}

/// Ends a loop; its group, unless something still holds it.
async fn end(running: Running) -> Option<Group> {
    running.stop.cancel();
    if let Err(error) = running.task.await {
        tracing::error!(%error, "a rule group's loop failed");
    }
    Arc::into_inner(running.group).map(Mutex::into_inner)
}

/// Groups are spread over their interval.
fn offset_ms(group: &Group) -> i64 {
    let key = format!("{};{}", group.config.file, group.config.name);
    let interval = group.interval_ms().cast_unsigned();
    (xxhash_rust::xxh3::xxh3_64(key.as_bytes()) % interval).cast_signed()
}

async fn evaluate_forever(
    group: Arc<Mutex<Group>>,
    clock: Arc<dyn Clock>,
    sink: Sink,
    (interval_ms, offset_ms): (i64, i64),
    stop: CancellationToken,
) {
    let next_tick = |from_ms: i64| from_ms + (offset_ms - from_ms).rem_euclid(interval_ms);
    let mut due_ms = next_tick(clock.now_ms());
    loop {
        let wait_ms = u64::try_from(due_ms - clock.now_ms()).unwrap_or(0);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
        }
        // The scheduled moment, not the present one: queries and samples lie on the grid.
        let at = Timestamp::from_ms(due_ms);
        let evaluated = tokio::task::spawn_blocking({
            let group = Arc::clone(&group);
            move || {
                let began = std::time::Instant::now();
                group.lock().evaluate(at, &|| began.elapsed().as_secs_f64())
            }
        });
        match evaluated.await {
            Ok(alerts) if alerts.is_empty() => {}
            Ok(alerts) => sink(alerts),
            Err(error) => tracing::error!(%error, "an evaluation panicked"),
        }
        // Ticks that were missed are not made up for.
        let missed = (clock.now_ms() - due_ms) / interval_ms;
        if 0 < missed {
            tracing::warn!(missed, "rule evaluations were missed");
        }
        due_ms = next_tick(clock.now_ms().max(due_ms) + 1);
    }
}

#[cfg(test)]
mod tests {
    use clock::SystemClock;
    use model::Labels;
    use storage::MemoryStorage;

    use super::*;
    use crate::config::RuleConfig;

    #[tokio::test]
    async fn groups_run_report_and_end() {
        let storage = Arc::new(MemoryStorage::new());
        let (sender, mut receiver) = tokio::sync::mpsc::channel(100);
        let manager = Manager::new(ManagerConfig {
            storage: storage.clone(),
            clock: Arc::new(SystemClock),
            options: Options::default(),
            sink: Arc::new(move |alerts| drop(sender.try_send(alerts))),
        });
        let rule = RuleConfig::Alerting {
            alert: "Always".to_owned(),
            text: "vector(1)".to_owned(),
            expr: promql_syntax::parse("vector(1)").unwrap(),
            for_ms: 0,
            keep_firing_for_ms: 0,
            labels: Labels::empty(),
            annotations: Labels::empty(),
        };
        let config = GroupConfig {
            file: "f".to_owned(),
            name: "g".to_owned(),
            interval_ms: Some(10),
            limit: 0,
            query_offset_ms: None,
            labels: Labels::empty(),
            rules: vec![rule],
        };
        let settings =
            Settings { evaluation_interval_ms: 10, external_labels: Labels::empty(), external_url: String::new() };
        manager.apply(vec![config.clone()], &settings).await;
        let alerts = tokio::time::timeout(Duration::from_secs(30), receiver.recv()).await.unwrap().unwrap();
        assert_eq!(alerts[0].name(), "Always");
        manager.apply(vec![config], &settings).await;
        assert_eq!(manager.groups()[0].rules[0].alerts.len(), 1);
        manager.apply(vec![], &settings).await;
        assert!(manager.groups().is_empty());
        manager.shutdown().await;
    }
}
