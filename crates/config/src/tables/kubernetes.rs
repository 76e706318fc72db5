//! Kubernetes, which is not built in.

use super::http::{HTTP, PROXY, one_of};
use crate::schema::{Group, Kind, Schema, key};
use crate::section::Section;

/// `kubernetes_sd_configs`
pub(super) static KUBERNETES: Schema = Schema {
    name: "kubernetes_sd_config",
    groups: &[
        &Group {
            keys: &[
                key("api_server", Kind::Url),
                key("role", Kind::Text),
                key("kubeconfig_file", Kind::Path),
                key("namespaces", Kind::Section(&NAMESPACES)),
                key("selectors", Kind::Sections(&SELECTOR, "empty or null selector")),
                key("attach_metadata", Kind::Section(&ATTACH)),
            ],
            check: Some(check),
        },
        &HTTP,
        &PROXY,
    ],
};

static NAMESPACES: Schema = Schema {
    name: "namespaces",
    groups: &[&Group {
        keys: &[key("own_namespace", Kind::Boolean), key("names", Kind::List(&Kind::Text))],
        check: None,
    }],
};

static SELECTOR: Schema = Schema {
    name: "selectors",
    groups: &[&Group {
        keys: &[key("role", Kind::Text), key("label", Kind::Text), key("field", Kind::Text)],
        check: Some(|section| {
            role(section);
            if let Some(field) = section.get("field")
                && let Some(fault) = field.text().and_then(fault_of_field_selector)
            {
                field.error(fault);
            }
        }),
    }],
};

static ATTACH: Schema = Schema {
    name: "attach_metadata",
    groups: &[&Group {
        keys: &[
            key("node", Kind::Boolean),
            key("namespace", Kind::Boolean),
            key("deployment", Kind::Boolean),
            key("job", Kind::Boolean),
            key("cronjob", Kind::Boolean),
        ],
        check: None,
    }],
};

/// What can be selected, by the role of the discovery.
const SELECTABLE: [(&str, &[&str]); 6] = [
    ("pod", &["pod", "node"]),
    ("service", &["service"]),
    ("endpoints", &["pod", "service", "endpoints"]),
    ("endpointslice", &["pod", "service", "endpointslice"]),
    ("node", &["node"]),
    ("ingress", &["ingress"]),
];

fn role(section: &mut Section<'_>) {
    let roles = SELECTABLE.map(|(role, _)| role);
    one_of(section, "role", &roles, |found| format!("unknown Kubernetes SD role {found:?}"));
}

fn check(section: &mut Section<'_>) {
    if !section.has("role") {
        section.error_at("role", "role missing (one of: pod, service, endpoints, endpointslice, node, ingress)");
    }
    role(section);
    check_server(section);
    let own_role = section.text("role").unwrap_or_default();
    let Some((_, allowed)) = SELECTABLE.iter().find(|(role, _)| *role == own_role) else { return };
    let mut seen: Vec<String> = Vec::new();
    for item in section.items("selectors") {
        let Some(role) = item.section().and_then(|mut selector| selector.text("role")) else { continue };
        if seen.contains(&role) {
            item.error(format!("duplicated selector role: {role}"));
        } else if !allowed.contains(&role.as_str()) {
            item.error(format!("{own_role} role supports only {} selectors", allowed.join(", ")));
        }
        seen.push(role);
    }
}

/// How the API server is reached: as written here, by a file, or from inside.
fn check_server(section: &mut Section<'_>) {
    let [server, file] = ["api_server", "kubeconfig_file"].map(|key| section.has(key));
    let own_namespace = section
        .subsection("namespaces")
        .and_then(|mut namespaces| namespaces.boolean("own_namespace"))
        .unwrap_or(false);
    let defaults = ["follow_redirects", "enable_http2"].map(|key| section.boolean(key).unwrap_or(true));
    let custom = defaults.contains(&false)
        || HTTP.keys.iter().chain(PROXY.keys).any(|row| {
            !matches!(row.name, "follow_redirects" | "enable_http2" | "proxy_from_environment") && section.has(row.name)
        });
    for (wrong, at, message) in [
        (server && file, "kubeconfig_file", "cannot use 'kubeconfig_file' and 'api_server' simultaneously"),
        (
            file && custom,
            "kubeconfig_file",
            "cannot use a custom HTTP client configuration together with 'kubeconfig_file'",
        ),
        (
            !server && !file && custom,
            "api_server",
            "to use custom HTTP client configuration please provide the 'api_server' URL explicitly",
        ),
        (
            server && own_namespace,
            "namespaces",
            "cannot use 'api_server' and 'namespaces.own_namespace' simultaneously",
        ),
        (
            file && own_namespace,
            "namespaces",
            "cannot use 'kubeconfig_file' and 'namespaces.own_namespace' simultaneously",
        ),
    ] {
        if wrong {
            section.error_at(at, message);
        }
    }
}

/// A field selector is a list of NAME=VALUE, NAME==VALUE or NAME!=VALUE.
fn fault_of_field_selector(text: &str) -> Option<String> {
    let wrong = text.split(',').find(|part| !part.is_empty() && !part.contains('='))?;
    Some(format!("invalid selector: '{text}'; can't understand '{wrong}'"))
}
