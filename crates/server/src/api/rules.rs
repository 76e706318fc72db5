//! Rule groups and their alerts.

use axum::extract::State as Extract;
use axum::response::Response;
use model::Matcher;
use rules::{GroupStatus, RuleKind, RuleStatus};
use serde::Serialize;

use super::answer::{ApiError, success};
use super::params::Params;
use super::rule_json::{GroupDto, group_dto};
use crate::State;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupsDto {
    groups: Vec<GroupDto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_next_token: Option<String>,
}

/// `/api/v1/rules`
pub(crate) async fn list(Extract(state): Extract<State>, params: Params) -> Result<Response, ApiError> {
    let filter = Filter::of(&params)?;
    let page = Page::of(&params)?;
    let with_alerts = !params.boolean("exclude_alerts")?;
    let mut groups = state.rules.groups();
    groups.sort_by(|a, b| (&a.file, &a.name).cmp(&(&b.file, &b.name)));
    let groups = groups.into_iter().filter_map(|group| filter.apply(group)).collect();
    let (groups, group_next_token) = page.cut(groups)?;
    let groups = groups.into_iter().map(|group| group_dto(group, with_alerts)).collect();
    Ok(success(&GroupsDto { groups, group_next_token }))
}

/// Which rules are wanted.
struct Filter {
    kind: Option<RuleKind>,
    names: Vec<String>,
    groups: Vec<String>,
    files: Vec<String>,
    selectors: Vec<Vec<Matcher>>,
}

impl Filter {
    fn of(params: &Params) -> Result<Self, ApiError> {
        let kind = match params.first("type").map(str::to_lowercase).as_deref() {
            None => None,
            Some("alert") => Some(RuleKind::Alerting),
            Some("record") => Some(RuleKind::Recording),
            Some(other) => return Err(ApiError::parameter("type", format!("not supported value {other:?}"))),
        };
        let texts = |name: &str| params.all(name).map(str::to_owned).collect();
        Ok(Self {
            kind,
            names: texts("rule_name[]"),
            groups: texts("rule_group[]"),
            files: texts("file[]"),
            selectors: params.selectors()?,
        })
    }

    /// The group with its wanted rules; nothing if none is wanted.
    fn apply(&self, mut group: GroupStatus) -> Option<GroupStatus> {
        let among = |wanted: &[String], text: &String| wanted.is_empty() || wanted.contains(text);
        let all = self.kind.is_none() && self.names.is_empty() && self.selectors.is_empty();
        group.rules.retain(|rule| {
            self.kind.is_none_or(|kind| kind == rule.kind) && among(&self.names, &rule.name) && self.selects(rule)
        });
        let wanted = among(&self.groups, &group.name) && among(&self.files, &group.file);
        (wanted && (all || !group.rules.is_empty())).then_some(group)
    }

    fn selects(&self, rule: &RuleStatus) -> bool {
        let fits = |matcher: &Matcher| matcher.matches(rule.labels.get(matcher.name()).unwrap_or_default());
        self.selectors.is_empty() || self.selectors.iter().any(|set| set.iter().all(fits))
    }
}

/// Which groups of a long list are wanted.
struct Page {
    limit: Option<usize>,
    /// Names the first group of the page.
    token: Option<String>,
}

impl Page {
    fn of(params: &Params) -> Result<Self, ApiError> {
        let limit = match params.first("group_limit") {
            None => None,
            Some(text) => match text.parse::<i64>() {
                Ok(limit) if 0 < limit => usize::try_from(limit).ok(),
                Ok(_) => return Err(ApiError::parameter("group_limit", "group_limit needs to be greater than 0")),
                Err(_) => {
                    let why = format!(
                        "group_limit needs to be a valid number: strconv.ParseInt: parsing {text:?}: invalid syntax"
                    );
                    return Err(ApiError::parameter("group_limit", why));
                }
            },
        };
        let token = params.first("group_next_token").map(str::to_owned);
        if token.is_some() && limit.is_none() {
            let why = "group_limit needs to be present in order to paginate over the groups";
            return Err(ApiError::parameter("group_next_token", why));
        }
        Ok(Self { limit, token })
    }

    /// The page's groups, and the token of the next page.
    fn cut(&self, mut groups: Vec<GroupStatus>) -> Result<(Vec<GroupStatus>, Option<String>), ApiError> {
        if let Some(token) = &self.token {
            let first = groups.iter().position(|group| token_of(group) == *token).ok_or_else(|| {
                let why = format!("invalid group_next_token '{token}'. were rule groups changed?");
                ApiError::parameter("group_next_token", why)
            })?;
            groups.drain(..first);
        }
        let next = self.limit.and_then(|limit| groups.get(limit)).map(token_of);
        groups.truncate(self.limit.unwrap_or(usize::MAX));
        Ok((groups, next))
    }
}

/// A word that stands for a group for as long as its file and name stay the same.
fn token_of(group: &GroupStatus) -> String {
    let both = format!("{};{}", group.file, group.name);
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(both.as_bytes()))
}

#[cfg(test)]
mod tests {
    use model::Labels;
    use rules::{AlertState, RuleHealth};

    use super::*;

    fn rule(kind: RuleKind, name: &str, severity: &str) -> RuleStatus {
        RuleStatus {
            kind,
            name: name.to_owned(),
            query: "up".to_owned(),
            duration_s: 0.0,
            keep_firing_for_s: 0.0,
            labels: Labels::from_pairs([("severity", severity)]),
            annotations: Labels::empty(),
            state: AlertState::Inactive,
            health: RuleHealth::Ok,
            last_error: String::new(),
            evaluation_time_s: 0.0,
            last_evaluation: None,
            alerts: Vec::new(),
        }
    }

    fn groups() -> Vec<GroupStatus> {
        let group = |file: &str, name: &str, rules| GroupStatus {
            name: name.to_owned(),
            file: file.to_owned(),
            interval_ms: 1_000,
            limit: 0,
            evaluation_time_s: 0.0,
            last_evaluation: None,
            rules,
        };
        vec![
            group("a.yml", "g1", vec![rule(RuleKind::Alerting, "Down", "page"), rule(RuleKind::Recording, "r", "")]),
            group("a.yml", "g2", vec![rule(RuleKind::Alerting, "Slow", "info")]),
            group("b.yml", "empty", Vec::new()),
        ]
    }

    /// `group/rule` for each rule of an answer, `group/` for a group without rules.
    fn names(groups: &[GroupStatus]) -> String {
        let of = |group: &GroupStatus| {
            let rules: Vec<&str> = group.rules.iter().map(|rule| rule.name.as_str()).collect();
            format!("{}/{}", group.name, rules.join("+"))
        };
        groups.iter().map(of).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn filters_take_what_prometheus_takes() {
        let check = |query: &str, expected: &str| {
            let filter = Filter::of(&Params::of(query)).expect(query);
            let found: Vec<_> = groups().into_iter().filter_map(|group| filter.apply(group)).collect();
            assert_eq!(names(&found), expected, "{query}");
        };
        check("", "g1/Down+r g2/Slow empty/");
        check("type=ALERT", "g1/Down g2/Slow");
        check("type=record", "g1/r");
        check("rule_name[]=r&rule_name[]=Slow", "g1/r g2/Slow");
        check("rule_group[]=g2", "g2/Slow");
        check("file[]=b.yml", "empty/");
        check("match[]={severity=\"page\"}&match[]={severity=\"info\"}", "g1/Down g2/Slow");
        assert!(Filter::of(&Params::of("type=x")).is_err());
    }

    #[test]
    fn pages_follow_each_other() {
        let page = |query: &str| Page::of(&Params::of(query)).and_then(|page| page.cut(groups()));
        let (first, token) = page("group_limit=2").expect("a page");
        assert_eq!(names(&first), "g1/Down+r g2/Slow");
        let (last, end) = page(&format!("group_limit=2&group_next_token={}", token.expect("more"))).expect("a page");
        assert_eq!((names(&last).as_str(), end), ("empty/", None));
        for wrong in ["group_limit=0", "group_limit=x", "group_next_token=a", "group_limit=1&group_next_token=a"] {
            assert!(page(wrong).is_err(), "{wrong}");
        }
    }
}
