//! What an `alertmanager.yml` says about routing, as plain values; whoever reads YAML fills them.

use model::Matcher;

/// Routing and receivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The tree.
    pub route: Route,
    /// Who there is to tell.
    pub receivers: Vec<Receiver>,
    /// After how many milliseconds an alert ends whose sender named no end.
    pub resolve_timeout_ms: i64,
}

/// Without a configuration: alerts are grouped and shown, and nobody is told. `resolve_timeout` is Alertmanager's.
impl Default for Config {
    fn default() -> Self {
        Self { route: Route::default(), receivers: Vec::new(), resolve_timeout_ms: 5 * 60_000 }
    }
}

/// Somebody to tell, in one or several ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// The name that routes use.
    pub name: String,
    /// The ways, in an order that stays the same while the file does: the notification log counts them.
    pub integrations: Vec<Integration>,
}

/// One way of telling, as far as routing needs to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integration {
    /// Whether it also tells that alerts have ended.
    pub send_resolved: bool,
}

/// What alerts of a route are told together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// Those that agree in these labels; without any, all of them.
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
    /// How long a new group waits for more alerts before it is told of, in milliseconds.
    pub group_wait_ms: i64,
    /// Between two looks at what has changed in a group, in milliseconds.
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
