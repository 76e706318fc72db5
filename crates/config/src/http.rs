//! `http_client_config`, as scrape configs, discoveries and receivers share it.

use std::path::{Path, PathBuf};

use http_client::{Authorization, BasicAuth, Config, HttpHeader, OAuth2, ProxyConfig, Secret, TlsConfig, TlsVersion};

use crate::section::{Field, Section};
use crate::tables::http::TLS;
use crate::walk;

/// Reads a `tls_config`, after holding it against its table; relative files count from `folder`.
pub(crate) fn tls(field: Field<'_>, folder: &Path) -> TlsConfig {
    walk::hold(field, &TLS).section().map(|mut section| read_tls(&mut section, folder)).unwrap_or_default()
}

/// Reads the keys of an HTTP client out of a section that was held against its table.
pub(crate) fn read(section: &mut Section<'_>, folder: &Path) -> Config {
    let bearer = bearer(section, folder);
    Config {
        basic_auth: section.subsection("basic_auth").map(|mut basic| BasicAuth {
            username: basic.text("username").unwrap_or_default(),
            username_file: basic.path("username_file", folder),
            password: secret(&mut basic, "password"),
            password_file: basic.path("password_file", folder),
        }),
        authorization: section
            .subsection("authorization")
            .map(|mut authorization| Authorization {
                scheme: authorization
                    .text("type")
                    .map(|scheme| scheme.trim().to_owned())
                    .filter(|scheme| !scheme.is_empty())
                    .unwrap_or_else(|| "Bearer".to_owned()),
                credentials: secret(&mut authorization, "credentials"),
                credentials_file: authorization.path("credentials_file", folder),
            })
            .or(bearer),
        oauth2: section.subsection("oauth2").map(|mut oauth2| read_oauth2(&mut oauth2, folder)),
        tls: section.subsection("tls_config").map(|mut tls| read_tls(&mut tls, folder)).unwrap_or_default(),
        follow_redirects: section.boolean("follow_redirects").unwrap_or(true),
        enable_http2: section.boolean("enable_http2").unwrap_or(true),
        proxy: read_proxy(section),
        http_headers: headers(section, folder),
    }
}

/// The token of the keys from before `authorization`.
fn bearer(section: &mut Section<'_>, folder: &Path) -> Option<Authorization> {
    let token = secret(section, "bearer_token");
    let credentials_file = section.path("bearer_token_file", folder);
    let there = !token.is_empty() || credentials_file.is_some();
    there.then(|| Authorization { credentials_file, ..Authorization::bearer(token) })
}

fn read_oauth2(section: &mut Section<'_>, folder: &Path) -> OAuth2 {
    OAuth2 {
        client_id: section.text("client_id").unwrap_or_default(),
        client_secret: secret(section, "client_secret"),
        client_secret_file: section.path("client_secret_file", folder),
        scopes: section.texts("scopes"),
        token_url: section.text("token_url").unwrap_or_default(),
        endpoint_params: section.get("endpoint_params").map(|params| params.text_pairs()).unwrap_or_default(),
        tls: section.subsection("tls_config").map(|mut tls| read_tls(&mut tls, folder)).unwrap_or_default(),
        proxy: read_proxy(section),
    }
}

fn read_tls(section: &mut Section<'_>, folder: &Path) -> TlsConfig {
    TlsConfig {
        ca: filled(section, "ca"),
        ca_file: section.path("ca_file", folder),
        cert: filled(section, "cert"),
        cert_file: section.path("cert_file", folder),
        key: filled(section, "key").map(Secret::new),
        key_file: section.path("key_file", folder),
        server_name: filled(section, "server_name"),
        insecure_skip_verify: section.boolean("insecure_skip_verify").unwrap_or(false),
        min_version: section.text("min_version").and_then(|word| tls_version(&word)),
        max_version: section.text("max_version").map(|word| tls_version(&word).unwrap_or(TlsVersion::Tls12)),
    }
}

/// Nothing older than TLS 1.2 is spoken.
fn tls_version(word: &str) -> Option<TlsVersion> {
    match word {
        "TLS12" => Some(TlsVersion::Tls12),
        "TLS13" => Some(TlsVersion::Tls13),
        _ => None,
    }
}

fn read_proxy(section: &mut Section<'_>) -> ProxyConfig {
    let headers = section.get("proxy_connect_header").map(|headers| headers.pairs()).unwrap_or_default();
    ProxyConfig {
        url: filled(section, "proxy_url").map(Secret::new),
        no_proxy: section.text("no_proxy").unwrap_or_default(),
        from_environment: section.boolean("proxy_from_environment").unwrap_or(false),
        connect_header: headers
            .into_iter()
            .map(|(name, values)| (name.to_owned(), values.texts().into_iter().map(Secret::new).collect()))
            .collect(),
    }
}

fn headers(section: &mut Section<'_>, folder: &Path) -> Vec<HttpHeader> {
    let headers = section.get("http_headers").map(|headers| headers.pairs()).unwrap_or_default();
    headers
        .into_iter()
        .filter_map(|(name, header)| {
            let mut header = header.section()?;
            Some(HttpHeader {
                name: name.to_owned(),
                values: header.texts("values"),
                secrets: header.texts("secrets").into_iter().map(Secret::new).collect(),
                files: header.texts("files").into_iter().map(|file| folder.join(file)).collect::<Vec<PathBuf>>(),
            })
        })
        .collect()
}

fn secret(section: &mut Section<'_>, key: &'static str) -> Secret {
    Secret::new(section.text(key).unwrap_or_default())
}

/// The text of `key`, unless it is empty.
fn filled(section: &mut Section<'_>, key: &'static str) -> Option<String> {
    section.text(key).filter(|text| !text.is_empty())
}
