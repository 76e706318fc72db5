//! The routing tree: which receiver hears of an alert, and with which others together.

use model::{Labels, Matcher};

/// Routing and receivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The tree.
    pub route: Route,
    /// Who there is to tell.
    pub receivers: Vec<Receiver>,
}

/// Without a configuration: alerts are grouped and shown, and nobody is told.
impl Default for Config {
    fn default() -> Self {
        Self { route: Route::default(), receivers: vec![Receiver { name: String::new(), integrations: Vec::new() }] }
    }
}

/// Somebody to tell, in one or several ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// The name that routes use.
    pub name: String,
    /// The ways, in the order of the file.
    pub integrations: Vec<Integration>,
}

/// One way of telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integration {
    /// Whether it also tells that an alert has ended.
    pub send_resolved: bool,
}

/// What alerts of a route are told together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// Those that agree in these labels.
    Labels(Vec<String>),
    /// `...`: those that agree in all, so each by itself.
    All,
}

/// A node of the tree, with what it inherits already in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Who is told.
    pub receiver: String,
    /// What is told together.
    pub group_by: GroupBy,
    /// How long a new group waits for more alerts, in milliseconds.
    pub group_wait_ms: i64,
    /// How long after a notification the next one of the same group may follow, in milliseconds.
    pub group_interval_ms: i64,
    /// After how long an unchanged group is told again, in milliseconds.
    pub repeat_interval_ms: i64,
    /// Conditions, all of which an alert must fulfil; the root has none.
    pub matchers: Vec<Matcher>,
    /// Whether routes behind this one are looked at as well when this one matches.
    pub continue_matching: bool,
    /// Narrower routes.
    pub routes: Vec<Route>,
}

/// Alertmanager's defaults.
impl Default for Route {
    fn default() -> Self {
        Self {
            receiver: String::new(),
            group_by: GroupBy::Labels(Vec::new()),
            group_wait_ms: 30_000,
            group_interval_ms: 5 * 60_000,
            repeat_interval_ms: 4 * 3_600_000,
            matchers: Vec::new(),
            continue_matching: false,
            routes: Vec::new(),
        }
    }
}

impl Route {
    fn matches(&self, labels: &Labels) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches(labels.get(matcher.name()).unwrap_or_default()))
    }

    /// The routes that an alert takes, each with its key: the matchers on the way to it. A node takes the alert itself
    /// only if none of its children does.
    pub(crate) fn find<'a>(&'a self, labels: &Labels, key: &str, found: &mut Vec<(String, &'a Self)>) -> bool {
        if !self.matches(labels) {
            return false;
        }
        let conditions: Vec<String> = self.matchers.iter().map(ToString::to_string).collect();
        let own = format!("{{{}}}", conditions.join(","));
        let key = if key.is_empty() { own } else { format!("{key}/{own}") };
        let before = found.len();
        for route in &self.routes {
            if route.find(labels, &key, found) && !route.continue_matching {
                break;
            }
        }
        if found.len() == before {
            found.push((key, self));
        }
        true
    }

    /// The labels by which alerts of this route are grouped.
    pub(crate) fn group_labels(&self, labels: &Labels) -> Labels {
        match &self.group_by {
            GroupBy::All => labels.clone(),
            GroupBy::Labels(names) => labels.filtered(|name| names.iter().any(|wanted| wanted == name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_route_takes_the_alert() {
        let child = |receiver: &str, condition: &str, continue_matching| Route {
            receiver: receiver.to_owned(),
            matchers: crate::parse_matchers(condition).unwrap(),
            continue_matching,
            ..Route::default()
        };
        let critical =
            Route { routes: vec![child("gpu", "kind=gpu", false)], ..child("critical", "severity=critical", true) };
        let root = Route {
            receiver: "root".to_owned(),
            routes: vec![critical, child("llm", "team=llm", false)],
            ..Route::default()
        };
        for (labels, expected) in [
            (&[("severity", "critical"), ("kind", "gpu")][..], r#"gpu {}/{severity="critical"}/{kind="gpu"}"#),
            (&[("severity", "critical"), ("team", "llm")], r#"critical {}/{severity="critical"} llm {}/{team="llm"}"#),
            (&[("team", "llm")], r#"llm {}/{team="llm"}"#),
            (&[("x", "y")], "root {}"),
        ] {
            let mut found = Vec::new();
            root.find(&Labels::from_pairs(labels.iter().copied()), "", &mut found);
            let shown: Vec<String> = found.iter().map(|(key, route)| format!("{} {key}", route.receiver)).collect();
            assert_eq!(shown.join(" "), expected);
        }
    }
}
