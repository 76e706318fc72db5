//! `remote_write` and `remote_read`.

use super::http::{HTTP, PROXY, is_reserved_header, one_of, required};
use super::relabel::RELABEL;
use crate::schema::{Group, Kind, Schema, key};
use crate::section::Section;

/// Where samples are sent on.
pub(crate) static WRITE: Schema = Schema {
    name: "remote_write",
    groups: &[
        &Group {
            keys: &[
                key("url", Kind::Url),
                key("name", Kind::Text),
                key("remote_timeout", Kind::Duration),
                key("headers", Kind::Map(&Kind::Text)),
                key("protobuf_message", Kind::Text),
                key(
                    "write_relabel_configs",
                    Kind::Sections(&RELABEL, "empty or null relabeling rule in remote write config"),
                ),
                key("send_exemplars", Kind::Boolean),
                key("send_native_histograms", Kind::Boolean),
                key("round_robin_dns", Kind::Boolean),
                key("queue_config", Kind::Section(&QUEUE)),
                key("metadata_config", Kind::Section(&METADATA)),
                key("sigv4", Kind::Section(&SIGV4)),
                key("azuread", Kind::Section(&AZUREAD)),
                key("google_iam", Kind::Section(&GOOGLE_IAM)),
            ],
            check: Some(check_write),
        },
        &HTTP,
        &PROXY,
    ],
};

/// Where samples are read as well.
pub(crate) static READ: Schema = Schema {
    name: "remote_read",
    groups: &[
        &Group {
            keys: &[
                key("url", Kind::Url),
                key("name", Kind::Text),
                key("remote_timeout", Kind::Duration),
                key("headers", Kind::Map(&Kind::Text)),
                key("chunked_read_limit", Kind::Count),
                key("read_recent", Kind::Boolean),
                key("required_matchers", Kind::Labels),
                key("filter_external_labels", Kind::Boolean),
            ],
            check: Some(|section| {
                required(section, &[("url", "url for remote_read is empty")]);
                check_headers(section);
            }),
        },
        &HTTP,
        &PROXY,
    ],
};

static QUEUE: Schema = Schema {
    name: "queue_config",
    groups: &[&Group {
        keys: &[
            key("capacity", Kind::Integer),
            key("max_shards", Kind::Integer),
            key("min_shards", Kind::Integer),
            key("max_samples_per_send", Kind::Integer),
            key("batch_send_deadline", Kind::Duration),
            key("min_backoff", Kind::Duration),
            key("max_backoff", Kind::Duration),
            key("retry_on_http_429", Kind::Boolean),
            key("sample_age_limit", Kind::Duration),
        ],
        check: Some(check_queue),
    }],
};

static METADATA: Schema = Schema {
    name: "metadata_config",
    groups: &[&Group {
        keys: &[
            key("send", Kind::Boolean),
            key("send_interval", Kind::Duration),
            key("max_samples_per_send", Kind::Integer),
        ],
        check: None,
    }],
};

/// Signatures that Amazon's services ask for.
pub(crate) static SIGV4: Schema = Schema {
    name: "sigv4",
    groups: &[&Group {
        keys: &[
            key("region", Kind::Text),
            key("access_key", Kind::Text),
            key("secret_key", Kind::Secret),
            key("profile", Kind::Text),
            key("role_arn", Kind::Text),
            key("external_id", Kind::Text),
            key("use_fips_sts_endpoint", Kind::Boolean),
            key("service_name", Kind::Text),
        ],
        check: Some(|section| {
            if section.has("access_key") != section.has("secret_key") {
                section.error("must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config");
            }
        }),
    }],
};

static AZUREAD: Schema = Schema {
    name: "azuread",
    groups: &[&Group {
        keys: &[
            key("cloud", Kind::Text),
            key("scope", Kind::Text),
            key("managed_identity", Kind::Section(&AZURE_IDENTITY)),
            key("workload_identity", Kind::Section(&AZURE_IDENTITY)),
            key("oauth", Kind::Section(&AZURE_IDENTITY)),
            key("sdk", Kind::Section(&AZURE_IDENTITY)),
        ],
        check: Some(|section| {
            let ways = ["managed_identity", "workload_identity", "oauth", "sdk"];
            match ways.iter().filter(|way| section.present(way).is_some()).count() {
                1 => {}
                0 => section.error(
                    "must provide an Azure Managed Identity, Azure Workload Identity, Azure OAuth or Azure SDK in the Azure AD config",
                ),
                _ => section.error("cannot provide multiple authentication methods in the Azure AD config"),
            }
            one_of(section, "cloud", &["AzurePublic", "AzureChina", "AzureGovernment"], |_found| {
                "must provide a cloud in the Azure AD config: AzurePublic, AzureChina or AzureGovernment".to_owned()
            });
        }),
    }],
};

static AZURE_IDENTITY: Schema = Schema {
    name: "azuread identity",
    groups: &[&Group {
        keys: &[
            key("client_id", Kind::Text),
            key("client_secret", Kind::Secret),
            key("tenant_id", Kind::Text),
            key("token_file_path", Kind::Path),
        ],
        check: None,
    }],
};

static GOOGLE_IAM: Schema =
    Schema { name: "google_iam", groups: &[&Group { keys: &[key("credentials_file", Kind::Path)], check: None }] };

const MESSAGES: [&str; 2] = ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"];

fn check_write(section: &mut Section<'_>) {
    required(section, &[("url", "url for remote_write is empty")]);
    check_headers(section);
    one_of(section, "protobuf_message", &MESSAGES, |found| {
        format!(
            "invalid protobuf_message value: unknown remote write protobuf message {found}, supported: {}",
            MESSAGES.join(", ")
        )
    });
    let ways = ["basic_auth", "authorization", "oauth2", "sigv4", "azuread", "google_iam"];
    let there: Vec<&str> = ways.into_iter().filter(|way| section.get(way).is_some()).collect();
    // Two of the first three are refused as in every HTTP client.
    if 1 < there.len() && there.iter().any(|way| ["sigv4", "azuread", "google_iam"].contains(way)) {
        section.error(format!(
            "at most one of basic_auth, authorization, oauth2, sigv4, azuread or google_iam must be configured. \
             Currently configured: [{}]",
            there.join(" ")
        ));
    }
}

fn check_headers(section: &mut Section<'_>) {
    for (name, value) in section.get("headers").map(|headers| headers.pairs()).unwrap_or_default() {
        if name.eq_ignore_ascii_case("authorization") {
            value.error(
                "authorization header must be changed via the basic_auth, authorization, oauth2, sigv4, azuread or \
                 google_iam parameter",
            );
        } else if is_reserved_header(name) {
            value.error(format!("{name} is a reserved header. It must not be changed"));
        }
    }
}

fn check_queue(section: &mut Section<'_>) {
    let mut number = |key| section.get(key).and_then(|field| field.integer());
    let shards = [number("min_shards").unwrap_or(1), number("max_shards").unwrap_or(50)];
    for key in ["capacity", "max_shards", "min_shards", "max_samples_per_send"] {
        if section.get(key).and_then(|field| field.integer()).is_some_and(|number| number <= 0) {
            section.error_at(key, format!("queue_config {key} must be greater than 0"));
        }
    }
    if 0 < shards[1] && shards[1] < shards[0] {
        section.error_at(
            "min_shards",
            format!("queue_config min_shards {} must not be greater than max_shards {}", shards[0], shards[1]),
        );
    }
    let backoff =
        [section.duration_ms("min_backoff").unwrap_or(30), section.duration_ms("max_backoff").unwrap_or(5_000)];
    if backoff[1] < backoff[0] {
        section.error_at("max_backoff", "queue_config max_backoff must not be less than min_backoff");
    }
}
