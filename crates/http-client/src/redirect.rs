//! Where an answer sends us, and what we take along.

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, LOCATION, PROXY_AUTHORIZATION};
use reqwest::{Method, StatusCode, Url};

use crate::RequestError;

/// Redirects that a client follows before it gives up.
pub const REDIRECTS_MAX: usize = 3;

/// Whether the answer is a redirect that is followed with a request.
pub(crate) fn is_redirect(status: StatusCode, headers: &HeaderMap) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) && headers.contains_key(LOCATION)
}

/// Where the answer sends us.
///
/// # Errors
/// The place is none, or not behind HTTP.
pub(crate) fn target(from: &Url, headers: &HeaderMap) -> Result<Url, RequestError> {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.ok_or_else(|| RequestError::Redirect("its Location is not text".to_owned()))?;
    let mut to = from.join(location).map_err(|error| RequestError::Redirect(format!("its Location: {error}")))?;
    if !matches!(to.scheme(), "http" | "https") {
        return Err(RequestError::Redirect(format!("it leads to {}, which is not HTTP", to.scheme())));
    }
    if to.fragment().is_none() {
        to.set_fragment(from.fragment());
    }
    Ok(to)
}

/// The method of the request that follows, and whether the body goes along (RFC 9110 section 15.4, as clients do it).
pub(crate) fn next_method(status: StatusCode, method: &Method) -> (Method, bool) {
    match (status.as_u16(), method) {
        (307 | 308, method) => (method.clone(), true),
        (_, &Method::HEAD) => (Method::HEAD, false),
        _ => (Method::GET, false),
    }
}

/// Whether the second place is the first's, so that credentials may go along. The way from http to https on a host's
/// usual ports stays there; the way back does not.
pub(crate) fn same_place(from: &Url, to: &Url) -> bool {
    let ports = (from.port_or_known_default(), to.port_or_known_default());
    let upgrade = from.scheme() == "http" && to.scheme() == "https" && ports == (Some(80), Some(443));
    from.host_str() == to.host_str() && ((from.scheme() == to.scheme() && ports.0 == ports.1) || upgrade)
}

/// Takes out of the headers what is not meant for another host.
pub(crate) fn drop_credentials(headers: &mut HeaderMap) {
    let secret: Vec<HeaderName> = headers
        .iter()
        .filter(|(name, value)| value.is_sensitive() || [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION].contains(name))
        .map(|(name, _)| name.clone())
        .collect();
    for name in secret {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn credentials_stay_with_their_place() {
        for (from, to, expected) in [
            ("http://a/x", "http://a/y", true),
            ("http://a/x", "http://a:80/y", true),
            ("http://a/x", "http://b/x", false),
            ("http://a/x", "http://x.a/x", false),
            ("http://a/x", "http://a:8080/x", false),
            ("http://a/x", "https://a/x", true),
            ("http://a:9090/x", "https://a:9091/x", false),
            ("https://a/x", "http://a/x", false),
        ] {
            assert_eq!(same_place(&from.parse().unwrap(), &to.parse().unwrap()), expected, "{from} {to}");
        }
    }

    #[test]
    fn what_is_secret_is_dropped() {
        let mut headers = HeaderMap::new();
        let mut secret = HeaderValue::from_static("s");
        secret.set_sensitive(true);
        headers.insert("x-api-key", secret);
        headers.insert(AUTHORIZATION, HeaderValue::from_static("s"));
        headers.insert(COOKIE, HeaderValue::from_static("s"));
        headers.insert("accept", HeaderValue::from_static("*/*"));
        drop_credentials(&mut headers);
        assert_eq!(headers.keys().collect::<Vec<_>>(), ["accept"]);
    }

    #[test]
    fn where_it_leads() {
        let from: Url = "http://a/x/y?q#f".parse().unwrap();
        for (location, expected) in [
            ("z", "http://a/x/z#f"),
            ("//b/z", "http://b/z#f"),
            ("https://b/#g", "https://b/#g"),
            ("file:///etc/passwd", "cannot follow the redirect: it leads to file, which is not HTTP"),
            ("http://", "cannot follow the redirect: its Location: empty host"),
        ] {
            let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(location))]);
            let to = target(&from, &headers).map_or_else(|error| error.to_string(), |url| url.to_string());
            assert_eq!(to, expected);
        }
    }
}
