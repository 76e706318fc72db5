//! `consul_sd`: services of a Consul catalog, asked with blocking queries, so that a change is known at once.

mod api;
mod targets;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use crate::publish::Publisher;
use crate::{ConsulConfig, Context, TargetGroup, refresh};
use api::Consul;
use watch::News;

/// How long to wait after a failure, in milliseconds.
const RETRY_MS: u64 = 15_000;
/// News that wait to be published; watchers wait when there are more.
const NEWS_MAX: usize = 64;
/// More services than these are not watched.
const SERVICES_MAX: usize = 10_000;

/// Watches the catalog, for ever.
pub(crate) async fn run(config: ConsulConfig, context: &Context, publisher: &Publisher) {
    let mut consul = match Consul::new(config, context) {
        Ok(consul) => consul,
        Err(error) => return refresh::never(publisher, error).await,
    };
    while let Err(error) = consul.find_datacenter().await {
        publisher.failure(format!("error retrieving datacenter name: {error}"));
        tokio::time::sleep(Duration::from_millis(RETRY_MS)).await;
    }
    let (sender, mut news) = mpsc::channel(NEWS_MAX);
    let mut watched = Watched {
        consul: Arc::new(consul),
        sender,
        tasks: JoinSet::new(),
        services: BTreeMap::new(),
        catalog_error: None,
        complete: false,
    };
    watched.begin();
    while let Some(one) = news.recv().await {
        watched.take(one);
        watched.publish(publisher);
        // Watchers of services that are gone.
        while watched.tasks.try_join_next().is_some() {}
    }
}

/// The services that are watched, and what is known about each.
struct Watched {
    consul: Arc<Consul>,
    sender: mpsc::Sender<News>,
    tasks: JoinSet<()>,
    services: BTreeMap<String, Service>,
    catalog_error: Option<String>,
    /// Whether every service has answered once; what was found before a restart of the discovery would be lost for a moment
    /// if less were published.
    complete: bool,
}

struct Service {
    task: AbortHandle,
    group: Option<TargetGroup>,
    error: Option<String>,
}

impl Watched {
    /// Without tags, services that are named need no catalog.
    fn begin(&mut self) {
        let config = self.consul.config();
        if config.services.is_empty() || !config.tags.is_empty() {
            self.tasks.spawn(watch::catalog(Arc::clone(&self.consul), self.sender.clone()));
        } else {
            let names = config.services.iter().cloned().collect();
            self.watch_exactly(names);
        }
    }

    fn take(&mut self, news: News) {
        match news {
            News::Services(Ok(services)) => {
                self.catalog_error = None;
                let config = self.consul.config();
                let wanted = |name: &str, tags: &[String]| {
                    (config.services.is_empty() || config.services.iter().any(|wanted| wanted == name))
                        && config.tags.iter().all(|tag| tags.contains(tag))
                };
                let names = services.into_iter().filter(|(name, tags)| wanted(name, tags)).map(|(name, _)| name);
                let names: BTreeSet<String> = names.collect();
                if SERVICES_MAX < names.len() {
                    let count = names.len();
                    self.catalog_error =
                        Some(format!("{count} services, of which the first {SERVICES_MAX} are watched"));
                }
                self.watch_exactly(names.into_iter().take(SERVICES_MAX).collect());
            }
            News::Services(Err(error)) => self.catalog_error = Some(format!("error refreshing service list: {error}")),
            News::Service(name, outcome) => {
                // News of a watcher that was ended meanwhile count no more.
                let Some(service) = self.services.get_mut(&name) else { return };
                match outcome {
                    Ok(group) => (service.group, service.error) = (Some(group), None),
                    Err(error) => service.error = Some(format!("error refreshing service {name:?}: {error}")),
                }
            }
        }
    }

    fn watch_exactly(&mut self, names: BTreeSet<String>) {
        self.services.retain(|name, service| {
            let stays = names.contains(name);
            if !stays {
                service.task.abort();
            }
            stays
        });
        for name in names {
            if !self.services.contains_key(&name) {
                let watch = watch::service(Arc::clone(&self.consul), name.clone(), self.sender.clone());
                let task = self.tasks.spawn(watch);
                self.services.insert(name, Service { task, group: None, error: None });
            }
        }
    }

    fn publish(&mut self, publisher: &Publisher) {
        self.complete |= self.services.values().all(|service| service.group.is_some() || service.error.is_some());
        if !self.complete {
            return;
        }
        let groups = self.services.values().filter_map(|service| service.group.clone()).collect();
        let errors: Vec<&str> = self
            .catalog_error
            .iter()
            .chain(self.services.values().filter_map(|service| service.error.as_ref()))
            .map(String::as_str)
            .collect();
        publisher.partly(groups, (!errors.is_empty()).then(|| errors.join("; ")), Vec::new());
    }
}
