//! URLs as far as a configuration is judged by them, by the rules of Go's `net/url`.

use thiserror::Error;

/// A URL's parts that are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    /// In lower case; empty if there is none.
    pub(crate) scheme: String,
    /// Host and port, without user and password.
    pub(crate) host: String,
}

/// Why a text is no URL. The texts are Go's; the URL is not in them, since it may hold a password.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum UrlError {
    /// It begins with a colon.
    #[error("not a URL: missing protocol scheme")]
    NoScheme,
    /// An address was given where a URL is needed.
    #[error("not a URL: first path segment in URL cannot contain colon; write http:// before it")]
    Colon,
    /// A character that no URL has.
    #[error("not a URL: invalid control character in URL")]
    Control,
    /// The port is no number.
    #[error("not a URL: invalid port after host")]
    Port,
}

/// Reads a URL.
pub(crate) fn parse(text: &str) -> Result<Url, UrlError> {
    if text.contains(|c: char| c.is_ascii_control()) {
        return Err(UrlError::Control);
    }
    let (scheme, rest) = scheme(text)?;
    let rest = rest.split('#').next().unwrap_or_default();
    let rest = rest.split('?').next().unwrap_or_default();
    if scheme.is_empty() && !rest.starts_with('/') && rest.split('/').next().unwrap_or_default().contains(':') {
        return Err(UrlError::Colon);
    }
    let authority = rest.strip_prefix("//").map(|rest| rest.split('/').next().unwrap_or_default());
    let host = authority.map(|authority| authority.rsplit('@').next().unwrap_or_default()).unwrap_or_default();
    let after_address = host.rsplit(']').next().unwrap_or_default();
    if let Some((_, port)) = after_address.rsplit_once(':')
        && !port.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Err(UrlError::Port);
    }
    Ok(Url { scheme: scheme.to_ascii_lowercase(), host: host.to_owned() })
}

/// The scheme, empty if there is none, and what follows its colon.
fn scheme(text: &str) -> Result<(&str, &str), UrlError> {
    for (position, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if position != 0 => {}
            b':' if position == 0 => return Err(UrlError::NoScheme),
            b':' => return Ok((&text[..position], &text[position + 1..])),
            _ => break,
        }
    }
    Ok(("", text))
}

/// What is wrong with a URL that has to lead to an HTTP server, in Prometheus' words.
pub(crate) fn http_fault(text: &str) -> Option<String> {
    match parse(text) {
        Err(error) => Some(error.to_string()),
        Ok(url) if url.scheme != "http" && url.scheme != "https" => {
            Some("URL scheme must be 'http' or 'https'".to_owned())
        }
        Ok(url) if url.host.is_empty() => Some("host is missing in URL".to_owned()),
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_judged_as_go_judges_them() {
        let parts = |scheme: &str, host: &str| Ok(Url { scheme: scheme.to_owned(), host: host.to_owned() });
        for (text, expected) in [
            ("http://user:p%40ss@host:9090/path?a=b#c", parts("http", "host:9090")),
            ("HTTPS://[::1]:9090", parts("https", "[::1]:9090")),
            ("localhost:9090", parts("localhost", "")),
            ("eureka.com", parts("", "")),
            ("unix:///var/run/docker.sock", parts("unix", "")),
            ("127.0.0.1:9090", Err(UrlError::Colon)),
            ("://invalid", Err(UrlError::NoScheme)),
            ("http://host:port/", Err(UrlError::Port)),
            ("http://a\tb", Err(UrlError::Control)),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
