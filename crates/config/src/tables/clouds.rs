//! Discoveries of the large clouds, which are not built in.

use super::discovery::FILTER;
use super::http::{HTTP, PROXY, TLS, one_of, required};
use crate::schema::{Group, Kind, Schema, key};
use crate::section::Section;

/// Azure.
pub(super) static AZURE: Schema = Schema {
    name: "azure_sd_config",
    groups: &[
        &Group {
            keys: &[
                key("environment", Kind::Text),
                key("authentication_method", Kind::Text),
                key("subscription_id", Kind::Text),
                key("tenant_id", Kind::Text),
                key("client_id", Kind::Text),
                key("client_secret", Kind::Secret),
                key("resource_group", Kind::Text),
                key("port", Kind::Integer),
                key("refresh_interval", Kind::Duration),
            ],
            check: Some(|section| {
                required(section, &[("subscription_id", "azure SD configuration requires a subscription_id")]);
                if section.text("authentication_method").is_none_or(|method| method == "OAuth") {
                    required(
                        section,
                        &[
                            ("tenant_id", "azure SD configuration requires a tenant_id"),
                            ("client_id", "azure SD configuration requires a client_id"),
                            ("client_secret", "azure SD configuration requires a client_secret"),
                        ],
                    );
                }
                one_of(section, "authentication_method", &["OAuth", "ManagedIdentity", "SDK"], |found| {
                    format!(
                        "unknown authentication_type {found:?}. Supported types are \"OAuth\", \"ManagedIdentity\" or \
                         \"SDK\""
                    )
                });
            }),
        },
        &HTTP,
        &PROXY,
    ],
};

/// DigitalOcean.
pub(super) static DIGITALOCEAN: Schema = Schema {
    name: "digitalocean_sd_config",
    groups: &[
        &Group { keys: &[key("port", Kind::Integer), key("refresh_interval", Kind::Duration)], check: None },
        &HTTP,
        &PROXY,
    ],
};

/// Credentials that Amazon's discoveries share.
static AMAZON: Group = Group {
    keys: &[
        key("endpoint", Kind::Text),
        key("region", Kind::Text),
        key("access_key", Kind::Text),
        key("secret_key", Kind::Secret),
        key("profile", Kind::Text),
        key("role_arn", Kind::Text),
        key("external_id", Kind::Text),
        key("port", Kind::Integer),
        key("refresh_interval", Kind::Duration),
    ],
    check: None,
};

/// Amazon, all roles.
pub(super) static AWS: Schema = Schema {
    name: "aws_sd_config",
    groups: &[
        &Group {
            keys: &[
                key("role", Kind::Text),
                key("filters", Kind::Sections(&FILTER, "empty or null filter")),
                key("clusters", Kind::List(&Kind::Text)),
            ],
            check: Some(|section| {
                required(section, &[("role", "unknown AWS SD role \"\"")]);
                one_of(section, "role", &["ec2", "ecs", "lightsail", "msk", "rds", "elasticache", "mq"], |found| {
                    format!("unknown AWS SD role {found:?}")
                });
                filters(section);
            }),
        },
        &AMAZON,
        &HTTP,
        &PROXY,
    ],
};

/// Amazon EC2.
pub(super) static EC2: Schema = Schema {
    name: "ec2_sd_config",
    groups: &[
        &Group { keys: &[key("filters", Kind::Sections(&FILTER, "empty or null filter"))], check: Some(filters) },
        &AMAZON,
        &HTTP,
        &PROXY,
    ],
};

/// Amazon Lightsail.
pub(super) static LIGHTSAIL: Schema = Schema { name: "lightsail_sd_config", groups: &[&AMAZON, &HTTP, &PROXY] };

fn filters(section: &mut Section<'_>) {
    for item in section.items("filters") {
        let Some(mut filter) = item.section() else { continue };
        if filter.items("values").is_empty() {
            filter.error_at("values", "EC2 SD configuration filter values cannot be empty");
        }
    }
}

/// Google Compute Engine.
pub(super) static GCE: Schema = Schema {
    name: "gce_sd_config",
    groups: &[&Group {
        keys: &[
            key("project", Kind::Text),
            key("zone", Kind::Text),
            key("filter", Kind::Text),
            key("port", Kind::Integer),
            key("tag_separator", Kind::Text),
            key("refresh_interval", Kind::Duration),
        ],
        check: Some(|section| {
            required(
                section,
                &[
                    ("project", "GCE SD configuration requires a project"),
                    ("zone", "GCE SD configuration requires a zone"),
                ],
            );
        }),
    }],
};

/// Oracle.
pub(super) static OCI: Schema = Schema {
    name: "oci_sd_config",
    groups: &[
        &Group {
            keys: &[
                key("auth", Kind::Text),
                key("region", Kind::Text),
                key("tenancy", Kind::Text),
                key("user", Kind::Text),
                key("fingerprint", Kind::Text),
                key("key_file", Kind::Path),
                key("key_passphrase", Kind::Secret),
                key("compartments", Kind::List(&Kind::Text)),
                key("port", Kind::Integer),
                key("refresh_interval", Kind::Duration),
            ],
            check: Some(|section| {
                one_of(section, "auth", &["api_key", "instance_principal"], |found| {
                    format!("unknown OCI SD authentication method {found:?}: there are api_key and instance_principal")
                });
            }),
        },
        &HTTP,
        &PROXY,
    ],
};

/// OpenStack.
pub(super) static OPENSTACK: Schema = Schema {
    name: "openstack_sd_config",
    groups: &[&Group {
        keys: &[
            key("role", Kind::Text),
            key("region", Kind::Text),
            key("availability", Kind::Text),
            key("identity_endpoint", Kind::Text),
            key("username", Kind::Text),
            key("userid", Kind::Text),
            key("password", Kind::Secret),
            key("domain_name", Kind::Text),
            key("domain_id", Kind::Text),
            key("project_name", Kind::Text),
            key("project_id", Kind::Text),
            key("application_credential_name", Kind::Text),
            key("application_credential_id", Kind::Text),
            key("application_credential_secret", Kind::Secret),
            key("all_tenants", Kind::Boolean),
            key("port", Kind::Integer),
            key("refresh_interval", Kind::Duration),
            key("tls_config", Kind::Section(&TLS)),
        ],
        check: Some(|section| {
            required(
                section,
                &[
                    ("role", "role missing (one of: instance, hypervisor, loadbalancer)"),
                    ("region", "openstack SD configuration requires a region"),
                ],
            );
            one_of(section, "role", &["instance", "hypervisor", "loadbalancer"], |found| {
                format!("unknown OpenStack SD role {found:?}")
            });
            one_of(section, "availability", &["public", "internal", "admin"], |found| {
                format!("unknown availability {found}, must be one of admin, internal or public")
            });
        }),
    }],
};
