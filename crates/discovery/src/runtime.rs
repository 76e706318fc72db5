//! Starts a discovery as a task.

use std::sync::Arc;

use clock::Clock;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::local::Asked;
use crate::publish::Publisher;
use crate::{Config, Found, consul, dns, docker, file, http, local};

/// What every discovery needs of the program around it. One for the whole run: it also remembers which of this machine's
/// listeners were asked for a page, so that a changed configuration does not ask them again.
#[derive(Clone)]
pub struct Context {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) user_agent: String,
    pub(crate) asked: Arc<Asked>,
}

impl Context {
    /// The time of day, and what requests call themselves, such as `pitwall/1.0`.
    pub fn new(clock: Arc<dyn Clock>, user_agent: impl Into<String>) -> Self {
        Self { clock, user_agent: user_agent.into(), asked: Arc::default() }
    }
}

/// Starts a discovery. It ends when `stop` is cancelled; the handle is to be awaited then.
///
/// The first value, before anything was asked, is [`Found::default`]; each attempt changes it, also one that failed,
/// which keeps the groups. Nothing here fails: an unusable setting is [`Found::error`] as well.
pub fn spawn(config: Config, context: Context, stop: CancellationToken) -> (watch::Receiver<Found>, JoinHandle<()>) {
    let (sender, receiver) = watch::channel(Found::default());
    let publisher = Publisher::new(sender);
    let span = tracing::info_span!("discovery", kind = config.kind());
    let run = async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = run(config, &context, &publisher) => {}
        }
    };
    (receiver, tokio::spawn(run.instrument(span)))
}

/// Dropped at an await when the discovery is to end; nothing here holds what would be left half done.
async fn run(config: Config, context: &Context, publisher: &Publisher) {
    match config {
        Config::File(config) => file::run(config, publisher).await,
        Config::Http(config) => http::run(*config, context, publisher).await,
        Config::Consul(config) => consul::run(*config, context, publisher).await,
        Config::Docker(config) => docker::run(*config, context, publisher).await,
        Config::Dns(config) => dns::run(config, publisher).await,
        Config::Local(config) => local::run(config, context, publisher).await,
    }
}
