//! The loops that ask Consul and tell what changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

use super::RETRY_MS;
use super::api::Consul;
use super::targets;
use crate::{TargetGroup, refresh};

/// What a watcher learned.
pub(super) enum News {
    /// All services with their tags.
    Services(Result<BTreeMap<String, Vec<String>>, String>),
    /// The instances of one.
    Service(String, Result<TargetGroup, String>),
}

/// Watches which services there are.
pub(super) async fn catalog(consul: Arc<Consul>, sender: mpsc::Sender<News>) {
    let mut pace = Pace::new(&consul);
    loop {
        let news = match consul.services(pace.index).await {
            Ok((_, index)) if !pace.is_new(index) => None,
            Ok((services, _)) => Some(News::Services(Ok(services))),
            Err(error) => Some(News::Services(Err(error))),
        };
        let failed = matches!(news, Some(News::Services(Err(_))));
        if !pace.tell(news, failed, &sender).await {
            return;
        }
    }
}

/// Watches the instances of one service.
pub(super) async fn service(consul: Arc<Consul>, name: String, sender: mpsc::Sender<News>) {
    let mut pace = Pace::new(&consul);
    loop {
        let news = match consul.health(&name, pace.index).await {
            Ok((_, index)) if !pace.is_new(index) => None,
            Ok((entries, _)) => {
                let group = targets::group(&name, consul.datacenter(), &entries, &consul.config().tag_separator);
                Some(News::Service(name.clone(), Ok(group)))
            }
            Err(error) => Some(News::Service(name.clone(), Err(error))),
        };
        let failed = matches!(news, Some(News::Service(_, Err(_))));
        if !pace.tell(news, failed, &sender).await {
            return;
        }
    }
}

/// When to ask next, and from which index on.
struct Pace {
    index: u64,
    ticks: tokio::time::Interval,
}

impl Pace {
    fn new(consul: &Consul) -> Self {
        let interval = refresh::interval(consul.config().refresh_interval_ms);
        let mut ticks = tokio::time::interval_at(Instant::now() + interval, interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { index: 0, ticks }
    }

    /// Whether an answer's index says that something changed; the same one says that the waiting time was over. One that
    /// went back is where to begin anew.
    fn is_new(&mut self, index: u64) -> bool {
        let new = index != self.index || index == 0;
        self.index = if index < self.index { 0 } else { index };
        new
    }

    /// Hands the news on and waits until it is time to ask again; `false` if nobody listens any more.
    async fn tell(&mut self, news: Option<News>, failed: bool, sender: &mpsc::Sender<News>) -> bool {
        if let Some(news) = news
            && sender.send(news).await.is_err()
        {
            return false;
        }
        if failed {
            tokio::time::sleep(Duration::from_millis(RETRY_MS)).await;
        }
        self.ticks.tick().await;
        true
    }
}
