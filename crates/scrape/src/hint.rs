//! What is probably wrong with a target that fails, and what to do ("did you mean").
//!
//! The conclusions are pure; what they are drawn from is asked by `probe`, on this machine only and once for each target
//! and kind of failure.

use reqwest::StatusCode;
use url::Url;

use crate::fetch::FetchError;

/// What kind of failure a target has, as far as hints differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// The name has no address.
    Name,
    /// Nobody takes the connection.
    Refused,
    /// There is no such page.
    NoPage,
    /// The target speaks TLS and was asked without, or the other way round.
    Scheme,
    /// The target does not know or not like who asks.
    Identity,
    /// The certificate is not believed.
    Certificate,
    /// The target is too slow.
    Slow,
    /// The page is too long.
    TooLong,
    /// The page is a web page.
    Html,
    /// The page is JSON.
    Json,
    /// The page is empty of samples or something else altogether.
    Other,
}

/// The kind of a failure to get a page.
pub(crate) fn of_fetch(error: &FetchError) -> Trouble {
    match error {
        FetchError::Name(_) => Trouble::Name,
        FetchError::Connect(_) => Trouble::Refused,
        FetchError::Timeout(_) => Trouble::Slow,
        FetchError::Status { status, said } => match *status {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Trouble::NoPage,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Trouble::Identity,
            // What Go's and nginx's servers say to plain HTTP on a TLS port.
            StatusCode::BAD_REQUEST if said.contains("HTTPS") => Trouble::Scheme,
            _ => Trouble::Other,
        },
        FetchError::Body(crate::body::BodyError::Limit(_)) => Trouble::TooLong,
        FetchError::Request(text) if text.contains("InvalidContentType") => Trouble::Scheme,
        FetchError::Request(text) if text.contains("certificate") => Trouble::Certificate,
        FetchError::Body(_) | FetchError::Broken(_) | FetchError::Request(_) => Trouble::Other,
    }
}

/// The kind of a failure to read a page.
pub(crate) fn of_page(body: &[u8]) -> Trouble {
    match body.trim_ascii_start() {
        [b'<', ..] => Trouble::Html,
        [b'{' | b'[', ..] if json_like(body) => Trouble::Json,
        _ => Trouble::Other,
    }
}

/// Whether it looks like JSON rather than a series without a name, `{"name",a="b"} 1`.
fn json_like(body: &[u8]) -> bool {
    let text = body.trim_ascii();
    matches!(text, [b'[', .., b']']) || (matches!(text, [b'{', .., b'}']) && text.contains(&b':'))
}

/// An address that was found to answer metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sighting {
    /// Where.
    pub(crate) url: Url,
    /// The first metric there.
    pub(crate) metric: String,
}

/// What to tell a person. `here` says that the target is on this machine, `sightings` what was seen beside it.
pub(crate) fn hint(trouble: Trouble, url: &Url, here: bool, sightings: &[Sighting]) -> Option<String> {
    let host = url.host_str().unwrap_or_default();
    let seen: Vec<String> = sightings.iter().map(|Sighting { url, metric }| format!("{url} (with {metric})")).collect();
    let seen = seen.join(" and ");
    let text = match trouble {
        Trouble::Refused if !seen.is_empty() => {
            format!("Nothing listens on port {}. Did you mean {seen}?", url.port_or_known_default().unwrap_or(0))
        }
        Trouble::Refused if here => {
            "Nothing listens on this port. Is the server running, and is this its port?".to_owned()
        }
        Trouble::Refused => "Nothing takes connections there: is the server running, and does it listen on an address \
                             that others can reach (0.0.0.0 and not 127.0.0.1)?"
            .to_owned(),
        Trouble::NoPage if !seen.is_empty() => format!("There is no page {}. Did you mean {seen}?", url.path()),
        Trouble::NoPage => format!("A server is there, but has no page {}: check metrics_path.", url.path()),
        Trouble::Name if !host.contains('.') => format!(
            "{host:?} looks like the name of a compose service, which only containers of the same network can resolve. \
             Publish the service's port and use localhost:PORT."
        ),
        Trouble::Name => "The name is unknown to the DNS of this machine: is it spelled right?".to_owned(),
        Trouble::Scheme if url.scheme() == "http" => "The server speaks TLS there: set scheme: https.".to_owned(),
        Trouble::Scheme => "The server does not speak TLS there: set scheme: http.".to_owned(),
        Trouble::Identity => {
            "The server wants to know who asks: set basic_auth or authorization for this job.".to_owned()
        }
        Trouble::Certificate => "The server's certificate is not believed: set tls_config.ca_file for this job, or \
                                 tls_config.server_name if the certificate is for another name."
            .to_owned(),
        Trouble::Slow => "The page took longer than scrape_timeout: is the server busy, or does a firewall drop the \
                          packets? A longer scrape_timeout needs a scrape_interval that is no shorter."
            .to_owned(),
        Trouble::TooLong => "A page this long usually has labels with endless values, such as request ids. \
                             body_size_limit sets the bound."
            .to_owned(),
        Trouble::Html if !seen.is_empty() => format!("This is a web page. Did you mean {seen}?"),
        Trouble::Html => "This is a web page and no metrics: check metrics_path and the port.".to_owned(),
        Trouble::Json if !seen.is_empty() => format!("This is JSON. Did you mean {seen}?"),
        Trouble::Json => "The endpoint returns JSON. In FastAPI, return Response(generate_latest(), \
                          media_type=CONTENT_TYPE_LATEST) rather than the text itself."
            .to_owned(),
        Trouble::Other => return None,
    };
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_apart() {
        let status = |code: u16, said: &str| FetchError::Status {
            status: StatusCode::from_u16(code).unwrap(),
            said: said.to_owned(),
        };
        for (error, expected) in [
            (FetchError::Name(String::new()), Trouble::Name),
            (status(404, ""), Trouble::NoPage),
            (status(401, ""), Trouble::Identity),
            (status(400, "Client sent an HTTP request to an HTTPS server.\n"), Trouble::Scheme),
            (status(400, "model parameter is missing"), Trouble::Other),
            (status(500, ""), Trouble::Other),
            (FetchError::Request("received corrupt message of type InvalidContentType".to_owned()), Trouble::Scheme),
            (FetchError::Request("invalid peer certificate: UnknownIssuer".to_owned()), Trouble::Certificate),
        ] {
            assert_eq!(of_fetch(&error), expected, "{error}");
        }
    }

    #[test]
    fn pages_are_told_apart() {
        for (body, expected) in [
            ("<!DOCTYPE html><html>", Trouble::Html),
            ("[\"# HELP a b\\n\", {\"Content-Type\": \"x\"}]", Trouble::Json),
            ("{\"detail\": \"x\"}\n", Trouble::Json),
            ("{\"name\",a=\"b\"} x\n", Trouble::Other),
            ("a x\n", Trouble::Other),
            ("", Trouble::Other),
        ] {
            assert_eq!(of_page(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn what_was_seen_is_named() {
        let url = Url::parse("http://127.0.0.1:8001/metrics").unwrap();
        let sighting = Sighting {
            url: Url::parse("http://127.0.0.1:8000/metrics").unwrap(),
            metric: "vllm:num_requests_running".to_owned(),
        };
        assert_eq!(
            hint(Trouble::Refused, &url, true, &[sighting]).unwrap(),
            "Nothing listens on port 8001. Did you mean http://127.0.0.1:8000/metrics (with vllm:num_requests_running)?"
        );
        let compose = hint(Trouble::Name, &Url::parse("http://vllm:8001/metrics").unwrap(), false, &[]).unwrap();
        assert!(compose.starts_with("\"vllm\" looks like the name of a compose service"));
        assert!(hint(Trouble::Other, &url, true, &[]).is_none());
    }
}
