//! Which addresses mean this machine.

use std::net::{IpAddr, UdpSocket};

use url::Url;

/// This machine and this program, as others see them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// The machine's name.
    pub hostname: String,
    /// What people at other machines put before a path of this program, such as `http://box:3000`.
    pub external_url: String,
    /// The port that this program listens on.
    pub port: u16,
}

/// The ways to write loopback that Prometheus knows.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "::1"];

impl Machine {
    /// Whether `host`, a name or an address without a port, is this machine whatever the DNS says.
    pub(crate) fn is_here(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = host.parse::<IpAddr>() {
            // Only an address of this machine can be bound; binding sends nothing.
            return address.is_loopback() || (!address.is_unspecified() && UdpSocket::bind((address, 0)).is_ok());
        }
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let own = self.hostname.to_ascii_lowercase();
        // Docker's name for the machine that a container runs on.
        matches!(host.as_str(), "localhost" | "host.docker.internal")
            || host.ends_with(".localhost")
            || (!own.is_empty() && (host == own || own.split('.').next() == Some(host.as_str())))
    }

    /// `host:port` with one spelling for all that mean this machine, to compare addresses by.
    pub(crate) fn canonical(&self, url: &Url) -> Option<String> {
        let (host, port) = (url.host_str()?, url.port_or_known_default()?);
        Some(if self.is_here(host) { format!("localhost:{port}") } else { format!("{}:{port}", host.to_lowercase()) })
    }

    /// A target's URL for people at other machines, as Prometheus makes it: loopback means the host under which this
    /// program is reached, and the port of this program means this program.
    pub(crate) fn global_url(&self, text: &str) -> String {
        let (Ok(url), Ok(external)) = (Url::parse(text), Url::parse(&self.external_url)) else {
            return text.to_owned();
        };
        let (Some(host), Some(outside)) = (url.host_str(), external.host_str()) else { return text.to_owned() };
        if !LOOPBACK.contains(&host.trim_start_matches('[').trim_end_matches(']')) {
            return text.to_owned();
        }
        let path = &url[url::Position::BeforePath..];
        match url.port() {
            Some(port) if port == self.port => format!("{}{path}", &external[..url::Position::BeforePath]),
            Some(port) => format!("{}://{outside}:{port}{path}", url.scheme()),
            // Prometheus leaves an address without a port as it is.
            None => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine {
        Machine { hostname: "box.lan".to_owned(), external_url: "https://gpu.example/pit".to_owned(), port: 3000 }
    }

    #[test]
    fn names_and_addresses_of_this_machine() {
        for (host, here) in [
            ("localhost", true),
            ("a.localhost", true),
            ("127.0.0.1", true),
            ("127.8.0.1", true),
            ("[::1]", true),
            ("box", true),
            ("BOX.lan", true),
            ("host.docker.internal", true),
            ("box.other", false),
            ("vllm", false),
            ("0.0.0.0", false),
            ("192.0.2.1", false),
        ] {
            assert_eq!(machine().is_here(host), here, "{host}");
        }
    }

    #[test]
    fn loopback_is_another_machine_s_loopback() {
        for (url, expected) in [
            ("http://localhost:9100/metrics", "http://gpu.example:9100/metrics"),
            ("http://[::1]:9100/metrics?a=b", "http://gpu.example:9100/metrics?a=b"),
            ("http://127.0.0.1:3000/metrics", "https://gpu.example/metrics"),
            ("http://vllm:8000/metrics", "http://vllm:8000/metrics"),
            ("http://localhost/metrics", "http://localhost/metrics"),
            ("", ""),
        ] {
            assert_eq!(machine().global_url(url), expected);
        }
    }

    #[test]
    fn addresses_are_compared_in_one_spelling() {
        let canonical = |url: &str| machine().canonical(&Url::parse(url).unwrap()).unwrap();
        assert_eq!(canonical("http://127.0.0.1:8000/metrics"), canonical("http://box:8000/v1/metrics"));
        assert_eq!(canonical("https://Example.org/"), "example.org:443");
    }
}
