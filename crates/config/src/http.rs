//! `http_client_config`, as scrape configs and receivers share it.

use std::path::{Path, PathBuf};

use http_client::{Authorization, BasicAuth, Config, Secret, TlsConfig};

use crate::section::Section;

/// Reads the keys of an HTTP client out of `section`; relative files lie beside the configuration, in `folder`.
pub(crate) fn read(section: &mut Section<'_>, folder: &Path) -> Config {
    let mut config = Config::default();
    if let Some(mut basic) = section.get("basic_auth").and_then(|field| field.section()) {
        basic.not_supported(&["username_file"]);
        config.basic_auth = Some(BasicAuth {
            username: basic.text("username").unwrap_or_default(),
            username_file: None,
            password: Secret::new(basic.text("password").unwrap_or_default()),
            password_file: file(&mut basic, "password_file", folder),
        });
        basic.finish();
    }
    let mut ways = usize::from(config.basic_auth.is_some());
    if let Some(mut authorization) = section.get("authorization").and_then(|field| field.section()) {
        ways += 1;
        config.authorization = Some(Authorization {
            scheme: authorization.text("type").unwrap_or_else(|| "Bearer".to_owned()),
            credentials: Secret::new(authorization.text("credentials").unwrap_or_default()),
            credentials_file: file(&mut authorization, "credentials_file", folder),
        });
        authorization.finish();
    }
    let (token, token_file) = (section.text("bearer_token"), file(section, "bearer_token_file", folder));
    if token.is_some() && token_file.is_some() {
        section.error("at most one of bearer_token & bearer_token_file must be configured");
    }
    if token.is_some() || token_file.is_some() {
        ways += 1;
        let credentials = Secret::new(token.unwrap_or_default());
        config.authorization =
            Some(Authorization { scheme: "Bearer".to_owned(), credentials, credentials_file: token_file });
    }
    if 1 < ways {
        section.error("at most one of basic_auth, authorization, bearer_token & bearer_token_file must be configured");
    }
    if let Some(mut tls) = section.get("tls_config").and_then(|field| field.section()) {
        tls.not_supported(&["ca", "cert", "cert_file", "key", "key_file", "min_version", "max_version"]);
        config.tls = TlsConfig {
            ca_file: file(&mut tls, "ca_file", folder),
            server_name: tls.text("server_name"),
            insecure_skip_verify: tls.boolean("insecure_skip_verify").unwrap_or(false),
            ..TlsConfig::default()
        };
        tls.finish();
    }
    config.follow_redirects = section.boolean("follow_redirects").unwrap_or(true);
    config.proxy.url = section.text("proxy_url").map(Secret::new);
    section.inactive(&[("enable_http2", "HTTP/1.1 is used")]);
    section.not_supported(&["oauth2", "no_proxy", "proxy_from_environment", "proxy_connect_header", "http_headers"]);
    config
}

/// A file's path, relative ones from `folder` on.
fn file(section: &mut Section<'_>, key: &'static str, folder: &Path) -> Option<PathBuf> {
    section.text(key).map(|path| folder.join(path))
}
