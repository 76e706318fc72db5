//! From what was configured and found to what is scraped; pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use discovery::TargetGroup;
use model::Labels;

use crate::config::ScrapeConfig;
use crate::machine::Machine;
use crate::populate::{ADDRESS, Populated, populate};
use crate::source::Program;
use crate::stand_in::candidate;
use crate::status::DroppedTarget;
use crate::target::{Endpoint, Target};

/// How many errors of targets that cannot be made are remembered for a job.
const TARGET_ERRORS_KEPT: usize = 20;

/// What a job scrapes.
#[derive(Debug, Default)]
pub(crate) struct PoolPlan {
    pub(crate) name: String,
    /// Each once.
    pub(crate) targets: Vec<Arc<Target>>,
    /// The first of those that are not scraped, and how many there are.
    pub(crate) dropped: Vec<DroppedTarget>,
    pub(crate) dropped_count: usize,
    /// The first of those that cannot be targets, and how many there are.
    pub(crate) errors: Vec<String>,
    pub(crate) errors_count: usize,
    /// Why all targets fail, if they do.
    pub(crate) refused: Option<String>,
}

/// The groups that a job names itself, as a discovery would find them.
pub(crate) fn static_groups(config: &ScrapeConfig) -> Vec<TargetGroup> {
    let group = |(index, group): (usize, &crate::StaticGroup)| TargetGroup {
        source: index.to_string(),
        targets: group.targets.iter().map(|address| Labels::from_pairs([(ADDRESS, address)])).collect(),
        labels: group.labels.clone(),
    };
    config.static_groups.iter().enumerate().map(group).collect()
}

/// Makes the targets of a job. `job` is `config` as loops see it.
pub(crate) fn plan<'a>(
    config: &ScrapeConfig,
    job: &Arc<ScrapeConfig>,
    groups: impl IntoIterator<Item = &'a TargetGroup>,
) -> PoolPlan {
    let mut plan = PoolPlan { name: config.job_name.clone(), ..PoolPlan::default() };
    let mut seen = BTreeSet::new();
    for group in groups {
        for (index, own) in group.targets.iter().enumerate() {
            match populate(config, job, own, &group.labels) {
                Ok(Populated::Target(target)) => {
                    if seen.insert(target.key()) {
                        plan.targets.push(Arc::new(*target));
                    }
                }
                Ok(Populated::Dropped(labels)) => plan.drop_target(config, labels, None),
                Err(error) => {
                    plan.errors_count += 1;
                    if plan.errors.len() < TARGET_ERRORS_KEPT {
                        let address = own.get(ADDRESS).unwrap_or_default();
                        plan.errors.push(format!("target {address:?} ({index} in group {}): {error}", group.source));
                    }
                }
            }
        }
    }
    if let Some(limit) = config.targets_max.filter(|limit| *limit < plan.targets.len()) {
        let number = plan.targets.len();
        plan.refused = Some(format!("target_limit exceeded (number of targets: {number}, limit: {limit})"));
    }
    plan
}

impl PoolPlan {
    fn drop_target(&mut self, config: &ScrapeConfig, discovered_labels: Labels, reason: Option<String>) {
        self.dropped_count += 1;
        if self.dropped.len() < config.dropped_targets_kept {
            self.dropped.push(DroppedTarget { pool: self.name.clone(), discovered_labels, reason });
        }
    }
}

/// What was only found gives way to what somebody configured: one address is scraped once, and so is an exporter of this
/// machine's numbers, which a configured name may mean though it leads nowhere. Of two that were found the first stays.
pub(crate) fn give_way(plans: &mut [PoolPlan], configs: &[Arc<ScrapeConfig>], machine: &Machine) {
    let address = |target: &Target| match &target.endpoint {
        Endpoint::Http(url) => machine.canonical(url),
        Endpoint::BuiltIn(_) => None,
    };
    let program = |target: &Target, found: bool| match &target.endpoint {
        Endpoint::Http(url) => candidate(url, machine, found).map(|candidate| candidate.program),
        Endpoint::BuiltIn(_) => None,
    };
    let mut exporters: Vec<(Program, (String, String))> = Vec::new();
    let mut taken: BTreeMap<String, (String, String)> = BTreeMap::new();
    for (plan, _) in plans.iter().zip(configs).filter(|(_, config)| !config.gives_way) {
        for target in &plan.targets {
            let place = (target.url.clone(), target.pool.clone());
            exporters.extend(program(target, false).filter(|p| p.doubles_ours()).map(|p| (p, place.clone())));
            if let Some(address) = address(target) {
                taken.entry(address).or_insert(place);
            }
        }
    }
    for (plan, config) in plans.iter_mut().zip(configs).filter(|(_, config)| config.gives_way) {
        for target in std::mem::take(&mut plan.targets) {
            let key = address(&target);
            let same_address = key.as_ref().and_then(|address| taken.get(address));
            let same_program = || {
                let program = program(&target, true)?;
                exporters.iter().find(|(other, _)| *other == program).map(|(_, place)| place)
            };
            match same_address.or_else(same_program) {
                Some((url, pool)) => {
                    let reason = format!("job {pool:?} scrapes {url} already");
                    plan.drop_target(config, target.discovered_labels.clone(), Some(reason));
                }
                None => {
                    taken.extend(key.map(|address| (address, (target.url.clone(), target.pool.clone()))));
                    plan.targets.push(target);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use relabel::{Action, Pattern};

    use super::*;
    use crate::config::StaticGroup;

    fn job(name: &str, addresses: &[&str]) -> ScrapeConfig {
        let targets = addresses.iter().map(|address| (*address).to_owned()).collect();
        let group = StaticGroup { targets, ..StaticGroup::default() };
        ScrapeConfig { job_name: name.to_owned(), static_groups: vec![group], ..ScrapeConfig::default() }
    }

    fn plan_of(config: &ScrapeConfig) -> PoolPlan {
        plan(config, &Arc::new(config.without_targets()), &static_groups(config))
    }

    fn urls(plan: &PoolPlan) -> Vec<&str> {
        plan.targets.iter().map(|target| target.url.as_str()).collect()
    }

    #[test]
    fn the_same_target_twice_counts_once() {
        let plan = plan_of(&job("j", &["a:1", "b:1", "a:1"]));
        assert_eq!(urls(&plan), ["http://a:1/metrics", "http://b:1/metrics"]);
    }

    #[test]
    fn what_rules_drop_is_remembered_up_to_a_bound() {
        let mut config = job("j", &["a:1", "b:1", "c:1", "d:1"]);
        config.relabel_configs = vec![relabel::Config {
            source_labels: vec![ADDRESS.to_owned()],
            regex: Some(Pattern::new("[abc]:1").unwrap()),
            action: Action::Drop,
            ..relabel::Config::default()
        }];
        config.dropped_targets_kept = 2;
        let plan = plan_of(&config);
        assert_eq!(urls(&plan), ["http://d:1/metrics"]);
        assert_eq!((plan.dropped_count, plan.dropped.len()), (3, 2));
        assert_eq!(plan.dropped[0].discovered_labels.get(ADDRESS), Some("a:1"));
        assert_eq!(plan.dropped[0].reason, None);
    }

    #[test]
    fn too_many_targets_fail_the_whole_job() {
        let mut config = job("j", &["a:1", "b:1"]);
        config.targets_max = Some(2);
        assert_eq!(plan_of(&config).refused, None);
        config.targets_max = Some(1);
        let refused = plan_of(&config).refused.unwrap();
        assert_eq!(refused, "target_limit exceeded (number of targets: 2, limit: 1)");
    }

    #[test]
    fn a_target_that_cannot_be_one_does_not_hurt_the_others() {
        let plan = plan_of(&job("j", &["http://a:1/x", "b:1"]));
        assert_eq!(urls(&plan), ["http://b:1/metrics"]);
        assert_eq!(plan.errors, ["target \"http://a:1/x\" (0 in group 0): \"http://a:1/x\" is not a valid hostname"]);
    }

    #[test]
    fn what_was_found_gives_way_to_what_was_configured() {
        let machine = Machine { hostname: "box".to_owned(), ..Machine::default() };
        let mut found = job("found", &["127.0.0.1:8000", "127.0.0.1:8001", "[::1]:8001"]);
        found.gives_way = true;
        let configs = [Arc::new(found), Arc::new(job("mine", &["box:8000", "other:8001"]))];
        let mut plans: Vec<PoolPlan> = configs.iter().map(|config| plan_of(config)).collect();
        give_way(&mut plans, &configs, &machine);
        assert_eq!(urls(&plans[0]), ["http://127.0.0.1:8001/metrics"]);
        assert_eq!(urls(&plans[1]), ["http://box:8000/metrics", "http://other:8001/metrics"]);
        let reasons: Vec<&str> = plans[0].dropped.iter().filter_map(|dropped| dropped.reason.as_deref()).collect();
        assert_eq!(
            reasons,
            [
                "job \"mine\" scrapes http://box:8000/metrics already",
                "job \"found\" scrapes http://127.0.0.1:8001/metrics already"
            ]
        );
    }

    #[test]
    fn a_machine_s_numbers_are_scraped_once() {
        let machine = Machine { hostname: "box".to_owned(), ..Machine::default() };
        let found = ScrapeConfig { gives_way: true, ..job("found", &["127.0.0.1:9100", "127.0.0.1:9400"]) };
        let configs = [Arc::new(found), Arc::new(job("mine", &["node-exporter:9100", "10.0.0.9:9400"]))];
        let mut plans: Vec<PoolPlan> = configs.iter().map(|config| plan_of(config)).collect();
        give_way(&mut plans, &configs, &machine);
        // Another machine's exporter is not this one's.
        assert_eq!(urls(&plans[0]), ["http://127.0.0.1:9400/metrics"]);
        assert_eq!(
            plans[0].dropped[0].reason.as_deref(),
            Some("job \"mine\" scrapes http://node-exporter:9100/metrics already")
        );
    }
}
