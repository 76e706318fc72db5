//! Shows how something that was found becomes a target, for those who write rules.

use std::sync::Arc;

use model::Labels;

use crate::config::ScrapeConfig;
use crate::populate::{Populated, discovered, populate};

/// How a target comes to be, or not.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The labels before the job's rules.
    pub discovered_labels: Labels,
    /// Each rule with what it did, as far as the first that drops the target.
    pub steps: Vec<(relabel::Config, relabel::Step)>,
    /// What is scraped in the end.
    pub outcome: ExplainedOutcome,
}

/// What is scraped in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExplainedOutcome {
    /// A target.
    Scraped {
        /// Where.
        url: String,
        /// What its series carry.
        labels: Labels,
    },
    /// Nothing: a rule dropped it.
    Dropped,
    /// Nothing: it cannot be a target, for this reason.
    Impossible(String),
}

/// Applies the rules of `config` to something that was found with these labels.
pub fn explain_target(config: &ScrapeConfig, found: &Labels) -> Explained {
    let discovered_labels = discovered(config, found, &Labels::empty()).build();
    let steps = relabel::explain(&discovered_labels, &config.relabel_configs);
    let steps = config.relabel_configs.iter().cloned().zip(steps).collect();
    let outcome = match populate(config, &Arc::new(config.without_targets()), found, &Labels::empty()) {
        Ok(Populated::Target(target)) => ExplainedOutcome::Scraped { url: target.url, labels: target.labels },
        Ok(Populated::Dropped(_)) => ExplainedOutcome::Dropped,
        Err(error) => ExplainedOutcome::Impossible(error.to_string()),
    };
    Explained { discovered_labels, steps, outcome }
}
