//! What pages and the API are told.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Labels;
use parking_lot::Mutex;

use crate::job::Job;
use crate::pool::PoolPlan;
use crate::scrape_task::Assignment;
use crate::status::{DroppedTarget, Health, PoolStatus, TargetStatus};

/// The state of all jobs and targets.
#[derive(Default)]
pub(crate) struct View {
    /// In the order in which they are shown: by job, then by labels.
    pub(crate) seats: BTreeMap<String, Seat>,
    pub(crate) pools: Vec<PoolPlan>,
    pub(crate) jobs: Vec<Arc<Job>>,
    /// For each job what its discoveries cannot do.
    pub(crate) discovery_errors: BTreeMap<String, Vec<String>>,
}

/// A target and what is known of it.
#[derive(Clone)]
pub(crate) struct Seat {
    pub(crate) status: Arc<Mutex<TargetStatus>>,
    pub(crate) assignment: Assignment,
}

impl View {
    pub(crate) fn targets(&self) -> Vec<TargetStatus> {
        self.seats.values().map(|seat| seat.status.lock().clone()).collect()
    }

    pub(crate) fn dropped(&self) -> Vec<DroppedTarget> {
        self.pools.iter().flat_map(|pool| pool.dropped.clone()).collect()
    }

    /// Configured jobs in the order of the configuration, then built-in ones.
    pub(crate) fn pools(&self) -> Vec<PoolStatus> {
        let status = |pool: &PoolPlan| PoolStatus {
            name: pool.name.clone(),
            dropped: pool.dropped_count,
            discovery_errors: self.discovery_errors.get(&pool.name).cloned().unwrap_or_default(),
            target_errors: pool.errors.clone(),
            target_limit_exceeded: pool.refused.is_some(),
            ..PoolStatus::default()
        };
        let mut pools: Vec<PoolStatus> = self.pools.iter().map(status).collect();
        for seat in self.seats.values() {
            let status = seat.status.lock();
            let position = pools.iter().position(|pool| pool.name == status.pool).unwrap_or(pools.len());
            if position == pools.len() {
                pools.push(PoolStatus { name: status.pool.clone(), ..PoolStatus::default() });
            }
            let pool = &mut pools[position];
            match status.health {
                // What rests is nobody's concern.
                _ if status.resting.is_some() => {}
                Health::Up => pool.up += 1,
                Health::Down => pool.down += 1,
                Health::Unknown => pool.unknown += 1,
            }
        }
        pools
    }

    pub(crate) fn relabel_steps(&self, pool: &str, labels: &Labels) -> Option<Vec<(relabel::Config, relabel::Step)>> {
        let job = self.jobs.iter().find(|job| job.config.job_name == pool)?;
        let rules = &job.config.relabel_configs;
        Some(rules.iter().cloned().zip(relabel::explain(labels, rules)).collect())
    }

    /// The target whose status has this key.
    pub(crate) fn find(&self, key: &str) -> Option<Seat> {
        self.seats.values().find(|seat| seat.status.lock().key == key).cloned()
    }
}
