//! The Host header: a page of somebody else's, whose name was made to resolve to this machine (DNS rebinding), must not
//! read what has no password.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Which names this server answers to.
///
/// Addresses and names without a dot are always welcome: nobody can own those in the public DNS. A name with dots must
/// be the external URL's, or begin with this machine's own name.
#[derive(Clone, Debug, Default)]
pub struct HostRules {
    /// This machine's name, without its domain.
    pub hostname: String,
    /// The host of the external URL, if one was given.
    pub external_host: Option<String>,
}

impl HostRules {
    /// Whether a Host header's value names this server.
    pub fn allows(&self, host: &str) -> bool {
        let name = without_port(host);
        if name.is_empty() {
            return false;
        }
        let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        if address.parse::<IpAddr>().is_ok() {
            return true;
        }
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let own = self.hostname.to_ascii_lowercase();
        !name.contains('.')
            || name.ends_with(".localhost")
            || self.external_host.as_deref().is_some_and(|external| external.eq_ignore_ascii_case(&name))
            || (!own.is_empty() && name.strip_prefix(&own).is_some_and(|rest| rest.starts_with('.')))
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

/// Refuses requests for other hosts.
pub(crate) async fn check(State(rules): State<Arc<HostRules>>, request: Request, next: Next) -> Response {
    // A proxy's absolute form overrides the header (RFC 9112, 3.2.2).
    let from_uri = Uri::authority(request.uri()).map(|authority| authority.as_str());
    let from_header = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    match from_uri.or(from_header) {
        Some(host) if rules.allows(host) => next.run(request).await,
        other => {
            let said = other.unwrap_or_default().escape_default().to_string();
            let text = format!(
                "Pitwall does not answer to the host name \"{said}\". Use an address, or start it with --web.external-url=http://{said}\n"
            );
            (StatusCode::MISDIRECTED_REQUEST, text).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_cannot_be_rebound_are_welcome() {
        let rules = HostRules { hostname: "gpu-box".to_owned(), external_host: Some("mon.example.com".to_owned()) };
        for (host, expected) in [
            ("127.0.0.1:3000", true),
            ("[::1]:3000", true),
            ("192.168.1.7", true),
            ("localhost:3000", true),
            ("pitwall:3000", true),
            ("gpu-box.lan:3000", true),
            ("GPU-BOX.example.com.", true),
            ("mon.example.com", true),
            ("gpu-boxy.example.com", false),
            ("evil.example", false),
            ("127.0.0.1.evil.example:3000", false),
            ("", false),
            (":3000", false),
        ] {
            assert_eq!(rules.allows(host), expected, "{host}");
        }
    }
}
