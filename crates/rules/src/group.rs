//! A group: evaluates its rules in order at one moment and writes what they say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{ALERT_NAME, Alert, Labels, METRIC_NAME, Matcher, STALE_NAN, TimeRange, Timestamp, is_stale};
use promql::{Options, Value, VectorSample};
use promql_syntax::Expr;
use storage::{Appender, Batch, Row, Select, Storage};

use crate::alerting_rule::{AlertingRule, Alerts};
use crate::config::{GroupConfig, RuleConfig, Settings};
use crate::recording_rule;
use crate::status::{AlertState, GroupStatus, RuleHealth, RuleKind, RuleStatus};

/// How far back `ALERTS_FOR_STATE` is looked for after a restart, in milliseconds.
const OUTAGE_TOLERANCE_MS: i64 = 3_600_000;
/// Shorter waits start anew after a restart; and no restored wait ends sooner than this, in milliseconds.
const GRACE_PERIOD_MS: i64 = 600_000;
/// Evaluations before waits are restored: targets must have been scraped.
const EVALUATIONS_BEFORE_RESTORE: u64 = 2;

/// What changes from evaluation to evaluation.
#[derive(Clone, Debug, Default)]
pub(crate) struct RuleState {
    pub(crate) alerts: Alerts,
    /// Series that the last evaluation wrote.
    written: BTreeSet<Labels>,
    health: RuleHealth,
    last_error: String,
    evaluation_time_s: f64,
    last_evaluation: Option<Timestamp>,
}

pub(crate) struct Group {
    pub(crate) config: GroupConfig,
    pub(crate) settings: Settings,
    storage: Arc<dyn Storage>,
    options: Options,
    pub(crate) states: Vec<RuleState>,
    evaluations: u64,
    last_evaluation: Option<Timestamp>,
    evaluation_time_s: f64,
}

impl Group {
    pub(crate) fn new(config: GroupConfig, settings: Settings, storage: Arc<dyn Storage>, options: Options) -> Self {
        let states = config.rules.iter().map(|_| RuleState::default()).collect();
        Self {
            config,
            settings,
            storage,
            options,
            states,
            evaluations: 0,
            last_evaluation: None,
            evaluation_time_s: 0.0,
        }
    }

    /// What a group under this key was before a reload: rules that have the same name and labels go on.
    pub(crate) fn take_over(&mut self, old: Self) {
        let mut states: BTreeMap<String, Vec<RuleState>> = BTreeMap::new();
        for (rule, state) in old.config.rules.iter().zip(old.states).rev() {
            states.entry(identity(rule)).or_default().push(state);
        }
        for (rule, state) in self.config.rules.iter().zip(&mut self.states) {
            if let Some(old) = states.get_mut(&identity(rule)).and_then(Vec::pop) {
                *state = old;
            }
        }
        self.evaluations = old.evaluations;
    }

    pub(crate) fn interval_ms(&self) -> i64 {
        self.config.interval_ms.unwrap_or(self.settings.evaluation_interval_ms).max(1)
    }

    /// Evaluates all rules at `at`; the alerts that are to be told. `elapsed_s` tells the seconds since it was made.
    pub(crate) fn evaluate(&mut self, at: Timestamp, elapsed_s: &dyn Fn() -> f64) -> Vec<Alert> {
        let began_s = elapsed_s();
        let mut to_send = Vec::new();
        self.evaluations += 1;
        for position in 0..self.config.rules.len() {
            let rule_began_s = elapsed_s();
            let outcome = self.evaluate_rule(position, at, &mut to_send);
            let state = &mut self.states[position];
            state.evaluation_time_s = elapsed_s() - rule_began_s;
            state.last_evaluation = Some(at);
            match outcome {
                Ok(()) => {
                    state.health = RuleHealth::Ok;
                    state.last_error.clear();
                }
                Err(error) => {
                    if state.health != RuleHealth::Err {
                        tracing::warn!(group = self.config.name, rule = position, error, "a rule cannot be evaluated");
                    }
                    state.health = RuleHealth::Err;
                    state.last_error = error;
                }
            }
        }
        self.evaluation_time_s = elapsed_s() - began_s;
        self.last_evaluation = Some(at);
        to_send
    }

    fn evaluate_rule(&mut self, position: usize, at: Timestamp, to_send: &mut Vec<Alert>) -> Result<(), String> {
        let query_at = at - self.config.query_offset_ms.unwrap_or(0);
        let samples = match &self.config.rules[position] {
            RuleConfig::Recording { record, expr, labels, .. } => {
                let vector = self.query(expr, query_at)?;
                if self.config.limit != 0 && self.config.limit < vector.len() {
                    return Err(format!("exceeded limit of {} with {} series", self.config.limit, vector.len()));
                }
                recording_rule::evaluate(record, &self.with_group_labels(labels), &vector)?
            }
            RuleConfig::Alerting { expr, .. } => {
                let vector = self.query(expr, query_at)?;
                let rule = self.alerting_rule(position);
                let interval_ms = self.interval_ms();
                let outcome = self.states[position].alerts.step(&rule, &vector, at, &self.settings);
                if self.evaluations == EVALUATIONS_BEFORE_RESTORE {
                    self.restore(position, &rule, at)?;
                }
                let alerts = &mut self.states[position].alerts;
                to_send.extend(alerts.take_due(&rule, at, interval_ms, &self.settings));
                // What was waited before a restart must be read before it is written over.
                let restored = EVALUATIONS_BEFORE_RESTORE <= self.evaluations;
                let samples = if restored { alerts.samples(&rule.alert) } else { Vec::new() };
                // With the limit exceeded all alerts have ended, and their series with them.
                self.write(position, query_at, samples)?;
                return outcome;
            }
        };
        self.write(position, query_at, samples)
    }

    /// The alerting rule at a place, its group's labels included.
    fn alerting_rule(&self, position: usize) -> AlertingRule {
        match &self.config.rules[position] {
            RuleConfig::Alerting { alert, text, for_ms, keep_firing_for_ms, labels, annotations, .. } => AlertingRule {
                alert: alert.clone(),
                for_ms: *for_ms,
                keep_firing_for_ms: *keep_firing_for_ms,
                labels: self.with_group_labels(labels),
                annotations: annotations.clone(),
                generator_url: self.generator_url(text),
                limit: self.config.limit,
            },
            RuleConfig::Recording { record, .. } => AlertingRule {
                alert: record.clone(),
                for_ms: 0,
                keep_firing_for_ms: 0,
                labels: Labels::empty(),
                annotations: Labels::empty(),
                generator_url: String::new(),
                limit: 0,
            },
        }
    }

    fn with_group_labels(&self, labels: &Labels) -> Labels {
        let mut builder = self.config.labels.to_builder();
        for (name, value) in labels {
            builder.set(name, value);
        }
        builder.build()
    }

    /// A link to the expression, in Prometheus' form.
    fn generator_url(&self, text: &str) -> String {
        let base = self.settings.external_url.trim_end_matches('/');
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("g0.expr", text)
            .append_pair("g0.tab", "1")
            .finish();
        format!("{base}/graph?{query}")
    }

    fn query(&self, expr: &Expr, at: Timestamp) -> Result<Vec<VectorSample>, String> {
        let answer = promql::instant(expr, at, &*self.storage, &self.options).map_err(|error| error.to_string())?;
        match answer.value {
            Value::Vector(vector) => Ok(vector),
            Value::Scalar { at, value } => {
                Ok(vec![VectorSample { labels: Labels::empty(), at, value, histogram: None }])
            }
            Value::Matrix(_) | Value::String { .. } => Err("rule result is not a vector or scalar".to_owned()),
        }
    }

    /// Writes samples, and markers for the series that the last evaluation wrote and this one does not.
    fn write(&mut self, position: usize, at: Timestamp, samples: Vec<(Labels, f64)>) -> Result<(), String> {
        let written: BTreeSet<Labels> = samples.iter().map(|(labels, _)| labels.clone()).collect();
        let ended = self.states[position].written.difference(&written).map(|labels| (labels.clone(), STALE_NAN));
        let samples: Vec<(Labels, f64)> = samples.into_iter().chain(ended).collect();
        self.append(at, &samples)?;
        self.states[position].written = written;
        Ok(())
    }

    fn append(&self, at: Timestamp, samples: &[(Labels, f64)]) -> Result<(), String> {
        if samples.is_empty() {
            return Ok(());
        }
        let appender: &dyn Appender = &*self.storage;
        let group = appender.group(&format!("rules {} {}", self.config.file, self.config.name));
        let row =
            |(labels, value): &(Labels, f64)| Ok(Row { series: appender.series_id(group, labels)?, value: *value });
        let rows: Result<Vec<Row>, storage::AppendError> = samples.iter().map(row).collect();
        let batch = rows.map_err(|error| error.to_string())?;
        let appended = appender.append(&[Batch::of_rows(group, at, batch)]).map_err(|error| error.to_string())?;
        if let Some(first) = appended.rejected.first() {
            tracing::debug!(group = self.config.name, rejected = appended.rejected.len(), reason = %first.reason, "samples of a rule were refused");
        }
        Ok(())
    }

    /// After a restart, an alert that was waiting goes on waiting where it was; the time that the program was down does not
    /// count (`RestoreForState`).
    fn restore(&mut self, position: usize, rule: &AlertingRule, at: Timestamp) -> Result<(), String> {
        if rule.for_ms < GRACE_PERIOD_MS {
            return Ok(());
        }
        for labels in self.states[position].alerts.pending() {
            let mut matchers = vec![Matcher::equal(METRIC_NAME, "ALERTS_FOR_STATE")];
            matchers.extend(labels.iter().map(|(name, value)| Matcher::equal(name, value)));
            let select = Select {
                matchers: &matchers,
                range: TimeRange::new(at - OUTAGE_TOLERANCE_MS, at - 1),
                step_ms: 0,
                function: "",
                samples_max: self.options.samples_max,
            };
            let found = self.storage.select(&select).map_err(|error| error.to_string())?;
            let exact = found.iter().find(|series| series.labels.without_name() == labels);
            let newest = exact.and_then(|series| Some((*series.timestamps_ms.last()?, *series.values.last()?)));
            let Some((seen_ms, since_s)) = newest.filter(|(_, value)| !is_stale(*value)) else { continue };
            let since_ms = (since_s * 1000.0) as i64;
            let remaining_ms = rule.for_ms - (seen_ms - since_ms);
            let active_ms = if remaining_ms <= 0 {
                since_ms
            } else if remaining_ms < GRACE_PERIOD_MS {
                at.as_ms() + GRACE_PERIOD_MS - rule.for_ms
            } else {
                since_ms + (at.as_ms() - seen_ms)
            };
            self.states[position].alerts.restore(&labels, Timestamp::from_ms(active_ms));
        }
        Ok(())
    }

    /// All series of its rules end: the group is gone.
    pub(crate) fn end(&mut self, at: Timestamp) {
        let ended: Vec<(Labels, f64)> = self
            .states
            .iter_mut()
            .flat_map(|state| std::mem::take(&mut state.written))
            .map(|l| (l, STALE_NAN))
            .collect();
        if let Err(error) = self.append(at, &ended) {
            tracing::warn!(group = self.config.name, error, "cannot end the series of a removed group");
        }
    }

    pub(crate) fn status(&self) -> GroupStatus {
        let rules = self.config.rules.iter().zip(&self.states).map(|(rule, state)| {
            let (kind, name, query, for_ms, keep_ms, labels, annotations) = match rule {
                RuleConfig::Recording { record, text, labels, .. } => {
                    (RuleKind::Recording, record, text, 0, 0, labels, Labels::empty())
                }
                RuleConfig::Alerting { alert, text, for_ms, keep_firing_for_ms, labels, annotations, .. } => {
                    (RuleKind::Alerting, alert, text, *for_ms, *keep_firing_for_ms, labels, annotations.clone())
                }
            };
            RuleStatus {
                kind,
                name: name.clone(),
                query: query.clone(),
                duration_s: for_ms as f64 / 1000.0,
                keep_firing_for_s: keep_ms as f64 / 1000.0,
                labels: self.with_group_labels(labels),
                annotations,
                state: if kind == RuleKind::Alerting { state.alerts.state() } else { AlertState::Inactive },
                health: state.health,
                last_error: state.last_error.clone(),
                evaluation_time_s: state.evaluation_time_s,
                last_evaluation: state.last_evaluation,
                alerts: state.alerts.active(),
            }
        });
        GroupStatus {
            name: self.config.name.clone(),
            file: self.config.file.clone(),
            interval_ms: self.interval_ms(),
            limit: self.config.limit,
            evaluation_time_s: self.evaluation_time_s,
            last_evaluation: self.last_evaluation,
            rules: rules.collect(),
        }
    }
}

/// What makes a rule the same rule after a reload.
fn identity(rule: &RuleConfig) -> String {
    match rule {
        RuleConfig::Recording { record, labels, .. } => format!("record {record} {labels:?}"),
        RuleConfig::Alerting { alert, labels, .. } => format!("{ALERT_NAME} {alert} {labels:?}"),
    }
}

#[cfg(test)]
mod tests {
    use storage::MemoryStorage;

    use super::*;

    /// The alert of a real tutorial.
    fn tutorial(alert: &str, expr: &str, for_ms: i64, description: &str) -> GroupConfig {
        let rule = RuleConfig::Alerting {
            alert: alert.to_owned(),
            text: expr.to_owned(),
            expr: promql_syntax::parse(expr).unwrap(),
            for_ms,
            keep_firing_for_ms: 0,
            labels: Labels::from_pairs([("severity", "critical")]),
            annotations: Labels::from_pairs([("description", description)]),
        };
        let recording = RuleConfig::Recording {
            record: "alerts:count".to_owned(),
            text: "count(ALERTS)".to_owned(),
            expr: promql_syntax::parse("count(ALERTS)").unwrap(),
            labels: Labels::empty(),
        };
        GroupConfig {
            file: "alerts.yml".to_owned(),
            name: "g".to_owned(),
            interval_ms: Some(15_000),
            limit: 0,
            query_offset_ms: None,
            labels: Labels::from_pairs([("team", "llm")]),
            rules: vec![rule, recording],
        }
    }

    struct Bench {
        storage: Arc<MemoryStorage>,
        group: Group,
        at_ms: i64,
    }

    impl Bench {
        fn new(config: GroupConfig) -> Self {
            let storage = Arc::new(MemoryStorage::new());
            let settings = Settings {
                evaluation_interval_ms: 15_000,
                external_labels: Labels::empty(),
                external_url: "http://box:3000".to_owned(),
            };
            let group = Group::new(config, settings, storage.clone(), Options::default());
            Self { storage, group, at_ms: 0 }
        }

        /// A step of 15 s with this memory on the GPU.
        fn step(&mut self, used: f64) -> Vec<Alert> {
            self.at_ms += 15_000;
            for (name, value) in [("DCGM_FI_DEV_FB_USED", used), ("DCGM_FI_DEV_FB_TOTAL", 80_000.0)] {
                let labels = Labels::from_pairs([("__name__", name), ("gpu", "2")]);
                self.storage.push(&labels, [(self.at_ms, value)]);
            }
            self.group.evaluate(Timestamp::from_ms(self.at_ms), &|| 0.0)
        }

        fn value(&self, query: &str) -> Option<f64> {
            let expr = promql_syntax::parse(query).unwrap();
            let at = Timestamp::from_ms(self.at_ms);
            match promql::instant(&expr, at, &*self.storage, &Options::default()).unwrap().value {
                Value::Vector(vector) => vector.first().map(|sample| sample.value),
                _ => None,
            }
        }
    }

    const HIGH_MEMORY: &str = "(DCGM_FI_DEV_FB_USED / DCGM_FI_DEV_FB_TOTAL) * 100 > 90";

    #[test]
    fn a_tutorial_s_alert_goes_its_way() {
        let text = "GPU {{ $labels.gpu }} memory usage is {{ $value }}%";
        let mut bench = Bench::new(tutorial("HighGPUMemoryUsage", HIGH_MEMORY, 30_000, text));
        assert!(bench.step(10_000.0).is_empty());
        assert!(bench.step(76_000.0).is_empty());
        assert_eq!(bench.value("ALERTS{alertstate=\"pending\"}"), Some(1.0));
        assert!(bench.step(76_000.0).is_empty());
        let sent = bench.step(76_000.0);
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].annotations.get("description"), Some("GPU 2 memory usage is 95%"));
        assert_eq!(
            sent[0].labels.to_braces(),
            r#"{alertname="HighGPUMemoryUsage", gpu="2", severity="critical", team="llm"}"#
        );
        assert!(sent[0].generator_url.starts_with("http://box:3000/graph?g0.expr=%28DCGM"));
        assert_eq!(bench.value("ALERTS{alertstate=\"firing\"}"), Some(1.0));
        assert_eq!(bench.value("ALERTS{alertstate=\"pending\"}"), None);
        // A rule sees what the one before it wrote.
        assert_eq!(bench.value("alerts:count"), Some(1.0));
        let resolved = bench.step(10_000.0);
        assert!(resolved[0].is_resolved(Timestamp::from_ms(bench.at_ms)));
        assert_eq!(bench.value("ALERTS"), None);
    }

    #[test]
    fn a_rule_that_fails_leaves_its_alerts() {
        let text = "";
        let mut bench = Bench::new(tutorial("A", HIGH_MEMORY, 0, text));
        assert_eq!(bench.step(76_000.0).len(), 1);
        bench.group.options.samples_max = 0;
        assert!(bench.step(10_000.0).is_empty());
        let status = bench.group.status();
        assert_eq!((status.rules[0].health, status.rules[0].state), (RuleHealth::Err, AlertState::Firing));
        assert!(status.rules[0].last_error.contains("too many samples"), "{}", status.rules[0].last_error);
    }

    #[test]
    fn a_wait_goes_on_after_a_restart() {
        let mut bench = Bench::new(tutorial("A", HIGH_MEMORY, 20 * 60_000, ""));
        for _ in 0..60 {
            bench.step(76_000.0);
        }
        let config = bench.group.config.clone();
        bench.group = Group::new(config, bench.group.settings.clone(), bench.storage.clone(), Options::default());
        bench.at_ms += 60_000;
        let mut minutes = 0.0;
        while bench.step(76_000.0).is_empty() {
            minutes += 0.25;
        }
        // 15 of 20 minutes were waited; what is left is less than the grace period of 10.
        assert!((9.0..11.0).contains(&minutes), "{minutes}");
    }

    #[test]
    fn a_reload_keeps_alerts_of_rules_that_stay() {
        let mut bench = Bench::new(tutorial("A", HIGH_MEMORY, 0, ""));
        bench.step(76_000.0);
        let mut changed = bench.group.config.clone();
        changed.interval_ms = Some(30_000);
        let mut next = Group::new(changed, bench.group.settings.clone(), bench.storage.clone(), Options::default());
        next.take_over(bench.group);
        assert_eq!(next.status().rules[0].state, AlertState::Firing);
    }
}
