//! Targets out of the instances of a service.

use model::{Labels, LabelsBuilder};

use super::api::{Check, Entry};
use crate::TargetGroup;
use crate::text::label_part;

/// The group of a service.
pub(super) fn group(service: &str, datacenter: &str, entries: &[Entry], tag_separator: &str) -> TargetGroup {
    TargetGroup {
        source: service.to_owned(),
        targets: entries.iter().map(|entry| target(entry, tag_separator)).collect(),
        labels: Labels::from_pairs([("__meta_consul_service", service), ("__meta_consul_dc", datacenter)]),
    }
}

fn target(Entry { node, service, checks }: &Entry, separator: &str) -> Labels {
    // A service that is registered by a node of another machine has its own address.
    let host = if service.address.is_empty() { &node.address } else { &service.address };
    let port = service.port.to_string();
    let address = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let mut labels = LabelsBuilder::default();
    labels.set("__address__", &address);
    labels.set("__meta_consul_address", &node.address);
    labels.set("__meta_consul_node", &node.node);
    labels.set("__meta_consul_namespace", &service.namespace);
    labels.set("__meta_consul_partition", &service.partition);
    // The separator stands at both ends too, so that a rule can look for `,tag,` wherever the tag stands.
    labels.set("__meta_consul_tags", &format!("{separator}{}{separator}", service.tags.join(separator)));
    labels.set("__meta_consul_service_address", &service.address);
    labels.set("__meta_consul_service_port", &port);
    labels.set("__meta_consul_service_id", &service.id);
    labels.set("__meta_consul_health", health(checks));
    for (prefix, values) in [
        ("__meta_consul_metadata_", &node.meta),
        ("__meta_consul_service_metadata_", &service.meta),
        ("__meta_consul_tagged_address_", &node.tagged_addresses),
    ] {
        for (name, value) in values {
            labels.set(&format!("{prefix}{}", label_part(name)), value);
        }
    }
    labels.build()
}

/// The worst of the checks; maintenance is worse than all. Without checks an instance passes.
fn health(checks: &[Check]) -> &'static str {
    let is_maintenance =
        |check: &Check| check.check_id == "_node_maintenance" || check.check_id.starts_with("_service_maintenance:");
    if checks.iter().any(is_maintenance) {
        return "maintenance";
    }
    let any = |status: &str| checks.iter().any(|check| check.status == status);
    ["critical", "warning"].into_iter().find(|status| any(status)).unwrap_or("passing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_check_counts() {
        for (checks, expected) in [
            (&[][..], "passing"),
            (&[("a", "passing")], "passing"),
            (&[("a", "passing"), ("b", "warning")], "warning"),
            (&[("a", "warning"), ("b", "critical")], "critical"),
            (&[("a", "critical"), ("_node_maintenance", "critical")], "maintenance"),
            (&[("_service_maintenance:web", "critical")], "maintenance"),
        ] {
            let checks: Vec<Check> = checks
                .iter()
                .map(|(id, status)| Check { check_id: (*id).to_owned(), status: (*status).to_owned() })
                .collect();
            assert_eq!(health(&checks), expected);
        }
    }
}
