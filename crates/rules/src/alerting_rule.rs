//! The alert state machine: inactive → pending → firing → resolved, as Prometheus' `AlertingRule.Eval` has it. Pure: a
//! vector and a moment in, samples and alerts out.

use std::collections::{BTreeMap, HashSet};

use model::{ALERT_NAME, Alert, Labels, METRIC_NAME, Timestamp};
use promql::VectorSample;

use crate::config::Settings;
use crate::status::{ActiveAlert, AlertState};
use crate::template::Expander;

/// How long a resolved alert is remembered, so that whoever missed the news hears it again, in milliseconds.
const RESOLVED_RETENTION_MS: i64 = 15 * 60_000;
/// How often a firing alert is told again, in milliseconds.
const RESEND_DELAY_MS: i64 = 60_000;
/// An alert that is not renewed counts as resolved after this many intervals.
const VALID_INTERVALS: i64 = 4;

/// What an alerting rule says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AlertingRule {
    pub(crate) alert: String,
    pub(crate) for_ms: i64,
    pub(crate) keep_firing_for_ms: i64,
    pub(crate) labels: Labels,
    pub(crate) annotations: Labels,
    /// A link to the expression.
    pub(crate) generator_url: String,
    pub(crate) limit: usize,
}

/// Its alerts, by label set.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Alerts(BTreeMap<Labels, Instance>);

#[derive(Clone, Debug, PartialEq)]
struct Instance {
    annotations: Labels,
    state: AlertState,
    value: f64,
    active_at: Timestamp,
    fired_at: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
    keep_firing_since: Option<Timestamp>,
    sent_at: Option<Timestamp>,
}

impl Alerts {
    /// The alerts that hold, in the order of their labels.
    pub(crate) fn active(&self) -> Vec<ActiveAlert> {
        let active = self.0.iter().filter(|(_, instance)| instance.state != AlertState::Inactive);
        active
            .map(|(labels, instance)| ActiveAlert {
                labels: labels.clone(),
                annotations: instance.annotations.clone(),
                state: instance.state,
                active_at: instance.active_at,
                keep_firing_since: instance.keep_firing_since,
                value: instance.value,
            })
            .collect()
    }

    /// The furthest state.
    pub(crate) fn state(&self) -> AlertState {
        self.0.values().map(|instance| instance.state).max().unwrap_or(AlertState::Inactive)
    }

    /// Takes one step. On an error the alerts stay as they were, but for the limit, which ends them all.
    ///
    /// # Errors
    /// Two samples give the same alert, or there are more than the group allows.
    pub(crate) fn step(
        &mut self,
        rule: &AlertingRule,
        vector: &[VectorSample],
        at: Timestamp,
        settings: &Settings,
    ) -> Result<(), String> {
        let mut found = HashSet::new();
        let mut instances = Vec::with_capacity(vector.len());
        for sample in vector {
            let (labels, annotations) = expanded(rule, sample, settings);
            if !found.insert(labels.clone()) {
                return Err("vector contains metrics with the same labelset after applying alert labels".to_owned());
            }
            instances.push((labels, annotations, sample.value));
        }
        for (labels, annotations, value) in instances {
            match self.0.get_mut(&labels).filter(|instance| instance.state != AlertState::Inactive) {
                Some(instance) => {
                    instance.annotations = annotations;
                    instance.value = value;
                    instance.keep_firing_since = None;
                }
                None => {
                    let instance = Instance {
                        annotations,
                        state: AlertState::Pending,
                        value,
                        active_at: at,
                        fired_at: None,
                        resolved_at: None,
                        keep_firing_since: None,
                        sent_at: None,
                    };
                    self.0.insert(labels, instance);
                }
            }
        }
        self.0.retain(|labels, instance| instance.step(rule, found.contains(labels), at));
        let active = self.0.values().filter(|instance| instance.state != AlertState::Inactive).count();
        if rule.limit != 0 && rule.limit < active {
            self.0.clear();
            return Err(format!("exceeded limit of {} with {active} alerts", rule.limit));
        }
        Ok(())
    }

    /// `ALERTS` and `ALERTS_FOR_STATE`.
    pub(crate) fn samples(&self, alert: &str) -> Vec<(Labels, f64)> {
        let mut samples = Vec::new();
        for (labels, instance) in self.0.iter().filter(|(_, instance)| instance.state != AlertState::Inactive) {
            let mut builder = labels.to_builder();
            builder.set(METRIC_NAME, "ALERTS").set(ALERT_NAME, alert).set("alertstate", instance.state.as_str());
            samples.push((builder.build(), 1.0));
            builder.set(METRIC_NAME, "ALERTS_FOR_STATE").remove("alertstate");
            samples.push((builder.build(), instance.active_at.as_ms().div_euclid(1000) as f64));
        }
        samples
    }

    /// The alerts that are to be told now; they count as told.
    pub(crate) fn take_due(
        &mut self,
        rule: &AlertingRule,
        at: Timestamp,
        interval_ms: i64,
        settings: &Settings,
    ) -> Vec<Alert> {
        let valid_until = at + VALID_INTERVALS * interval_ms.max(RESEND_DELAY_MS);
        let due = self.0.iter_mut().filter(|(_, instance)| instance.needs_sending(at));
        due.map(|(labels, instance)| {
            instance.sent_at = Some(at);
            let mut builder = labels.to_builder();
            for (name, value) in &settings.external_labels {
                if builder.get(name).is_none() {
                    builder.set(name, value);
                }
            }
            Alert {
                labels: builder.build(),
                annotations: instance.annotations.clone(),
                starts_at: instance.fired_at.unwrap_or(instance.active_at),
                ends_at: instance.resolved_at.unwrap_or(valid_until),
                generator_url: rule.generator_url.clone(),
            }
        })
        .collect()
    }

    /// Sets back the clock of pending alerts: they held before the program was restarted, by `ALERTS_FOR_STATE`.
    pub(crate) fn restore(&mut self, labels: &Labels, active_at: Timestamp) {
        if let Some(instance) = self.0.get_mut(labels) {
            instance.active_at = instance.active_at.min(active_at);
        }
    }

    /// Label sets of the alerts that hold.
    pub(crate) fn pending(&self) -> Vec<Labels> {
        let pending = self.0.iter().filter(|(_, instance)| instance.state == AlertState::Pending);
        pending.map(|(labels, _)| labels.clone()).collect()
    }
}

impl Instance {
    /// Takes one step; whether it is still remembered.
    fn step(&mut self, rule: &AlertingRule, holds: bool, at: Timestamp) -> bool {
        if !holds {
            if self.state == AlertState::Firing && 0 < rule.keep_firing_for_ms {
                let since = *self.keep_firing_since.get_or_insert(at);
                if at - since < rule.keep_firing_for_ms {
                    return true;
                }
            }
            match self.state {
                AlertState::Pending => return false,
                AlertState::Firing => {
                    self.state = AlertState::Inactive;
                    self.resolved_at = Some(at);
                }
                AlertState::Inactive => {}
            }
            return self.resolved_at.is_some_and(|resolved| at - resolved <= RESOLVED_RETENTION_MS);
        }
        let long_enough = rule.for_ms <= at - self.active_at;
        if self.state == AlertState::Pending && long_enough {
            self.state = AlertState::Firing;
            self.fired_at = Some(at);
        } else if self.state == AlertState::Firing && !long_enough {
            // `for` became longer.
            self.state = AlertState::Pending;
            self.fired_at = None;
            self.sent_at = None;
            self.keep_firing_since = None;
        }
        true
    }

    fn needs_sending(&self, at: Timestamp) -> bool {
        if self.state == AlertState::Pending {
            return false;
        }
        let Some(sent_at) = self.sent_at else { return true };
        self.resolved_at.is_some_and(|resolved| sent_at < resolved) || sent_at + RESEND_DELAY_MS < at
    }
}

/// The labels and annotations of the alert that a sample raises.
fn expanded(rule: &AlertingRule, sample: &VectorSample, settings: &Settings) -> (Labels, Labels) {
    let own = sample.labels.without_name();
    let expander = Expander::new(&own, sample.value, &settings.external_labels, &settings.external_url);
    let mut builder = own.to_builder();
    for (name, text) in &rule.labels {
        builder.set(name, &expander.expand(&rule.alert, text));
    }
    builder.set(ALERT_NAME, &rule.alert);
    let annotations = rule.annotations.iter().map(|(name, text)| (name, expander.expand(&rule.alert, text)));
    (builder.build(), Labels::from_pairs(annotations))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: i64 = 60_000;

    fn rule() -> AlertingRule {
        AlertingRule {
            alert: "Hot".to_owned(),
            for_ms: 2 * MINUTE_MS,
            keep_firing_for_ms: 0,
            labels: Labels::from_pairs([("severity", "{{ if gt $value 95.0 }}critical{{ else }}warning{{ end }}")]),
            annotations: Labels::from_pairs([("summary", "GPU {{ $labels.gpu }} is at {{ $value }}%")]),
            generator_url: String::new(),
            limit: 0,
        }
    }

    fn settings() -> Settings {
        let external_labels = Labels::from_pairs([("host", "box"), ("gpu", "hidden")]);
        Settings { evaluation_interval_ms: MINUTE_MS, external_labels, external_url: String::new() }
    }

    fn vector(samples: &[(&str, f64)]) -> Vec<VectorSample> {
        let sample = |(gpu, value): &(&str, f64)| VectorSample {
            labels: Labels::from_pairs([("__name__", "temp"), ("gpu", gpu)]),
            at: Timestamp::default(),
            value: *value,
            histogram: None,
        };
        samples.iter().map(sample).collect()
    }

    /// Runs a course, a step a minute; what each step says and sends.
    fn course(rule: &AlertingRule, steps: &[&[(&str, f64)]]) -> Vec<String> {
        let mut alerts = Alerts::default();
        let mut said = Vec::new();
        for (minute, samples) in steps.iter().enumerate() {
            let at = Timestamp::from_ms(minute as i64 * MINUTE_MS);
            let outcome = alerts.step(rule, &vector(samples), at, &settings());
            let sent = alerts.take_due(rule, at, MINUTE_MS, &settings());
            let sent: Vec<String> = sent
                .iter()
                .map(|alert| {
                    format!(
                        "{}{}",
                        alert.labels.get("gpu").unwrap(),
                        if alert.is_resolved(at) { " resolved" } else { "" }
                    )
                })
                .collect();
            let outcome = outcome.err().map(|error| format!(" ! {error}")).unwrap_or_default();
            said.push(format!("{} [{}]{outcome}", alerts.state().as_str(), sent.join(",")));
        }
        said
    }

    #[test]
    fn an_alert_waits_fires_and_resolves() {
        let hot: &[(&str, f64)] = &[("0", 96.0)];
        assert_eq!(
            course(&rule(), &[hot, hot, hot, hot, hot, &[], &[]]),
            [
                "pending []",
                "pending []",
                "firing [0]",
                "firing []",
                "firing [0]",
                "inactive [0 resolved]",
                "inactive []"
            ]
        );
        // A gap starts the wait anew.
        assert_eq!(course(&rule(), &[hot, &[], hot, hot]), ["pending []", "inactive []", "pending []", "pending []"]);
        let at_once = AlertingRule { for_ms: 0, ..rule() };
        assert_eq!(course(&at_once, &[hot, &[], hot]), ["firing [0]", "inactive [0 resolved]", "firing [0]"]);
        let kept = AlertingRule { for_ms: 0, keep_firing_for_ms: 2 * MINUTE_MS, ..rule() };
        assert_eq!(
            course(&kept, &[hot, &[], &[], &[]]),
            ["firing [0]", "firing []", "firing [0]", "inactive [0 resolved]"]
        );
    }

    #[test]
    fn texts_are_expanded_from_the_sample() {
        let mut alerts = Alerts::default();
        alerts
            .step(&AlertingRule { for_ms: 0, ..rule() }, &vector(&[("1", 97.5)]), Timestamp::from_ms(0), &settings())
            .unwrap();
        let sent = alerts.take_due(&rule(), Timestamp::from_ms(0), MINUTE_MS, &settings());
        assert_eq!(sent[0].labels.to_braces(), r#"{alertname="Hot", gpu="1", host="box", severity="critical"}"#);
        assert_eq!(sent[0].annotations.get("summary"), Some("GPU 1 is at 97.5%"));
        let samples: Vec<String> =
            alerts.samples("Hot").iter().map(|(labels, value)| format!("{labels} {value}")).collect();
        assert_eq!(
            samples,
            [
                r#"ALERTS{alertname="Hot", alertstate="firing", gpu="1", severity="critical"} 1"#,
                r#"ALERTS_FOR_STATE{alertname="Hot", gpu="1", severity="critical"} 0"#
            ]
        );
    }

    #[test]
    fn doubles_and_limits_are_errors() {
        let same = AlertingRule { labels: Labels::from_pairs([("gpu", "all")]), ..rule() };
        assert!(course(&same, &[&[("0", 1.0), ("1", 1.0)]])[0].contains("same labelset"));
        let limited = AlertingRule { limit: 1, for_ms: 0, ..rule() };
        assert_eq!(course(&limited, &[&[("0", 1.0), ("1", 1.0)]]), ["inactive [] ! exceeded limit of 1 with 2 alerts"]);
    }
}
