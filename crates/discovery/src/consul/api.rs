//! Consul's HTTP API, as far as it is asked here.

use std::collections::BTreeMap;
use std::time::Duration;

use http_client::Client;
use reqwest::Url;
use reqwest::header::{HeaderValue, USER_AGENT};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::body::{self, or_default};
use crate::{ConsulConfig, Context};

/// How long Consul may wait for a change before it answers, in milliseconds.
const WATCH_MS: u64 = 120_000;
/// How long it may take beyond that, in milliseconds.
const SLACK_MS: u64 = 15_000;

/// A Consul agent.
pub(super) struct Consul {
    config: ConsulConfig,
    client: Client,
    base: Url,
    token: Option<HeaderValue>,
    user_agent: String,
    datacenter: String,
}

/// What `/v1/agent/self` says.
#[derive(Deserialize)]
struct Agent {
    #[serde(rename = "Config")]
    config: AgentConfig,
}

#[derive(Deserialize)]
struct AgentConfig {
    #[serde(rename = "Datacenter")]
    datacenter: String,
}

/// An instance of a service, of `/v1/health/service/NAME`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Entry {
    pub(super) node: Node,
    pub(super) service: Service,
    #[serde(deserialize_with = "or_default")]
    pub(super) checks: Vec<Check>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Node {
    pub(super) node: String,
    pub(super) address: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) meta: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) tagged_addresses: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Service {
    #[serde(rename = "ID")]
    pub(super) id: String,
    pub(super) address: String,
    pub(super) port: i64,
    pub(super) namespace: String,
    pub(super) partition: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) tags: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) meta: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Check {
    #[serde(rename = "CheckID")]
    pub(super) check_id: String,
    pub(super) status: String,
}

impl Consul {
    pub(super) fn new(config: ConsulConfig, context: &Context) -> Result<Self, String> {
        let client = http_client::build(&config.http).map_err(|error| error.to_string())?;
        let prefix = config.path_prefix.trim_matches('/');
        let base = format!("{}://{}/{prefix}", config.scheme, config.server);
        let base = Url::parse(&base).map_err(|error| format!("server {:?}: {error}", config.server))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(format!("scheme {:?} must be http or https", config.scheme));
        }
        let token = (!config.token.is_empty()).then(|| HeaderValue::from_str(config.token.expose())).transpose();
        let mut token = token.map_err(|_error| "the token cannot stand in a header".to_owned())?;
        if let Some(token) = &mut token {
            token.set_sensitive(true);
        }
        let datacenter = config.datacenter.clone();
        Ok(Self { config, client, base, token, user_agent: context.user_agent.clone(), datacenter })
    }

    pub(super) const fn config(&self) -> &ConsulConfig {
        &self.config
    }

    pub(super) fn datacenter(&self) -> &str {
        &self.datacenter
    }

    /// Asks the agent for its own datacenter where none is configured.
    pub(super) async fn find_datacenter(&mut self) -> Result<(), String> {
        if self.datacenter.is_empty() {
            let (agent, _) = self.get::<Agent>(&["v1", "agent", "self"], &[], 0).await?;
            self.datacenter = agent.config.datacenter;
        }
        Ok(())
    }

    /// All services and their tags, once something has changed since `index`; and the new index.
    pub(super) async fn services(&self, index: u64) -> Result<(BTreeMap<String, Vec<String>>, u64), String> {
        let mut query = self.common_query();
        if !self.config.filter.is_empty() {
            query.push(("filter", self.config.filter.clone()));
        }
        self.get(&["v1", "catalog", "services"], &query, index).await
    }

    /// The instances of a service, once something has changed since `index`; and the new index.
    pub(super) async fn health(&self, service: &str, index: u64) -> Result<(Vec<Entry>, u64), String> {
        let mut query = self.common_query();
        query.extend(self.config.tags.iter().map(|tag| ("tag", tag.clone())));
        if !self.config.health_filter.is_empty() {
            query.push(("filter", self.config.health_filter.clone()));
        }
        self.get(&["v1", "health", "service", service], &query, index).await
    }

    fn common_query(&self) -> Vec<(&'static str, String)> {
        let config = &self.config;
        let mut query = vec![("wait", format!("{WATCH_MS}ms"))];
        let named = [("dc", &config.datacenter), ("ns", &config.namespace), ("partition", &config.partition)];
        query.extend(
            named.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.clone())),
        );
        if config.allow_stale {
            query.push(("stale", String::new()));
        }
        query.extend(config.node_meta.iter().map(|(name, value)| ("node-meta", format!("{name}:{value}"))));
        query
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        index: u64,
    ) -> Result<(T, u64), String> {
        let mut url = self.base.clone();
        url.path_segments_mut().map_err(|()| "the server's URL has no path".to_owned())?.pop_if_empty().extend(path);
        if !query.is_empty() || index != 0 {
            let mut pairs = url.query_pairs_mut();
            pairs.extend_pairs(query);
            if index != 0 {
                pairs.append_pair("index", &index.to_string());
            }
        }
        let mut request = self.client.get(url.as_str()).header(USER_AGENT, self.user_agent.as_str());
        if let Some(token) = &self.token {
            request = request.header("X-Consul-Token", token.clone());
        }
        let request = request.timeout(Duration::from_millis(WATCH_MS + SLACK_MS));
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let index = answer.headers().get("X-Consul-Index").and_then(|value| value.to_str().ok()?.parse().ok());
        Ok((body::json(answer).await?, index.unwrap_or(0)))
    }
}
