//! Which requests go through a proxy: `proxy_url` with `no_proxy`, or what the environment says, by the rules of Go's
//! `httpproxy`.

use std::net::IpAddr;

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName};

use crate::credentials::sensitive;
use crate::{BuildError, ProxyConfig};

/// The proxies of a client.
#[derive(Clone, Debug)]
pub(crate) struct Proxies {
    http: Option<Url>,
    https: Option<Url>,
    /// `None`: not even loopback addresses are reached without the proxy.
    bypass: Option<Bypass>,
    connect_header: HeaderMap,
}

impl Proxies {
    /// The proxies of a configuration, `None` without any.
    pub(crate) fn new(config: &ProxyConfig) -> Result<Option<Self>, BuildError> {
        let connect_header = connect_header(config)?;
        if config.from_environment {
            // Go's rule: with REQUEST_METHOD this is a CGI program, whose client chooses HTTP_PROXY (header `Proxy`).
            let cgi = std::env::var_os("REQUEST_METHOD").is_some();
            return Self::from_variables(|name| std::env::var(name).ok(), cgi, connect_header);
        }
        let Some(url) = config.url.as_ref().filter(|url| !url.is_empty()) else { return Ok(None) };
        let url = parse(url.expose())?;
        let bypass = (!config.no_proxy.trim().is_empty()).then(|| Bypass::parse(&config.no_proxy));
        Ok(Some(Self { http: Some(url.clone()), https: Some(url), bypass, connect_header }))
    }

    fn from_variables(
        variable: impl Fn(&str) -> Option<String>,
        cgi: bool,
        connect_header: HeaderMap,
    ) -> Result<Option<Self>, BuildError> {
        let either =
            |upper: &str, lower: &str| [upper, lower].into_iter().filter_map(&variable).find(|value| !value.is_empty());
        let http = if cgi { None } else { either("HTTP_PROXY", "http_proxy") };
        let http = http.map(|url| parse(&url)).transpose()?;
        let https = either("HTTPS_PROXY", "https_proxy").map(|url| parse(&url)).transpose()?;
        let bypass = Some(Bypass::parse(&either("NO_PROXY", "no_proxy").unwrap_or_default()));
        Ok((http.is_some() || https.is_some()).then_some(Self { http, https, bypass, connect_header }))
    }

    /// The proxy on the way to `url`, `None` where there is none.
    pub(crate) fn of(&self, url: &Url) -> Option<&Url> {
        let proxy = if url.scheme() == "https" { &self.https } else { &self.http };
        proxy.as_ref().filter(|_| !self.bypass.as_ref().is_some_and(|bypass| bypass.covers(url)))
    }

    /// As reqwest takes them. The headers are for CONNECT alone, which only https needs.
    pub(crate) fn to_reqwest(&self) -> [reqwest::Proxy; 2] {
        let of_scheme = |scheme: &'static str| {
            let proxies = self.clone();
            reqwest::Proxy::custom(move |url| proxies.of(url).filter(|_| url.scheme() == scheme).cloned())
        };
        [of_scheme("http"), of_scheme("https").headers(self.connect_header.clone())]
    }
}

fn connect_header(config: &ProxyConfig) -> Result<HeaderMap, BuildError> {
    let mut headers = HeaderMap::new();
    for (name, values) in &config.connect_header {
        let key = HeaderName::try_from(name)
            .map_err(|_error| BuildError::Proxy(format!("proxy_connect_header {name:?} is not a header's name")))?;
        for value in values {
            let value = sensitive(value.expose().to_owned(), name)
                .map_err(|error| BuildError::Proxy(format!("proxy_connect_header: {error}")))?;
            headers.append(&key, value);
        }
    }
    Ok(headers)
}

/// A proxy's URL; `HOST:PORT` is one too. The error does not quote it, because it may hold a password.
fn parse(text: &str) -> Result<Url, BuildError> {
    let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&text).map_err(|error| BuildError::Proxy(error.to_string()))?;
    match url.scheme() {
        "http" | "https" | "socks5" | "socks5h" => Ok(url),
        other => Err(BuildError::Proxy(format!("{other} is not spoken to proxies; http, https and socks5 are"))),
    }
}

/// Who is reached without the proxy: loopback, and what `no_proxy` lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Bypass {
    everybody: bool,
    networks: Vec<(IpAddr, u8)>,
    addresses: Vec<(IpAddr, Option<u16>)>,
    /// With a leading dot; whether the domain itself is meant too; the port.
    domains: Vec<(String, bool, Option<u16>)>,
}

impl Bypass {
    /// Entries that are none are left out, as Go does.
    fn parse(list: &str) -> Self {
        let mut bypass = Self::default();
        for entry in list.split(',').map(|entry| entry.trim().to_lowercase()).filter(|entry| !entry.is_empty()) {
            if entry == "*" {
                bypass.everybody = true;
            } else if let Some(network) = network(&entry) {
                bypass.networks.push(network);
            } else {
                let (host, port) = host_and_port(&entry);
                let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
                if let Ok(address) = host.parse::<IpAddr>() {
                    bypass.addresses.push((address.to_canonical(), port));
                } else if !host.is_empty() {
                    let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
                    let domain = if host.starts_with('.') { host.to_owned() } else { format!(".{host}") };
                    bypass.domains.push((domain, !host.starts_with('.'), port));
                }
            }
        }
        bypass
    }

    fn covers(&self, url: &Url) -> bool {
        let (Some(host), port) = (url.host_str(), url.port_or_known_default()) else { return false };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_lowercase();
        let fits = |wanted: Option<u16>| wanted.is_none() || wanted == port;
        let address = host.parse::<IpAddr>().ok().map(|address| address.to_canonical());
        if self.everybody || host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
            return true;
        }
        if let Some(address) = address
            && (self.networks.iter().any(|network| contains(*network, address))
                || self.addresses.iter().any(|(one, port)| *one == address && fits(*port)))
        {
            return true;
        }
        self.domains
            .iter()
            .any(|(domain, itself, port)| (host.ends_with(domain) || (*itself && host == domain[1..])) && fits(*port))
    }
}

fn network(entry: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = entry.split_once('/')?;
    let (address, bits) = (address.parse::<IpAddr>().ok()?, bits.parse::<u8>().ok()?);
    (bits <= if address.is_ipv4() { 32 } else { 128 }).then_some((address, bits))
}

fn contains((network, bits): (IpAddr, u8), address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            u32::from(network) & mask == u32::from(address) & mask
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            u128::from(network) & mask == u128::from(address) & mask
        }
        _ => false,
    }
}

/// Splits off a port where one is unmistakable: behind the only colon, or behind a bracket.
fn host_and_port(entry: &str) -> (&str, Option<u16>) {
    match entry.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    fn proxies(no_proxy: &str) -> Proxies {
        let url = Some(Secret::new("http://proxy:3128"));
        Proxies::new(&ProxyConfig { url, no_proxy: no_proxy.to_owned(), ..ProxyConfig::default() }).unwrap().unwrap()
    }

    #[test]
    fn who_is_reached_without_the_proxy() {
        for (no_proxy, url, through) in [
            ("", "http://localhost/", true),
            ("", "https://a.example/", true),
            ("x", "http://localhost/", false),
            ("x", "http://127.1.2.3:9100/", false),
            ("x", "http://[::1]:9100/", false),
            ("x", "http://10.0.0.1/", true),
            ("*", "http://10.0.0.1/", false),
            ("a , *", "http://b/", false),
            ("10.0.0.0/8", "http://10.9.9.9/", false),
            ("10.0.0.0/8", "http://11.0.0.1/", true),
            ("0.0.0.0/0", "http://11.0.0.1/", false),
            ("fd00::/8", "http://[fd12::1]/", false),
            ("fd00::/8", "http://[fe80::1]/", true),
            ("10.0.0.1", "http://10.0.0.1:9100/", false),
            ("10.0.0.1:80", "http://10.0.0.1:9100/", true),
            ("10.0.0.1:80", "http://10.0.0.1/", false),
            ("[fd12::1]:80", "http://[fd12::1]/", false),
            ("fd12::1", "http://[fd12::1]/", false),
            ("example.com", "http://example.com/", false),
            ("example.com", "http://a.EXAMPLE.com/", false),
            ("example.com", "http://notexample.com/", true),
            (".example.com", "http://example.com/", true),
            (".example.com", "http://a.example.com/", false),
            ("*.example.com", "http://a.example.com/", false),
            ("*.example.com", "http://example.com/", true),
            ("example.com:443", "https://example.com/", false),
            ("example.com:443", "http://example.com/", true),
            (":80", "http://example.com/", true),
        ] {
            let proxies = proxies(no_proxy);
            assert_eq!(proxies.of(&url.parse().unwrap()).is_some(), through, "{no_proxy} {url}");
        }
    }

    #[test]
    fn the_environment_decides_where_it_may() {
        let variables = |name: &str| match name {
            "HTTP_PROXY" => Some("one:1".to_owned()),
            "https_proxy" => Some("https://two:2".to_owned()),
            "no_proxy" => Some("c".to_owned()),
            _ => None,
        };
        let check = |cgi: bool, url: &str, expected: Option<&str>| {
            let proxies = Proxies::from_variables(variables, cgi, HeaderMap::new()).unwrap().unwrap();
            let proxy = proxies.of(&url.parse().unwrap()).map(Url::to_string);
            assert_eq!(proxy.as_deref(), expected, "{url}");
        };
        check(false, "http://a/", Some("http://one:1/"));
        check(false, "https://a/", Some("https://two:2/"));
        check(false, "https://c/", None);
        check(false, "http://localhost/", None);
        check(true, "http://a/", None);
        assert!(Proxies::from_variables(|_| None, false, HeaderMap::new()).unwrap().is_none());
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_refused_without_its_password() {
        for (url, expected) in [
            ("ftp://u:canary@p", "cannot use the proxy: ftp is not spoken to proxies; http, https and socks5 are"),
            ("http://u:canary@", "cannot use the proxy: empty host"),
            ("http://u:canary@p:port", "cannot use the proxy: invalid port number"),
        ] {
            let config = ProxyConfig { url: Some(Secret::new(url)), ..ProxyConfig::default() };
            assert_eq!(Proxies::new(&config).unwrap_err().to_string(), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_list_is_one(list in "[-a-z0-9.*:/\\[\\], é]{0,40}") {
            let url = "http://a.example:80/".parse().unwrap();
            Bypass::parse(&list).covers(&url);
        }
    }
}
