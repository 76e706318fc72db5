//! Discoveries of smaller clouds, which are not built in.

use super::http::{HTTP, PROXY, TLS, at_most_one, one_of, required};
use crate::go_url;
use crate::schema::{Group, Kind, Schema, key};

/// Hetzner.
pub(super) static HETZNER: Schema = Schema {
    name: "hetzner_sd_config",
    groups: &[
        &Group {
            keys: &[
                key("role", Kind::Text),
                key("port", Kind::Integer),
                key("label_selector", Kind::Text),
                key("refresh_interval", Kind::Duration),
            ],
            check: Some(|section| {
                required(section, &[("role", "role missing (one of: robot, hcloud)")]);
                one_of(section, "role", &["robot", "hcloud"], |found| format!("unknown role {found:?}"));
            }),
        },
        &HTTP,
        &PROXY,
    ],
};

/// IONOS.
pub(super) static IONOS: Schema = Schema {
    name: "ionos_sd_config",
    groups: &[
        &Group {
            keys: &[
                key("datacenter_id", Kind::Text),
                key("port", Kind::Integer),
                key("refresh_interval", Kind::Duration),
            ],
            check: Some(|section| required(section, &[("datacenter_id", "datacenter id can't be empty")])),
        },
        &HTTP,
        &PROXY,
    ],
};

/// Linode.
pub(super) static LINODE: Schema = Schema {
    name: "linode_sd_config",
    groups: &[
        &Group {
            keys: &[
                key("region", Kind::Text),
                key("port", Kind::Integer),
                key("tag_separator", Kind::Text),
                key("refresh_interval", Kind::Duration),
            ],
            check: None,
        },
        &HTTP,
        &PROXY,
    ],
};

/// Outscale.
pub(super) static OUTSCALE: Schema = Schema {
    name: "outscale_sd_config",
    groups: &[
        &Group {
            keys: &[
                key("endpoint", Kind::Text),
                key("region", Kind::Text),
                key("access_key", Kind::Text),
                key("secret_key", Kind::Secret),
                key("port", Kind::Integer),
                key("refresh_interval", Kind::Duration),
            ],
            check: Some(|section| {
                // Without the key there is a default.
                if section.present("region").is_some() && !section.has("region") {
                    section.error_at("region", "outscale SD configuration requires a region");
                }
                if !section.has("access_key") || !section.has("secret_key") {
                    section.error("outscale SD configuration requires access_key and secret_key");
                }
            }),
        },
        &HTTP,
        &PROXY,
    ],
};

/// OVHcloud.
pub(super) static OVHCLOUD: Schema = Schema {
    name: "ovhcloud_sd_config",
    groups: &[&Group {
        keys: &[
            key("service", Kind::Text),
            key("endpoint", Kind::Text),
            key("application_key", Kind::Text),
            key("application_secret", Kind::Secret),
            key("consumer_key", Kind::Secret),
            key("refresh_interval", Kind::Duration),
        ],
        check: Some(|section| {
            if section.present("endpoint").is_some() && !section.has("endpoint") {
                section.error_at("endpoint", "endpoint can not be empty");
            }
            required(
                section,
                &[
                    ("application_key", "application key can not be empty"),
                    ("application_secret", "application secret can not be empty"),
                    ("consumer_key", "consumer key can not be empty"),
                    ("service", "unknown service: "),
                ],
            );
            one_of(section, "service", &["vps", "dedicated_server"], |found| {
                format!("unknown service: {found}; there are vps and dedicated_server")
            });
        }),
    }],
};

/// Scaleway.
pub(super) static SCALEWAY: Schema = Schema {
    name: "scaleway_sd_config",
    groups: &[
        &Group {
            keys: &[
                key("role", Kind::Text),
                key("project_id", Kind::Text),
                key("api_url", Kind::Text),
                key("zone", Kind::Text),
                key("access_key", Kind::Text),
                key("secret_key", Kind::Secret),
                key("secret_key_file", Kind::Path),
                key("name_filter", Kind::Text),
                key("tags_filter", Kind::List(&Kind::Text)),
                key("port", Kind::Integer),
                key("refresh_interval", Kind::Duration),
            ],
            check: Some(|section| {
                required(
                    section,
                    &[
                        ("role", "role missing (one of: instance, baremetal)"),
                        ("project_id", "project_id is mandatory"),
                        ("access_key", "access_key is mandatory"),
                    ],
                );
                one_of(section, "role", &["instance", "baremetal"], |found| format!("unknown role {found:?}"));
                at_most_one(
                    section,
                    &["secret_key", "secret_key_file"],
                    "at most one of secret_key & secret_key_file must be configured",
                );
                if !section.has("secret_key") && !section.has("secret_key_file") {
                    section.error("one of secret_key & secret_key_file must be configured");
                }
            }),
        },
        &HTTP,
        &PROXY,
    ],
};

/// STACKIT.
pub(super) static STACKIT: Schema = Schema {
    name: "stackit_sd_config",
    groups: &[
        &Group {
            keys: &[
                key("project", Kind::Text),
                key("region", Kind::Text),
                key("endpoint", Kind::Text),
                key("service_account_key", Kind::Secret),
                key("service_account_key_path", Kind::Path),
                key("private_key", Kind::Secret),
                key("private_key_path", Kind::Path),
                key("credentials_file_path", Kind::Path),
                key("port", Kind::Integer),
                key("refresh_interval", Kind::Duration),
            ],
            check: Some(|section| {
                if section.present("region").is_some() && !section.has("region") && !section.has("endpoint") {
                    section.error_at("region", "endpoint or region missing");
                }
                if let Some(endpoint) = section.text("endpoint")
                    && let Err(error) = go_url::parse(&endpoint)
                {
                    section.error_at("endpoint", format!("invalid endpoint {endpoint:?}: {error}"));
                }
            }),
        },
        &HTTP,
        &PROXY,
    ],
};

/// Triton.
pub(super) static TRITON: Schema = Schema {
    name: "triton_sd_config",
    groups: &[&Group {
        keys: &[
            key("account", Kind::Text),
            key("role", Kind::Text),
            key("dns_suffix", Kind::Text),
            key("endpoint", Kind::Text),
            key("groups", Kind::List(&Kind::Text)),
            key("port", Kind::Integer),
            key("refresh_interval", Kind::Duration),
            key("version", Kind::Integer),
            key("tls_config", Kind::Section(&TLS)),
        ],
        check: Some(|section| {
            required(
                section,
                &[
                    ("account", "triton SD configuration requires an account"),
                    ("dns_suffix", "triton SD configuration requires a dns_suffix"),
                    ("endpoint", "triton SD configuration requires an endpoint"),
                ],
            );
            one_of(section, "role", &["container", "cn"], |_found| {
                "triton SD configuration requires role to be 'container' or 'cn'".to_owned()
            });
        }),
    }],
};

/// Vultr.
pub(super) static VULTR: Schema = Schema {
    name: "vultr_sd_config",
    groups: &[
        &Group { keys: &[key("port", Kind::Integer), key("refresh_interval", Kind::Duration)], check: None },
        &HTTP,
        &PROXY,
    ],
};
