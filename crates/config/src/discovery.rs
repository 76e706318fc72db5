//! The discoveries that are built in, as scrape configs hold them.

use std::path::{Path, PathBuf};

use discovery::{Config, ConsulConfig, DnsConfig, DnsRecord, DockerConfig, FileConfig, HttpConfig};
use http_client::{BasicAuth, Secret};

use crate::http;
use crate::section::Section;

/// Prometheus' defaults in milliseconds.
const FILE_REFRESH_MS: i64 = 300_000;
const HTTP_REFRESH_MS: i64 = 60_000;
const DNS_REFRESH_MS: i64 = 30_000;
const CONSUL_REFRESH_MS: i64 = 30_000;
const DOCKER_REFRESH_MS: i64 = 60_000;

/// Reads one discovery out of its section.
type Read = fn(&mut Section<'_>, &Path) -> Config;

/// Reads the discoveries of a job that was held against its table; relative files count from `folder`.
pub(crate) fn read(job: &mut Section<'_>, folder: &Path) -> Vec<Config> {
    let mut found = Vec::new();
    let kinds: [(&'static str, Read); 5] = [
        ("file_sd_configs", file),
        ("http_sd_configs", http),
        ("dns_sd_configs", dns),
        ("consul_sd_configs", consul),
        ("docker_sd_configs", docker),
    ];
    for (key, read) in kinds {
        let sections = job.items(key);
        found.extend(
            sections
                .iter()
                .filter(|field| !field.is_null())
                .filter_map(|field| field.section())
                .map(|mut section| read(&mut section, folder)),
        );
    }
    found
}

fn refresh_ms(section: &mut Section<'_>, default_ms: i64) -> i64 {
    section.positive_ms("refresh_interval").unwrap_or(default_ms)
}

/// A port; one that is out of range was found fault with before.
fn port(section: &mut Section<'_>, default: u16) -> u16 {
    section.get("port").and_then(|field| field.integer()).and_then(|port| port.try_into().ok()).unwrap_or(default)
}

fn file(section: &mut Section<'_>, folder: &Path) -> Config {
    Config::File(FileConfig {
        files: section.texts("files").into_iter().map(|file| folder.join(file)).collect::<Vec<PathBuf>>(),
        refresh_interval_ms: refresh_ms(section, FILE_REFRESH_MS),
    })
}

fn http(section: &mut Section<'_>, folder: &Path) -> Config {
    Config::Http(Box::new(HttpConfig {
        url: section.text("url").unwrap_or_default(),
        refresh_interval_ms: refresh_ms(section, HTTP_REFRESH_MS),
        http: http::read(section, folder),
    }))
}

fn dns(section: &mut Section<'_>, _folder: &Path) -> Config {
    let record = section.text("type").unwrap_or_default().to_ascii_uppercase();
    Config::Dns(DnsConfig {
        names: section.texts("names"),
        refresh_interval_ms: refresh_ms(section, DNS_REFRESH_MS),
        record: match record.as_str() {
            "A" => DnsRecord::A,
            "AAAA" => DnsRecord::Aaaa,
            "MX" => DnsRecord::Mx,
            "NS" => DnsRecord::Ns,
            _ => DnsRecord::Srv,
        },
        port: port(section, 0),
    })
}

fn consul(section: &mut Section<'_>, folder: &Path) -> Config {
    let mut client = http::read(section, folder);
    // The keys from before `basic_auth`.
    let (username, password) = (section.text("username"), section.text("password"));
    if username.is_some() || password.is_some() {
        client.basic_auth = Some(BasicAuth {
            username: username.unwrap_or_default(),
            password: Secret::new(password.unwrap_or_default()),
            ..BasicAuth::default()
        });
    }
    let mut text = |key, default: &str| section.text(key).unwrap_or_else(|| default.to_owned());
    let server = text("server", "localhost:8500");
    let path_prefix = text("path_prefix", "");
    let token = Secret::new(text("token", ""));
    let datacenter = text("datacenter", "");
    let namespace = text("namespace", "");
    let partition = text("partition", "");
    let scheme = text("scheme", "http");
    let filter = text("filter", "");
    let health_filter = text("health_filter", "");
    let tag_separator = text("tag_separator", ",");
    Config::Consul(Box::new(ConsulConfig {
        server,
        path_prefix,
        token,
        datacenter,
        namespace,
        partition,
        scheme,
        filter,
        health_filter,
        tag_separator,
        services: section.texts("services"),
        tags: section.texts("tags"),
        node_meta: section.get("node_meta").map(|meta| meta.text_pairs()).unwrap_or_default(),
        allow_stale: section.boolean("allow_stale").unwrap_or(true),
        refresh_interval_ms: refresh_ms(section, CONSUL_REFRESH_MS),
        http: client,
    }))
}

fn docker(section: &mut Section<'_>, folder: &Path) -> Config {
    let filters = section.items("filters");
    Config::Docker(Box::new(DockerConfig {
        host: section.text("host").unwrap_or_default(),
        port: port(section, 80),
        host_networking_host: section.text("host_networking_host").unwrap_or_else(|| "localhost".to_owned()),
        filters: filters
            .iter()
            .filter(|filter| !filter.is_null())
            .filter_map(|filter| filter.section())
            .map(|mut filter| (filter.text("name").unwrap_or_default(), filter.texts("values")))
            .collect(),
        match_first_network: section.boolean("match_first_network").unwrap_or(true),
        refresh_interval_ms: refresh_ms(section, DOCKER_REFRESH_MS),
        http: http::read(section, folder),
    }))
}
