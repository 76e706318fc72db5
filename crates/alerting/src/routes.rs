//! The routing tree at work: which routes an alert takes, and which group it belongs to there.

use std::sync::Arc;

use model::{Labels, Matcher};

use crate::config::{GroupBy, Route};
use crate::matchers;

/// A routing tree.
#[derive(Clone, Debug)]
pub struct Routes {
    root: Node,
}

#[derive(Clone, Debug)]
struct Node {
    matchers: Vec<Matcher>,
    continue_matching: bool,
    resolved: Arc<ResolvedRoute>,
    children: Vec<Node>,
}

/// A route that alerts take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedRoute {
    /// Its place in the tree, depth first; the root is 0.
    pub index: usize,
    /// The matchers from the root down to it: `{}/{severity="critical"}`.
    pub key: String,
    /// Who is told.
    pub receiver: String,
    /// What makes a group.
    pub group_by: GroupBy,
    /// How long a new group collects alerts, in milliseconds.
    pub group_wait_ms: i64,
    /// Between two looks at a group, in milliseconds.
    pub group_interval_ms: i64,
    /// Until an unchanged group is told of again, in milliseconds.
    pub repeat_interval_ms: i64,
}

impl ResolvedRoute {
    /// The labels of `alert` that name its group.
    pub fn group_labels(&self, alert: &Labels) -> Labels {
        match &self.group_by {
            GroupBy::Labels(names) => alert.filtered(|name| names.iter().any(|wanted| wanted == name)),
            GroupBy::All => alert.clone(),
        }
    }

    /// The name of a group in notifications and in the log: `{}:{alertname="GpuHot"}`.
    pub fn group_key(&self, group_labels: &Labels) -> String {
        let mut key = format!("{}:{{", self.key);
        for (position, (name, value)) in group_labels.iter().enumerate() {
            if position != 0 {
                key.push_str(", ");
            }
            // Unlike in matchers, names are never quoted here.
            key.push_str(name);
            key.push('=');
            units::quote::write_quoted(&mut key, value);
        }
        key.push('}');
        key
    }
}

impl Routes {
    /// The tree of a configuration that was found valid.
    pub fn new(root: &Route) -> Self {
        Self { root: node(root, "", &mut 0) }
    }

    /// The routes that an alert with these labels takes, at least one, in the order of the tree.
    pub fn matching(&self, labels: &Labels) -> Vec<&Arc<ResolvedRoute>> {
        let mut found = Vec::new();
        collect(&self.root, labels, &mut found);
        found
    }
}

fn node(route: &Route, parent_key: &str, count: &mut usize) -> Node {
    let mut matchers = route.matchers.clone();
    // The key must not depend on the order in which conditions are written.
    matchers.sort_by(|a, b| (a.name(), a.value(), a.op()).cmp(&(b.name(), b.value(), b.op())));
    let slash = if parent_key.is_empty() { "" } else { "/" };
    let resolved = ResolvedRoute {
        index: *count,
        key: format!("{parent_key}{slash}{}", matchers::format_list(&matchers)),
        receiver: route.receiver.clone(),
        group_by: route.group_by.clone(),
        group_wait_ms: route.group_wait_ms,
        group_interval_ms: route.group_interval_ms,
        repeat_interval_ms: route.repeat_interval_ms,
    };
    *count += 1;
    let children = route.routes.iter().map(|child| node(child, &resolved.key, count)).collect();
    Node { matchers, continue_matching: route.continue_matching, resolved: Arc::new(resolved), children }
}

/// Whether `node` matched; a node itself is taken only where none of its children is.
fn collect<'a>(node: &'a Node, labels: &Labels, found: &mut Vec<&'a Arc<ResolvedRoute>>) -> bool {
    let matches = |matcher: &Matcher| matcher.matches(labels.get(matcher.name()).unwrap_or_default());
    if !node.matchers.iter().all(matches) {
        return false;
    }
    let before = found.len();
    for child in &node.children {
        if collect(child, labels, found) && !child.continue_matching {
            break;
        }
    }
    if found.len() == before {
        found.push(&node.resolved);
    }
    true
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A route as YAML says it, with what its parent gives it. Only what the oracle's trees use.
    fn route(yaml: &Value, parent: &Route) -> Route {
        let mut own = Route { matchers: Vec::new(), continue_matching: false, routes: Vec::new(), ..parent.clone() };
        let texts = |list: &Value| -> Vec<String> {
            list.as_array().into_iter().flatten().map(|text| text.as_str().expect("text").to_owned()).collect()
        };
        for (key, value) in yaml.as_object().expect("a mapping") {
            match key.as_str() {
                "receiver" => value.as_str().expect("text").clone_into(&mut own.receiver),
                "group_by" => own.group_by = GroupBy::Labels(texts(value)),
                "continue" => own.continue_matching = value.as_bool().expect("a boolean"),
                "matchers" => {
                    let lists = texts(value);
                    own.matchers.extend(lists.iter().flat_map(|text| crate::parse_matchers(text).expect(text)));
                }
                "routes" => {}
                other => panic!("{other} is not read here"),
            }
        }
        let children = yaml["routes"].as_array().into_iter().flatten();
        own.routes = children.map(|child| route(child, &own)).collect();
        own
    }

    fn shown(route: &ResolvedRoute) -> Value {
        let (group_by, group_by_all) = match &route.group_by {
            GroupBy::Labels(names) => (names.as_slice(), false),
            GroupBy::All => (&[][..], true),
        };
        // Go prints "5m0s".
        let go = |ms: i64| match units::duration::format_ms(ms).as_str() {
            text if text.ends_with('h') => format!("{text}0m0s"),
            text if text.ends_with('m') => format!("{text}0s"),
            text => text.to_owned(),
        };
        json!({
            "active": null, "mute": null, "key": route.key, "receiver": route.receiver,
            "group_by": group_by, "group_by_all": group_by_all, "group_wait": go(route.group_wait_ms),
            "group_interval": go(route.group_interval_ms), "repeat_interval": go(route.repeat_interval_ms),
        })
    }

    #[test]
    fn alerts_take_the_routes_that_alertmanager_gives_them() {
        let Some(file) = test_support::shared_data("oracle/routes.jsonl") else { return };
        let text = std::fs::read_to_string(file).expect("the file");
        let mut asked = 0;
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            // Whether a tree is valid is asked where YAML is read.
            let Some(results) = line["results"].as_array() else { continue };
            let config = line["config"].as_str().expect("text");
            let yaml: Value = serde_saphyr::from_str(config).expect(config);
            let routes = Routes::new(&route(&yaml["route"], &Route::default()));
            for result in results {
                let labels = result["labels"].as_object().expect("labels");
                let labels: Labels = labels.iter().map(|(name, value)| (name, value.as_str().expect("text"))).collect();
                let found: Vec<Value> = routes.matching(&labels).into_iter().map(|route| shown(route)).collect();
                assert_eq!(Value::Array(found), result["routes"], "{config}\n{labels}");
                asked += 1;
            }
        }
        assert_eq!(asked, 20);
    }

    #[test]
    fn keys_are_written_as_alertmanager_writes_them() {
        let child = |condition: &str, continue_matching| Route {
            matchers: crate::parse_matchers(condition).expect(condition),
            continue_matching,
            ..Route::default()
        };
        let critical = Route { routes: vec![child("kind=gpu", false)], ..child("severity=critical", true) };
        let routes = Routes::new(&Route {
            group_by: GroupBy::Labels(vec!["alertname".to_owned()]),
            routes: vec![critical, child(r#"team=~"llm|é", "a b"!=x"#, false)],
            ..Route::default()
        });
        let check = |labels: &[(&str, &str)], expected: &[&str]| {
            let labels = Labels::from_pairs(labels.iter().copied());
            let keys: Vec<&str> = routes.matching(&labels).into_iter().map(|route| route.key.as_str()).collect();
            assert_eq!(keys, expected, "{labels}");
        };
        check(&[("severity", "critical"), ("kind", "gpu")], &[r#"{}/{severity="critical"}/{kind="gpu"}"#]);
        check(
            &[("severity", "critical"), ("team", "llm")],
            &[r#"{}/{severity="critical"}"#, r#"{}/{"a b"!="x",team=~"llm|é"}"#],
        );
        check(&[("x", "y")], &["{}"]);
        let labels = Labels::from_pairs([("alertname", "GPU <Hot>"), ("b.c", "\"\n"), ("gpu", "0")]);
        let group_key = |group_by| ResolvedRoute { group_by, ..(*routes.root.resolved).clone() }.group_key(&labels);
        assert_eq!(group_key(GroupBy::All), r#"{}:{alertname="GPU <Hot>", b.c="\"\n", gpu="0"}"#);
    }
}
