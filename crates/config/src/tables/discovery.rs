//! Where targets are found: the list of all discoveries, and the five that are built in.

use super::apps::{DOCKERSWARM, EUREKA, KUMA, MARATHON, NERVE, NOMAD, PUPPETDB, SERVERSET, UYUNI};
use super::clouds::{AWS, AZURE, DIGITALOCEAN, EC2, GCE, LIGHTSAIL, OCI, OPENSTACK};
use super::hosters::{HETZNER, IONOS, LINODE, OUTSCALE, OVHCLOUD, SCALEWAY, STACKIT, TRITON, VULTR};
use super::http::{HTTP, PROXY, one_of};
use super::kubernetes::KUBERNETES;
use crate::go_url;
use crate::schema::{Group, Key, Kind, Schema, key};
use crate::section::Section;

const NOT_BUILT_IN: &str = "this discovery is not built in, and its targets are not found; file_sd_configs or \
                            http_sd_configs can bring them";

/// Every discovery of Prometheus 3.14.
pub(crate) static DISCOVERIES: Group = Group {
    keys: &[
        key("file_sd_configs", Kind::Sections(&FILE, "empty or null section in file_sd_configs")),
        key("http_sd_configs", Kind::Sections(&HTTP_SD, "empty or null section in http_sd_configs")),
        key("dns_sd_configs", Kind::Sections(&DNS, "empty or null section in dns_sd_configs")),
        key("consul_sd_configs", Kind::Sections(&CONSUL, "empty or null section in consul_sd_configs")),
        key("docker_sd_configs", Kind::Sections(&DOCKER, "empty or null section in docker_sd_configs")),
        absent("aws_sd_configs", Kind::Sections(&AWS, "empty or null section in aws_sd_configs")),
        absent("azure_sd_configs", Kind::Sections(&AZURE, "empty or null section in azure_sd_configs")),
        absent(
            "digitalocean_sd_configs",
            Kind::Sections(&DIGITALOCEAN, "empty or null section in digitalocean_sd_configs"),
        ),
        absent(
            "dockerswarm_sd_configs",
            Kind::Sections(&DOCKERSWARM, "empty or null section in dockerswarm_sd_configs"),
        ),
        absent("ec2_sd_configs", Kind::Sections(&EC2, "empty or null section in ec2_sd_configs")),
        absent("eureka_sd_configs", Kind::Sections(&EUREKA, "empty or null section in eureka_sd_configs")),
        absent("gce_sd_configs", Kind::Sections(&GCE, "empty or null section in gce_sd_configs")),
        absent("hetzner_sd_configs", Kind::Sections(&HETZNER, "empty or null section in hetzner_sd_configs")),
        absent("ionos_sd_configs", Kind::Sections(&IONOS, "empty or null section in ionos_sd_configs")),
        absent("kubernetes_sd_configs", Kind::Sections(&KUBERNETES, "empty or null section in kubernetes_sd_configs")),
        absent("kuma_sd_configs", Kind::Sections(&KUMA, "empty or null section in kuma_sd_configs")),
        absent("lightsail_sd_configs", Kind::Sections(&LIGHTSAIL, "empty or null section in lightsail_sd_configs")),
        absent("linode_sd_configs", Kind::Sections(&LINODE, "empty or null section in linode_sd_configs")),
        absent("marathon_sd_configs", Kind::Sections(&MARATHON, "empty or null section in marathon_sd_configs")),
        absent("nerve_sd_configs", Kind::Sections(&NERVE, "empty or null section in nerve_sd_configs")),
        absent("nomad_sd_configs", Kind::Sections(&NOMAD, "empty or null section in nomad_sd_configs")),
        absent("oci_sd_configs", Kind::Sections(&OCI, "empty or null section in oci_sd_configs")),
        absent("openstack_sd_configs", Kind::Sections(&OPENSTACK, "empty or null section in openstack_sd_configs")),
        absent("outscale_sd_configs", Kind::Sections(&OUTSCALE, "empty or null section in outscale_sd_configs")),
        absent("ovhcloud_sd_configs", Kind::Sections(&OVHCLOUD, "empty or null section in ovhcloud_sd_configs")),
        absent("puppetdb_sd_configs", Kind::Sections(&PUPPETDB, "empty or null section in puppetdb_sd_configs")),
        absent("scaleway_sd_configs", Kind::Sections(&SCALEWAY, "empty or null section in scaleway_sd_configs")),
        absent("serverset_sd_configs", Kind::Sections(&SERVERSET, "empty or null section in serverset_sd_configs")),
        absent("stackit_sd_configs", Kind::Sections(&STACKIT, "empty or null section in stackit_sd_configs")),
        absent("triton_sd_configs", Kind::Sections(&TRITON, "empty or null section in triton_sd_configs")),
        absent("uyuni_sd_configs", Kind::Sections(&UYUNI, "empty or null section in uyuni_sd_configs")),
        absent("vultr_sd_configs", Kind::Sections(&VULTR, "empty or null section in vultr_sd_configs")),
    ],
    check: None,
};

const fn absent(name: &'static str, kind: Kind) -> Key {
    key(name, kind).inactive(NOT_BUILT_IN)
}

static FILE: Schema = Schema {
    name: "file_sd_config",
    groups: &[&Group {
        keys: &[key("files", Kind::List(&Kind::Path)), key("refresh_interval", Kind::Duration)],
        check: Some(|section| {
            if section.items("files").is_empty() {
                section.error_at("files", "file service discovery config must contain at least one path name");
            }
            for file in section.items("files") {
                if let Some(path) = file.text()
                    && !is_target_file(path)
                {
                    file.error(format!(
                        "path name {path:?} is not valid for file discovery: it must end in .json, .yml or .yaml, \
                         with a * in its last part at most"
                    ));
                }
            }
        }),
    }],
};

/// The names that Prometheus takes.
fn is_target_file(path: &str) -> bool {
    let stem = [".json", ".yml", ".yaml", ".JSON", ".YML", ".YAML"].iter().find_map(|ending| path.strip_suffix(ending));
    stem.is_some_and(|stem| stem.split_once('*').is_none_or(|(_, rest)| !rest.contains('/')))
}

static HTTP_SD: Schema = Schema {
    name: "http_sd_config",
    groups: &[
        &Group {
            keys: &[key("url", Kind::Text), key("refresh_interval", Kind::Duration)],
            check: Some(|section| http_url(section, "url")),
        },
        &HTTP,
        &PROXY,
    ],
};

static DNS: Schema = Schema {
    name: "dns_sd_config",
    groups: &[&Group {
        keys: &[
            key("names", Kind::List(&Kind::Text)),
            key("refresh_interval", Kind::Duration),
            key("type", Kind::Text),
            key("port", Kind::Integer),
        ],
        check: Some(check_dns),
    }],
};

static CONSUL: Schema = Schema {
    name: "consul_sd_config",
    groups: &[
        &Group {
            keys: &[
                key("server", Kind::Text),
                key("path_prefix", Kind::Text),
                key("token", Kind::Secret),
                key("datacenter", Kind::Text),
                key("namespace", Kind::Text),
                key("partition", Kind::Text),
                key("tag_separator", Kind::Text),
                key("scheme", Kind::Text),
                key("username", Kind::Text),
                key("password", Kind::Secret),
                key("services", Kind::List(&Kind::Text)),
                key("tags", Kind::List(&Kind::Text)),
                key("node_meta", Kind::Map(&Kind::Text)),
                key("filter", Kind::Text),
                key("health_filter", Kind::Text),
                key("allow_stale", Kind::Boolean),
                key("refresh_interval", Kind::Duration),
            ],
            check: Some(check_consul),
        },
        &HTTP,
        &PROXY,
    ],
};

static DOCKER: Schema = Schema {
    name: "docker_sd_config",
    groups: &[
        &Group {
            keys: &[
                key("host", Kind::Url),
                key("port", Kind::Integer),
                key("host_networking_host", Kind::Text),
                key("match_first_network", Kind::Boolean),
                key("filters", Kind::Sections(&FILTER, "empty or null filter")),
                key("refresh_interval", Kind::Duration),
            ],
            check: Some(|section| {
                if !section.has("host") {
                    section.error_at("host", "host missing");
                }
            }),
        },
        &HTTP,
        &PROXY,
    ],
};

/// A filter of Docker's or Amazon's API.
pub(super) static FILTER: Schema = Schema {
    name: "filter",
    groups: &[&Group { keys: &[key("name", Kind::Text), key("values", Kind::List(&Kind::Text))], check: None }],
};

/// The URL of an HTTP server has to be there, and be one.
pub(super) fn http_url(section: &mut Section<'_>, key: &'static str) {
    if !section.has(key) {
        section.error_at(key, "URL is missing");
    } else if let Some(fault) = section.text(key).and_then(|text| go_url::http_fault(&text)) {
        section.error_at(key, fault);
    }
}

fn check_dns(section: &mut Section<'_>) {
    if section.items("names").is_empty() {
        section.error_at("names", "DNS-SD config must contain at least one SRV record name");
    }
    let record = section.text("type").unwrap_or_else(|| "SRV".to_owned());
    match record.to_ascii_uppercase().as_str() {
        "SRV" => {}
        "A" | "AAAA" | "MX" | "NS" => {
            if section.get("port").and_then(|field| field.integer()).unwrap_or(0) == 0 {
                section.error_at("port", "a port is required in DNS-SD configs for all record types except SRV");
            }
        }
        _ => section.error_at("type", format!("invalid DNS-SD records type {record}; there are SRV, A, AAAA, MX, NS")),
    }
    port(section);
}

/// A port has to fit a TCP header.
pub(super) fn port(section: &mut Section<'_>) {
    if section.get("port").and_then(|field| field.integer()).is_some_and(|port| u16::try_from(port).is_err()) {
        section.error_at("port", "a port is a number from 0 to 65535");
    }
}

fn check_consul(section: &mut Section<'_>) {
    if section.present("server").is_some() && !section.has("server") {
        section.error_at("server", "consul SD configuration requires a server address");
    }
    if section.has("username") || section.has("password") {
        let at = if section.has("username") { "username" } else { "password" };
        if section.get("basic_auth").is_some() {
            section.error_at(
                at,
                "at most one of consul SD configuration username and password and basic auth can be configured",
            );
        }
    }
    if section.has("token") && ["authorization", "oauth2"].iter().any(|key| section.get(key).is_some()) {
        section.error_at("token", "at most one of consul SD token, authorization, or oauth2 can be configured");
    }
    one_of(section, "scheme", &["http", "https"], |found| format!("{found:?} is neither http nor https"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_files_have_an_ending() {
        for (path, expected) in [
            ("foo/*.slow.json", true),
            ("single/file.yml", true),
            ("*/a.json", false),
            ("a.txt", false),
            ("a*b*.YAML", true),
        ] {
            assert_eq!(is_target_file(path), expected, "{path}");
        }
    }
}
