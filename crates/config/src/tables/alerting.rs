//! `alerting`: other Alertmanagers.

use super::discovery::DISCOVERIES;
use super::http::{HTTP, PROXY, one_of};
use super::relabel::RELABEL;
use super::remote::SIGV4;
use super::scrape::{STATIC, check_targets};
use crate::schema::{Group, Kind, Schema, key};
use crate::section::Section;

/// Where alerts go. They go through the built-in Alertmanager whatever stands here.
pub(crate) static ALERTING: Schema = Schema {
    name: "alerting",
    groups: &[&Group {
        keys: &[
            key("alert_relabel_configs", Kind::Sections(&RELABEL, "empty or null alert relabeling rule"))
                .inactive("alerts keep their labels on the way to the built-in Alertmanager"),
            key("alertmanagers", Kind::Sections(&ALERTMANAGER, "empty or null Alertmanager section")).inactive(
                "alerts go through the built-in Alertmanager (--alertmanager.config-file); those named here are not told",
            ),
        ],
        check: None,
    }],
};

static ALERTMANAGER: Schema = Schema {
    name: "alertmanager_config",
    groups: &[
        &Group {
            keys: &[
                key("scheme", Kind::Text),
                key("path_prefix", Kind::Text),
                key("timeout", Kind::Duration),
                key("api_version", Kind::Text),
                key("sigv4", Kind::Section(&SIGV4)),
                key("relabel_configs", Kind::Sections(&RELABEL, "empty or null Alertmanager target relabeling rule")),
                key(
                    "alert_relabel_configs",
                    Kind::Sections(&RELABEL, "empty or null Alertmanager alert relabeling rule"),
                ),
                key("static_configs", Kind::Sections(&STATIC, "empty or null section in static_configs")),
            ],
            check: Some(check),
        },
        &HTTP,
        &PROXY,
        &DISCOVERIES,
    ],
};

fn check(section: &mut Section<'_>) {
    one_of(section, "api_version", &["v2"], |found| {
        format!("expected Alertmanager api version to be one of [v2] but got {found}")
    });
    if section.get("sigv4").is_some()
        && ["basic_auth", "authorization", "oauth2"].iter().any(|key| section.get(key).is_some())
    {
        section.error_at("sigv4", "at most one of basic_auth, authorization, oauth2, & sigv4 must be configured");
    }
    check_targets(section);
}
