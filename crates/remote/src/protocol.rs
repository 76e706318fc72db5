//! Which version of remote write a request is in, as its headers say.

use thiserror::Error;

/// A version of remote write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// 1.0: `prometheus.WriteRequest`.
    V1,
    /// 2.0: `io.prometheus.write.v2.Request`.
    V2,
}

/// Why the headers do not fit; the texts are those of Prometheus' receiver. HTTP status 415.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Unsupported {
    /// It is no protobuf.
    #[error("expected application/x-protobuf as the first (media) part, got {0} content-type")]
    Media(String),
    /// A parameter is none.
    #[error(
        "as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters to be key-values, got {parameter} in \
         {content_type} content-type"
    )]
    Parameter {
        /// What stands there.
        parameter: String,
        /// The whole.
        content_type: String,
    },
    /// Another message.
    #[error(
        "got {content_type} content type; unknown type for remote write protobuf message {message}, supported: \
         prometheus.WriteRequest, io.prometheus.write.v2.Request"
    )]
    Message {
        /// The message.
        message: String,
        /// The whole.
        content_type: String,
    },
    /// Another compression.
    #[error("{0} encoding (compression) is not accepted by this server; only snappy is acceptable")]
    Encoding(String),
}

impl Protocol {
    /// From the headers `Content-Type` and `Content-Encoding`, empty where they are missing: old senders leave them out.
    ///
    /// # Errors
    /// They ask for something else.
    pub fn negotiate(content_type: &str, content_encoding: &str) -> Result<Self, Unsupported> {
        if !content_encoding.is_empty() && !content_encoding.eq_ignore_ascii_case("snappy") {
            return Err(Unsupported::Encoding(content_encoding.to_owned()));
        }
        let content_type = content_type.trim();
        if content_type.is_empty() {
            return Ok(Self::V1);
        }
        let whole = || content_type.to_owned();
        let mut parts = content_type.split(';').map(str::trim);
        if parts.next() != Some("application/x-protobuf") {
            return Err(Unsupported::Media(whole()));
        }
        for parameter in parts {
            match parameter.split_once('=') {
                Some(("proto", "prometheus.WriteRequest")) => return Ok(Self::V1),
                Some(("proto", "io.prometheus.write.v2.Request")) => return Ok(Self::V2),
                Some(("proto", message)) => {
                    return Err(Unsupported::Message { message: message.to_owned(), content_type: whole() });
                }
                Some((_, value)) if !value.contains('=') => {}
                _ => return Err(Unsupported::Parameter { parameter: parameter.to_owned(), content_type: whole() }),
            }
        }
        Ok(Self::V1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_choose_the_version() {
        let check = |content_type, encoding, expected: Result<Protocol, &str>| match (
            Protocol::negotiate(content_type, encoding),
            expected,
        ) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{content_type}"),
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
            (found, _) => panic!("{content_type} {encoding}: {found:?}"),
        };
        check("", "", Ok(Protocol::V1));
        check("application/x-protobuf", "Snappy", Ok(Protocol::V1));
        check("application/x-protobuf; proto=prometheus.WriteRequest", "snappy", Ok(Protocol::V1));
        check("application/x-protobuf;proto=io.prometheus.write.v2.Request", "snappy", Ok(Protocol::V2));
        check("application/x-protobuf;charset=x", "snappy", Ok(Protocol::V1));
        check("application/x-protobuf;proto=a.B", "snappy", Err("unknown type for remote write protobuf message a.B"));
        check("application/x-protobuf;proto", "", Err("got proto in"));
        check("application/json", "", Err("got application/json content-type"));
        check("application/x-protobuf", "zstd", Err("zstd encoding"));
    }
}
