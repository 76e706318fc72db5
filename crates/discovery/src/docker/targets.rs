//! Targets out of containers: one for each TCP port in each network.

use std::collections::BTreeMap;

use model::{Labels, LabelsBuilder};

use super::api::{Container, Endpoint, Network};
use crate::text::{host_port, label_part};
use crate::{DockerConfig, TargetGroup};

/// The one group that Prometheus makes of an engine.
pub(super) fn group(containers: &[Container], networks: &[Network], config: &DockerConfig) -> TargetGroup {
    let by_id: BTreeMap<&str, &Container> = containers.iter().map(|one| (one.id.as_str(), one)).collect();
    let networks: BTreeMap<&str, Vec<(String, String)>> =
        networks.iter().map(|network| (network.id.as_str(), network_labels(network))).collect();
    let mut targets = Vec::new();
    for container in containers {
        let Some(name) = container.names.first() else { continue };
        let mut common = LabelsBuilder::default();
        common.set("__meta_docker_container_id", &container.id);
        common.set("__meta_docker_container_name", name);
        common.set("__meta_docker_container_network_mode", &container.host_config.network_mode);
        for (name, value) in &container.labels {
            common.set(&format!("__meta_docker_container_label_{}", label_part(name)), value);
        }
        let mut endpoints = endpoints(container, &by_id);
        if config.match_first_network {
            endpoints.truncate(1);
        }
        for endpoint in endpoints {
            let mut labels = common.clone();
            labels.set("__meta_docker_network_ip", &endpoint.ip_address);
            for (name, value) in networks.get(endpoint.network_id.as_str()).into_iter().flatten() {
                labels.set(name, value);
            }
            targets.extend(of_endpoint(container, endpoint, &labels, config));
        }
    }
    TargetGroup { source: "Docker".to_owned(), targets, labels: Labels::empty() }
}

/// The networks that reach a container, in the order of their names: its own, or those of the container whose network it
/// shares.
fn endpoints<'a>(container: &'a Container, by_id: &BTreeMap<&str, &'a Container>) -> Vec<&'a Endpoint> {
    let mut owner = container;
    // More steps than containers are a circle.
    for _ in 0..by_id.len() {
        if !owner.network_settings.networks.is_empty() {
            break;
        }
        let Some(id) = owner.host_config.network_mode.strip_prefix("container:") else { break };
        let Some(next) = by_id.get(id) else { break };
        owner = next;
    }
    owner.network_settings.networks.values().flatten().collect()
}

/// A target for each TCP port, or one with the port of the configuration.
fn of_endpoint(
    container: &Container,
    endpoint: &Endpoint,
    labels: &LabelsBuilder,
    config: &DockerConfig,
) -> Vec<Labels> {
    let tcp: Vec<_> = container.ports.iter().filter(|port| port.kind == "tcp").collect();
    if tcp.is_empty() {
        let address = if container.host_config.network_mode == "host" {
            config.host_networking_host.clone()
        } else {
            host_port(&endpoint.ip_address, config.port)
        };
        return vec![labels.clone().set("__address__", &address).build()];
    }
    let target = |port: &super::api::Port| {
        let mut labels = labels.clone();
        labels.set("__address__", &host_port(&endpoint.ip_address, port.private_port));
        labels.set("__meta_docker_port_private", &port.private_port.to_string());
        if port.public_port != 0 {
            labels.set("__meta_docker_port_public", &port.public_port.to_string());
            labels.set("__meta_docker_port_public_ip", &port.ip);
        }
        labels.build()
    };
    tcp.into_iter().map(target).collect()
}

fn network_labels(network: &Network) -> Vec<(String, String)> {
    let mut labels = vec![
        ("__meta_docker_network_id".to_owned(), network.id.clone()),
        ("__meta_docker_network_name".to_owned(), network.name.clone()),
        ("__meta_docker_network_scope".to_owned(), network.scope.clone()),
        ("__meta_docker_network_internal".to_owned(), network.internal.to_string()),
        ("__meta_docker_network_ingress".to_owned(), network.ingress.to_string()),
    ];
    let own = network.labels.iter();
    labels
        .extend(own.map(|(name, value)| (format!("__meta_docker_network_label_{}", label_part(name)), value.clone())));
    labels
}
