//! What can be asked under `/api/v1`, as data: for the OpenAPI document.

use Kind::{Boolean, Duration, Integer, Text, Texts, Time};

/// What a parameter's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// May be given several times.
    Texts,
    /// Unix seconds, or RFC 3339.
    Time,
    /// Seconds, or a notation such as `1h30m`.
    Duration,
    Integer,
    Boolean,
}

/// A parameter, in the URL or in a form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
    pub(super) about: &'static str,
}

/// A path with its methods, in lower case.
#[derive(Clone, Copy, Debug)]
pub(super) struct Endpoint {
    pub(super) path: &'static str,
    pub(super) methods: &'static [&'static str],
    pub(super) about: &'static str,
    pub(super) parameters: &'static [Parameter],
}

const fn optional(name: &'static str, kind: Kind, about: &'static str) -> Parameter {
    Parameter { name, kind, required: false, about }
}

const fn required(name: &'static str, kind: Kind, about: &'static str) -> Parameter {
    Parameter { name, kind, required: true, about }
}

const fn endpoint(
    path: &'static str,
    methods: &'static [&'static str],
    about: &'static str,
    parameters: &'static [Parameter],
) -> Endpoint {
    Endpoint { path, methods, about, parameters }
}

const GET: &[&str] = &["get"];
const POST: &[&str] = &["post"];
const GET_POST: &[&str] = &["get", "post"];
const POST_PUT: &[&str] = &["post", "put"];

const QUERY: Parameter = required("query", Text, "The expression.");
const MATCH: Parameter = optional("match[]", Texts, "Selectors; series that fit any of them count.");
const START: Parameter = optional("start", Time, "The first moment that counts.");
const END: Parameter = optional("end", Time, "The last moment that counts.");
const LIMIT: Parameter = optional("limit", Integer, "Results at the most; 0 for no limit.");
const TIMEOUT: Parameter = optional("timeout", Duration, "How long the evaluation may take.");
const LOOKBACK: Parameter = optional("lookback_delta", Duration, "How far back an instant selector looks.");
const STATS: Parameter = optional("stats", Text, "Anything: the answer says what it took.");
const POOL: Parameter = optional("scrapePool", Text, "One scrape pool only.");
const METRIC: Parameter = optional("metric", Text, "One metric only.");

/// All of them, in the order of the router.
pub(super) const ENDPOINTS: &[Endpoint] = &[
    endpoint(
        "/query",
        GET_POST,
        "Evaluates an expression at one moment.",
        &[QUERY, optional("time", Time, "The moment; now if it is missing."), TIMEOUT, LIMIT, LOOKBACK, STATS],
    ),
    endpoint(
        "/query_range",
        GET_POST,
        "Evaluates an expression at each step of a range.",
        &[
            QUERY,
            required("start", Time, "The first step."),
            required("end", Time, "The last step is not after this."),
            required("step", Duration, "Between two steps."),
            TIMEOUT,
            LIMIT,
            LOOKBACK,
            STATS,
        ],
    ),
    endpoint("/query_exemplars", GET_POST, "Exemplars of the series that an expression selects.", &[QUERY, START, END]),
    endpoint("/format_query", GET_POST, "Prints an expression nicely.", &[QUERY]),
    endpoint("/parse_query", GET_POST, "An expression as a tree.", &[QUERY]),
    endpoint("/labels", GET_POST, "The names of labels.", &[START, END, MATCH, LIMIT]),
    endpoint("/label/{name}/values", GET, "The values of a label.", &[START, END, MATCH, LIMIT]),
    endpoint(
        "/series",
        GET_POST,
        "Series by their labels.",
        &[required("match[]", Texts, "Selectors; series that fit any of them count."), START, END, LIMIT],
    ),
    endpoint(
        "/metadata",
        GET,
        "Type, help and unit of metrics.",
        &[METRIC, LIMIT, optional("limit_per_metric", Integer, "Different words for one metric at the most.")],
    ),
    endpoint(
        "/targets",
        GET,
        "What is scraped, and what was found and is not.",
        &[optional("state", Text, "active, dropped or any."), POOL],
    ),
    endpoint(
        "/targets/metadata",
        GET,
        "Type, help and unit of metrics, by target.",
        &[optional("match_target", Text, "A selector of targets."), METRIC, LIMIT],
    ),
    endpoint(
        "/targets/relabel_steps",
        GET,
        "What each of a pool's rules makes of a label set.",
        &[required("scrapePool", Text, "The pool."), required("labels", Text, "The label set as a JSON object.")],
    ),
    endpoint("/scrape_pools", GET, "The names of the scrape pools.", &[]),
    endpoint(
        "/rules",
        GET,
        "Rule groups with their rules and alerts.",
        &[
            optional("type", Text, "alert or record."),
            optional("rule_name[]", Texts, "Names of rules."),
            optional("rule_group[]", Texts, "Names of groups."),
            optional("file[]", Texts, "Files."),
            optional("match[]", Texts, "Selectors of the rules' labels."),
            optional("exclude_alerts", Boolean, "Leaves the alerts out."),
            optional("group_limit", Integer, "Groups at the most."),
            optional("group_next_token", Text, "Where the page before ended."),
        ],
    ),
    endpoint("/alerts", GET, "Alerts that are pending or firing.", &[]),
    endpoint("/alertmanagers", GET, "Other programs that alerts are sent to.", &[]),
    endpoint("/status/buildinfo", GET, "The version.", &[]),
    endpoint("/status/config", GET, "The configuration in force, its secrets hidden.", &[]),
    endpoint("/status/flags", GET, "The flags with their values.", &[]),
    endpoint("/status/runtimeinfo", GET, "The running process.", &[]),
    endpoint(
        "/status/tsdb",
        GET,
        "What the series of the last two hours have most.",
        &[optional("limit", Integer, "Entries of each list.")],
    ),
    endpoint("/status/walreplay", GET, "How far the log is replayed.", &[]),
    endpoint("/features", GET, "What can be used.", &[]),
    endpoint("/notifications", GET, "What whoever looks after this server should know.", &[]),
    endpoint(
        "/admin/tsdb/delete_series",
        POST_PUT,
        "Not supported by this store.",
        &[required("match[]", Texts, "Selectors."), START, END],
    ),
    endpoint("/admin/tsdb/clean_tombstones", POST_PUT, "Not supported by this store.", &[]),
    endpoint("/admin/tsdb/snapshot", POST_PUT, "Not supported by this store.", &[]),
    endpoint("/admin/tsdb/compact", POST_PUT, "Writes what is in memory as segments now.", &[]),
    endpoint("/write", POST, "Remote write, 1.0 and 2.0.", &[]),
    endpoint("/otlp/v1/metrics", POST, "OpenTelemetry's metrics.", &[]),
    endpoint("/openapi.yaml", GET, "This document.", &[]),
];
