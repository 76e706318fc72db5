//! Discoveries of orchestrators, registries and inventories that are not built in.

use super::discovery::{FILTER, http_url};
use super::http::{HTTP, PROXY, at_most_one, one_of, required};
use crate::go_url;
use crate::schema::{Group, Kind, Schema, key};
use crate::section::Section;

/// Docker Swarm.
pub(super) static DOCKERSWARM: Schema = Schema {
    name: "dockerswarm_sd_config",
    groups: &[
        &Group {
            keys: &[
                key("host", Kind::Url),
                key("role", Kind::Text),
                key("port", Kind::Integer),
                key("filters", Kind::Sections(&FILTER, "empty or null filter")),
                key("refresh_interval", Kind::Duration),
            ],
            check: Some(|section| {
                required(
                    section,
                    &[("host", "host missing"), ("role", "role missing (one of: tasks, services, nodes)")],
                );
                one_of(section, "role", &["tasks", "services", "nodes"], |found| {
                    format!("invalid role {found}, expected tasks, services, or nodes")
                });
            }),
        },
        &HTTP,
        &PROXY,
    ],
};

/// Eureka.
pub(super) static EUREKA: Schema = Schema {
    name: "eureka_sd_config",
    groups: &[
        &Group {
            keys: &[key("server", Kind::Text), key("refresh_interval", Kind::Duration)],
            check: Some(|section| {
                required(section, &[("server", "eureka_sd: empty or null eureka server")]);
                if section.has("server")
                    && section.text("server").is_some_and(|text| {
                        go_url::parse(&text).map_or(true, |url| url.scheme.is_empty() || url.host.is_empty())
                    })
                {
                    section.error_at("server", "eureka_sd: invalid eureka server URL");
                }
            }),
        },
        &HTTP,
        &PROXY,
    ],
};

/// Kuma.
pub(super) static KUMA: Schema = Schema {
    name: "kuma_sd_config",
    groups: &[
        &Group {
            keys: &[
                key("server", Kind::Url),
                key("client_id", Kind::Text),
                key("refresh_interval", Kind::Duration),
                key("fetch_timeout", Kind::Duration),
            ],
            check: Some(|section| {
                let server = section.text("server").unwrap_or_default();
                if go_url::parse(&server).is_ok_and(|url| url.scheme.is_empty() || url.host.is_empty()) {
                    section.error_at("server", "kuma SD server must not be empty and have a scheme");
                }
            }),
        },
        &HTTP,
        &PROXY,
    ],
};

/// Marathon.
pub(super) static MARATHON: Schema = Schema {
    name: "marathon_sd_config",
    groups: &[
        &Group {
            keys: &[
                key("servers", Kind::List(&Kind::Text)),
                key("refresh_interval", Kind::Duration),
                key("auth_token", Kind::Secret),
                key("auth_token_file", Kind::Path),
            ],
            check: Some(check_marathon),
        },
        &HTTP,
        &PROXY,
    ],
};

/// Nerve in Zookeeper.
pub(super) static NERVE: Schema = Schema { name: "nerve_sd_config", groups: &[&ZOOKEEPER] };

/// Serversets in Zookeeper.
pub(super) static SERVERSET: Schema = Schema { name: "serverset_sd_config", groups: &[&ZOOKEEPER] };

static ZOOKEEPER: Group = Group {
    keys: &[
        key("servers", Kind::List(&Kind::Text)),
        key("paths", Kind::List(&Kind::Text)),
        key("timeout", Kind::Duration),
    ],
    check: Some(|section| {
        if section.items("servers").is_empty() {
            section.error_at("servers", "the config must contain at least one Zookeeper server");
        }
        if section.items("paths").is_empty() {
            section.error_at("paths", "the config must contain at least one path");
        }
        for path in section.items("paths") {
            if let Some(text) = path.text()
                && !text.starts_with('/')
            {
                path.error(format!("paths must begin with '/': {text}"));
            }
        }
    }),
};

/// Nomad.
pub(super) static NOMAD: Schema = Schema {
    name: "nomad_sd_config",
    groups: &[
        &Group {
            keys: &[
                key("server", Kind::Text),
                key("namespace", Kind::Text),
                key("region", Kind::Text),
                key("tag_separator", Kind::Text),
                key("allow_stale", Kind::Boolean),
                key("refresh_interval", Kind::Duration),
            ],
            check: Some(|section| {
                if section.present("server").is_some() && !section.has("server") {
                    section.error_at("server", "nomad SD configuration requires a server address");
                }
            }),
        },
        &HTTP,
        &PROXY,
    ],
};

/// PuppetDB.
pub(super) static PUPPETDB: Schema = Schema {
    name: "puppetdb_sd_config",
    groups: &[
        &Group {
            keys: &[
                key("url", Kind::Text),
                key("query", Kind::Text),
                key("include_parameters", Kind::Boolean),
                key("port", Kind::Integer),
                key("refresh_interval", Kind::Duration),
            ],
            check: Some(|section| {
                http_url(section, "url");
                required(section, &[("query", "query missing")]);
            }),
        },
        &HTTP,
        &PROXY,
    ],
};

/// Uyuni.
pub(super) static UYUNI: Schema = Schema {
    name: "uyuni_sd_config",
    groups: &[
        &Group {
            keys: &[
                key("server", Kind::Url),
                key("username", Kind::Text),
                key("password", Kind::Secret),
                key("entitlement", Kind::Text),
                key("separator", Kind::Text),
                key("refresh_interval", Kind::Duration),
            ],
            check: Some(|section| {
                required(
                    section,
                    &[
                        ("server", "Uyuni SD configuration requires server host"),
                        ("username", "Uyuni SD configuration requires a username"),
                        ("password", "Uyuni SD configuration requires a password"),
                    ],
                );
            }),
        },
        &HTTP,
        &PROXY,
    ],
};

fn check_marathon(section: &mut Section<'_>) {
    if section.items("servers").is_empty() {
        section.error_at("servers", "marathon_sd: must contain at least one Marathon server");
    }
    at_most_one(
        section,
        &["auth_token", "auth_token_file"],
        "marathon_sd: at most one of auth_token & auth_token_file must be configured",
    );
    let at = if section.has("auth_token") { "auth_token" } else { "auth_token_file" };
    if !section.has(at) {
        return;
    }
    for (others, message) in [
        (
            &["basic_auth"][..],
            "marathon_sd: at most one of basic_auth, auth_token & auth_token_file must be configured",
        ),
        (
            &["bearer_token", "bearer_token_file"],
            "marathon_sd: at most one of bearer_token, bearer_token_file, auth_token & auth_token_file must be configured",
        ),
        (
            &["authorization"],
            "marathon_sd: at most one of auth_token, auth_token_file & authorization must be configured",
        ),
    ] {
        if others.iter().any(|key| section.get(key).is_some()) {
            section.error_at(at, message);
        }
    }
}
