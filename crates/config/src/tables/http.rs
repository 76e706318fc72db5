//! Prometheus' `http_client_config`: the keys that every section has that talks to a server.

use crate::schema::{Group, Kind, Schema, key};
use crate::section::Section;

const NO_MANAGER: &str = "there is no secret manager to refer to: write the value itself or its file";

/// Credentials, TLS, redirects, headers.
pub(crate) static HTTP: Group = Group {
    keys: &[
        key("basic_auth", Kind::Section(&BASIC_AUTH)),
        key("authorization", Kind::Section(&AUTHORIZATION)),
        key("oauth2", Kind::Section(&OAUTH2)),
        key("bearer_token", Kind::Secret),
        key("bearer_token_file", Kind::Path),
        key("tls_config", Kind::Section(&TLS)),
        key("follow_redirects", Kind::Boolean),
        key("enable_http2", Kind::Boolean),
        key("http_headers", Kind::Map(&Kind::Section(&HEADER))),
    ],
    check: Some(check),
};

/// Proxies.
pub(crate) static PROXY: Group = Group {
    keys: &[
        // It may hold a password.
        key("proxy_url", Kind::Url),
        key("no_proxy", Kind::Text),
        key("proxy_from_environment", Kind::Boolean),
        key("proxy_connect_header", Kind::Map(&Kind::List(&Kind::Secret))),
    ],
    check: Some(check_proxy),
};

static BASIC_AUTH: Schema = Schema {
    name: "basic_auth",
    groups: &[&Group {
        keys: &[
            key("username", Kind::Text),
            key("username_file", Kind::Path),
            key("username_ref", Kind::Text).refused(NO_MANAGER),
            key("password", Kind::Secret),
            key("password_file", Kind::Path),
            key("password_ref", Kind::Text).refused(NO_MANAGER),
        ],
        check: Some(|section| {
            at_most_one(
                section,
                &["username", "username_file"],
                "at most one of basic_auth username, username_file & username_ref must be configured",
            );
            at_most_one(
                section,
                &["password", "password_file"],
                "at most one of basic_auth password, password_file & password_ref must be configured",
            );
        }),
    }],
};

static AUTHORIZATION: Schema = Schema {
    name: "authorization",
    groups: &[&Group {
        keys: &[
            key("type", Kind::Text),
            key("credentials", Kind::Secret),
            key("credentials_file", Kind::Path),
            key("credentials_ref", Kind::Text).refused(NO_MANAGER),
        ],
        check: Some(|section| {
            at_most_one(
                section,
                &["credentials", "credentials_file"],
                "at most one of authorization credentials & credentials_file must be configured",
            );
            if section.text("type").is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("basic")) {
                section.error_at("type", "authorization type cannot be set to \"basic\", use \"basic_auth\" instead");
            }
        }),
    }],
};

static OAUTH2: Schema = Schema {
    name: "oauth2",
    groups: &[
        &Group {
            keys: &[
                key("client_id", Kind::Text),
                key("client_secret", Kind::Secret),
                key("client_secret_file", Kind::Path),
                key("client_secret_ref", Kind::Text).refused(NO_MANAGER),
                key("scopes", Kind::List(&Kind::Text)),
                key("token_url", Kind::Text),
                key("endpoint_params", Kind::Map(&Kind::Text)),
                key("tls_config", Kind::Section(&TLS)),
            ],
            check: Some(|section| {
                for (key, message) in [
                    ("client_id", "oauth2 client_id must be configured"),
                    ("token_url", "oauth2 token_url must be configured"),
                ] {
                    if !section.has(key) {
                        section.error_at(key, message);
                    }
                }
                at_most_one(
                    section,
                    &["client_secret", "client_secret_file"],
                    "at most one of oauth2 client_secret, client_secret_file & client_secret_ref must be configured",
                );
            }),
        },
        &PROXY,
    ],
};

/// What Prometheus calls `tls_config`.
pub(crate) static TLS: Schema = Schema {
    name: "tls_config",
    groups: &[&Group {
        keys: &[
            key("ca", Kind::Text),
            key("ca_file", Kind::Path),
            key("ca_ref", Kind::Text).refused(NO_MANAGER),
            key("cert", Kind::Text),
            key("cert_file", Kind::Path),
            key("cert_ref", Kind::Text).refused(NO_MANAGER),
            key("key", Kind::Secret),
            key("key_file", Kind::Path),
            key("key_ref", Kind::Text).refused(NO_MANAGER),
            key("server_name", Kind::Text),
            key("insecure_skip_verify", Kind::Boolean),
            key("min_version", Kind::Text),
            key("max_version", Kind::Text),
        ],
        check: Some(check_tls),
    }],
};

static HEADER: Schema = Schema {
    name: "http_headers",
    groups: &[&Group {
        keys: &[
            key("values", Kind::List(&Kind::Text)),
            key("secrets", Kind::List(&Kind::Secret)),
            key("files", Kind::List(&Kind::Path)),
        ],
        check: None,
    }],
};

/// Headers that a client sets itself.
const RESERVED_HEADERS: [&str; 17] = [
    "authorization",
    "host",
    "content-encoding",
    "content-length",
    "content-type",
    "user-agent",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "www-authenticate",
    "accept-encoding",
    "x-prometheus-remote-write-version",
    "x-prometheus-remote-read-version",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-content-sha256",
];

/// Whether nobody but the client itself may set this header.
pub(crate) fn is_reserved_header(name: &str) -> bool {
    RESERVED_HEADERS.contains(&name.to_ascii_lowercase().as_str())
}

fn check(section: &mut Section<'_>) {
    let [token, token_file] = ["bearer_token", "bearer_token_file"].map(|key| section.has(key));
    let [basic, authorization, oauth2] =
        ["basic_auth", "authorization", "oauth2"].map(|key| section.get(key).is_some());
    let at = if token { "bearer_token" } else { "bearer_token_file" };
    if token && token_file {
        section.error_at("bearer_token_file", "at most one of bearer_token & bearer_token_file must be configured");
    }
    if (basic || oauth2) && (token || token_file) {
        section.error_at(at, "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured");
    }
    if authorization && (token || token_file) {
        section.error_at(at, "authorization is not compatible with bearer_token & bearer_token_file");
    }
    if 1 < usize::from(basic) + usize::from(authorization) + usize::from(oauth2) {
        let second = if oauth2 { "oauth2" } else { "authorization" };
        section.error_at(second, "at most one of basic_auth, oauth2 & authorization must be configured");
    }
    for (name, value) in section.get("http_headers").map(|headers| headers.pairs()).unwrap_or_default() {
        if is_reserved_header(name) || name.eq_ignore_ascii_case("x-prometheus-scrape-timeout-seconds") {
            value.error(format!("setting header {name:?} is not allowed"));
        }
    }
}

fn check_proxy(section: &mut Section<'_>) {
    let [url, no_proxy] = ["proxy_url", "no_proxy"].map(|key| section.has(key));
    let environment = section.boolean("proxy_from_environment").unwrap_or(false);
    let connect = section.get("proxy_connect_header").is_some_and(|headers| !headers.pairs().is_empty());
    for (wrong, at, message) in [
        (
            connect && !url && !environment,
            "proxy_connect_header",
            "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured",
        ),
        (
            environment && url,
            "proxy_from_environment",
            "if proxy_from_environment is configured, proxy_url must not be configured",
        ),
        (
            environment && no_proxy,
            "no_proxy",
            "if proxy_from_environment is configured, no_proxy must not be configured",
        ),
        (no_proxy && !url && !environment, "no_proxy", "if no_proxy is configured, proxy_url must also be configured"),
    ] {
        if wrong {
            section.error_at(at, message);
        }
    }
}

fn check_tls(section: &mut Section<'_>) {
    at_most_one(section, &["ca", "ca_file"], "at most one of ca, ca_file & ca_ref must be configured");
    at_most_one(section, &["cert", "cert_file"], "at most one of cert, cert_file & cert_ref must be configured");
    at_most_one(section, &["key", "key_file"], "at most one of key and key_file must be configured");
    let cert = section.has("cert") || section.has("cert_file");
    let key = section.has("key") || section.has("key_file");
    if cert && !key {
        section.error("exactly one of key or key_file must be configured when a client certificate is configured");
    }
    if key && !cert {
        section.error("exactly one of cert or cert_file must be configured when a client key is configured");
    }
    for key in ["min_version", "max_version"] {
        let Some(field) = section.get(key) else { continue };
        match field.text() {
            Some("TLS12" | "TLS13") | None => {}
            // Nothing older is spoken, which a lower bound permits.
            Some("TLS10" | "TLS11") if key == "min_version" => {}
            Some("TLS10" | "TLS11") => field.warning("TLS older than 1.2 is not spoken; taken as TLS12"),
            Some(other) => field.error(format!("unknown TLS version: {other}; there are TLS12 and TLS13")),
        }
    }
}

/// An error at the last of `keys` if more than one of them is there.
pub(super) fn at_most_one(section: &mut Section<'_>, keys: &[&'static str], message: &str) {
    let there: Vec<&'static str> = keys.iter().copied().filter(|key| section.has(key)).collect();
    if let [_, .., last] = there[..] {
        section.error_at(last, message);
    }
}

/// An error for each of `keys` that is not there, or empty.
pub(super) fn required(section: &mut Section<'_>, keys: &[(&'static str, &str)]) {
    for (key, message) in keys {
        if !section.has(key) {
            section.error_at(key, *message);
        }
    }
}

/// An error if the text of `key` is there and is none of `words`.
pub(super) fn one_of(section: &mut Section<'_>, key: &'static str, words: &[&str], message: impl Fn(&str) -> String) {
    let Some(field) = section.get(key) else { return };
    if let Some(text) = field.text()
        && !words.contains(&text)
    {
        let hint = crate::hints::nearest(text, words).map(|word| format!("; did you mean {word}?"));
        field.error(format!("{}{}", message(text), hint.unwrap_or_default()));
    }
}
