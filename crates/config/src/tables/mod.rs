//! The tables of `prometheus.yml`: every key of Prometheus 3.14, with what it does here.
//!
//! The readers lie beside this folder; what is wrong with a section as a whole lies here, beside its keys.

pub(crate) mod alerting;
pub(crate) mod apps;
pub(crate) mod clouds;
pub(crate) mod discovery;
pub(crate) mod hosters;
pub(crate) mod http;
pub(crate) mod kubernetes;
pub(crate) mod otlp;
pub(crate) mod pitwall;
pub(crate) mod relabel;
pub(crate) mod remote;
pub(crate) mod scrape;
pub(crate) mod storage;
pub(crate) mod tracing;

use crate::schema::{Group, Kind, Schema, key};
use crate::section::Section;

/// `prometheus.yml` itself.
pub(crate) static PROMETHEUS: Schema = Schema { name: "prometheus.yml", groups: &[&TOP, &FOREIGN] };

static TOP: Group = Group {
    keys: &[
        key("global", Kind::Section(&scrape::GLOBAL)),
        key("scrape_configs", Kind::Sections(&scrape::JOB, "empty or null scrape config section")),
        key("scrape_config_files", Kind::List(&Kind::Path)),
        key("rule_files", Kind::List(&Kind::Path)),
        key("alerting", Kind::Section(&alerting::ALERTING)),
        key("storage", Kind::Section(&storage::STORAGE)),
        key("remote_write", Kind::Sections(&remote::WRITE, "empty or null remote write config section"))
            .inactive("samples are not sent on yet"),
        key("remote_read", Kind::Sections(&remote::READ, "empty or null remote read config section"))
            .inactive("samples are not read from elsewhere"),
        key("otlp", Kind::Section(&otlp::OTLP)),
        key("tracing", Kind::Section(&tracing::TRACING)).inactive("this program writes no traces"),
        key("runtime", Kind::Section(&storage::RUNTIME)).inactive("there is no Go runtime to set"),
    ],
    check: Some(check),
};

/// Keys of other files, for people who took the wrong one.
static FOREIGN: Group = Group {
    keys: &[
        key("groups", Kind::Any)
            .refused("this is a file of rules: name it under rule_files, or check it with `pitwall check rules`"),
        key("route", Kind::Any).refused("this is an alertmanager.yml: it goes to --alertmanager.config-file"),
        key("receivers", Kind::Any).refused("this is an alertmanager.yml: it goes to --alertmanager.config-file"),
    ],
    check: None,
};

/// A file that `scrape_config_files` names.
pub(crate) static SCRAPE_CONFIG_FILE: Schema = Schema {
    name: "a file of scrape_config_files",
    groups: &[&Group {
        keys: &[key("scrape_configs", Kind::Sections(&scrape::JOB, "empty or null scrape config section"))],
        check: None,
    }],
};

fn check(root: &mut Section<'_>) {
    for (key, what) in [("rule_files", "rule file"), ("scrape_config_files", "scrape config file")] {
        for pattern in root.items(key) {
            if let Some(text) = pattern.text()
                && !is_pattern(text)
            {
                pattern.error(format!("invalid {what} path {text:?}: a * may stand in the last part of the path only"));
            }
        }
    }
    otlp::check_names(root);
    for (key, list) in [("remote_write", "remote write"), ("remote_read", "remote read")] {
        refuse_repeated_names(list, &root.items(key));
    }
}

/// Prometheus takes a `*` in the last part of a path only.
fn is_pattern(text: &str) -> bool {
    text.split_once('*').is_none_or(|(_, rest)| !rest.contains('/'))
}

/// An error at the second section of a list that has the name of an earlier one.
fn refuse_repeated_names(list: &str, fields: &[crate::section::Field<'_>]) {
    let mut names: Vec<String> = Vec::new();
    for field in fields {
        let Some(name) = field.section().and_then(|mut section| section.text("name")) else { continue };
        // Without a name each has its own.
        if name.is_empty() {
            continue;
        }
        if names.contains(&name) {
            field.error(format!("found multiple {list} configs with job name {name:?}"));
        }
        names.push(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_in_the_last_part() {
        for (text, expected) in
            [("my_rule", true), ("my/*.rules", true), ("my/*/rule", false), ("a/*_*.yml", true), ("*", true)]
        {
            assert_eq!(is_pattern(text), expected, "{text}");
        }
    }
}
