//! `docker_sd`: containers of a Docker engine, over its Unix socket or TCP.

mod api;
mod targets;

use std::collections::BTreeMap;
use std::path::Path;

use http_client::{BuildError, Client};
use reqwest::Url;
use reqwest::header::USER_AGENT;
use serde::de::DeserializeOwned;

use crate::publish::Publisher;
use crate::refresh::{self, Ask};
use crate::{Context, DockerConfig, TargetGroup, body};

/// Asks the engine, for ever.
pub(crate) async fn run(config: DockerConfig, context: &Context, publisher: &Publisher) {
    match Engine::new(config, context) {
        Ok(mut engine) => refresh::run(engine.config.refresh_interval_ms, publisher, &mut engine).await,
        Err(error) => refresh::never(publisher, error).await,
    }
}

struct Engine {
    config: DockerConfig,
    client: Client,
    /// What stands before the paths of the API.
    base: String,
    user_agent: String,
}

impl Engine {
    fn new(config: DockerConfig, context: &Context) -> Result<Self, String> {
        let told = |error: BuildError| error.to_string();
        let (client, base) = match config.host.split_once("://") {
            Some(("unix", path)) => {
                (http_client::build_unix(&config.http, Path::new(path)).map_err(told)?, "http://docker".to_owned())
            }
            Some(("tcp", address)) => (http_client::build(&config.http).map_err(told)?, format!("http://{address}")),
            Some(("http" | "https", _)) => (http_client::build(&config.http).map_err(told)?, config.host.clone()),
            _ => return Err(format!("host {:?} must begin with unix://, tcp://, http:// or https://", config.host)),
        };
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { config, client, base, user_agent: context.user_agent.clone() })
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Result<T, String> {
        let mut url = Url::parse(&format!("{}{path}", self.base)).map_err(|error| error.to_string())?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.client.get(url.as_str()).header(USER_AGENT, self.user_agent.as_str());
        let request = request.timeout(refresh::interval(self.config.refresh_interval_ms));
        body::json(request.send().await.map_err(|error| error.to_string())?).await
    }
}

impl Ask for Engine {
    async fn ask(&mut self) -> Result<Vec<TargetGroup>, String> {
        let filters: BTreeMap<&str, &[String]> =
            self.config.filters.iter().map(|(name, values)| (name.as_str(), values.as_slice())).collect();
        let mut query = Vec::new();
        if !filters.is_empty() {
            query.push(("filters", serde_json::to_string(&filters).map_err(|error| error.to_string())?));
        }
        let containers = self.get::<Vec<api::Container>>("/containers/json", &query).await;
        let containers = containers.map_err(|error| format!("error while listing containers: {error}"))?;
        let networks = self.get::<Vec<api::Network>>("/networks", &[]).await;
        let networks = networks.map_err(|error| format!("error while computing network labels: {error}"))?;
        Ok(vec![targets::group(&containers, &networks, &self.config)])
    }
}
