//! What is asked for.

use crate::protocol::{Escaping, Protocol};

/// What [`crate::write_text`] writes.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The weight of the first format in tenths, one more than there are formats, as Prometheus has it.
const FIRST_WEIGHT: usize = 6;

/// The `Accept` header of a scrape's request: the formats, best first, and anything else last. Only the newer versions of
/// the texts know how names may be escaped.
pub fn accept_header(protocols: &[Protocol], escaping: Escaping) -> String {
    let mut header = String::new();
    let mut weight = FIRST_WEIGHT;
    for protocol in protocols {
        header.push_str(match protocol {
            Protocol::Protobuf => {
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
            }
            Protocol::Text004 => "text/plain;version=0.0.4",
            Protocol::Text100 => "text/plain;version=1.0.0",
            Protocol::OpenMetrics001 => "application/openmetrics-text;version=0.0.1",
            Protocol::OpenMetrics100 => "application/openmetrics-text;version=1.0.0",
        });
        if matches!(protocol, Protocol::Text100 | Protocol::OpenMetrics100) {
            header.push_str(";escaping=");
            header.push_str(escaping.as_str());
        }
        header.push_str(&format!(";q=0.{weight},"));
        weight = weight.saturating_sub(1).max(1);
    }
    header.push_str(&format!("*/*;q=0.{weight}"));
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_the_one_prometheus_sends() {
        use Protocol::{OpenMetrics001, OpenMetrics100, Protobuf, Text004, Text100};
        let check = |protocols: &[Protocol], escaping, expected: &str| {
            assert_eq!(accept_header(protocols, escaping), expected);
        };
        check(
            &[OpenMetrics100, OpenMetrics001, Text100, Text004],
            Escaping::AllowUtf8,
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        );
        check(
            &[Protobuf, Text100],
            Escaping::Underscores,
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,\
             text/plain;version=1.0.0;escaping=underscores;q=0.5,*/*;q=0.4",
        );
        check(&[], Escaping::AllowUtf8, "*/*;q=0.6");
    }

    #[test]
    fn classic_text_comes_first_unless_a_configuration_says_otherwise() {
        assert!(accept_header(&Protocol::DEFAULT, Escaping::AllowUtf8).starts_with("text/plain;version=0.0.4;q=0.6,"));
    }
}
