//! A job in force.

use std::sync::Arc;

use http_client::Client;
use thiserror::Error;

use crate::config::ScrapeConfig;

/// Why a configuration cannot be put into force; nothing has changed.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// A job's HTTP settings are unusable.
    #[error("job {job:?}: {source}")]
    Client {
        /// The job.
        job: String,
        /// Why.
        source: http_client::BuildError,
    },
}

/// A job in force.
pub(crate) struct Job {
    pub(crate) config: Arc<ScrapeConfig>,
    /// The same as its loops see it.
    pub(crate) reading: Arc<ScrapeConfig>,
    pub(crate) client: Client,
}

impl Job {
    /// `before` are the jobs in force: with the same settings the connections are kept.
    pub(crate) fn new(config: ScrapeConfig, before: &[Arc<Self>]) -> Result<Self, ApplyError> {
        let same = |job: &&Arc<Self>| job.config.job_name == config.job_name && job.config.http == config.http;
        let client = match before.iter().find(same) {
            Some(job) => job.client.clone(),
            // Pages are decompressed here, where their size is counted.
            None => http_client::build_raw(&config.http)
                .map_err(|source| ApplyError::Client { job: config.job_name.clone(), source })?,
        };
        Ok(Self { reading: Arc::new(config.without_targets()), config: Arc::new(config), client })
    }
}
