//! `tracing`: traces that Prometheus writes of itself.

use super::http::{TLS, is_reserved_header, one_of, required};
use crate::schema::{Group, Kind, Schema, key};
use crate::section::Section;

/// Where traces go.
pub(crate) static TRACING: Schema = Schema {
    name: "tracing",
    groups: &[&Group {
        keys: &[
            key("client_type", Kind::Text),
            key("endpoint", Kind::Text),
            key("sampling_fraction", Kind::Float),
            key("insecure", Kind::Boolean),
            key("headers", Kind::Map(&Kind::Text)),
            key("compression", Kind::Text),
            key("timeout", Kind::Duration),
            key("tls_config", Kind::Section(&TLS)),
        ],
        check: Some(check),
    }],
};

fn check(section: &mut Section<'_>) {
    required(section, &[("endpoint", "tracing endpoint must be set")]);
    one_of(section, "client_type", &["http", "grpc"], |found| {
        format!("expected tracing client type to be to be http or grpc, but got {found}")
    });
    if section.has("compression") {
        one_of(section, "compression", &["gzip"], |found| {
            format!("invalid compression type {found} provided, valid options: gzip")
        });
    }
    for (name, value) in section.get("headers").map(|headers| headers.pairs()).unwrap_or_default() {
        if name.eq_ignore_ascii_case("authorization") {
            value.error("custom authorization header configuration is not yet supported");
        } else if is_reserved_header(name) {
            value.error(format!("{name} is a reserved header. It must not be changed"));
        }
    }
}
