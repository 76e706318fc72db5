//! OTLP's requests over HTTP: how their bodies are written.

use std::borrow::Cow;
use std::sync::Arc;

use model::Timestamp;

use super::{OtlpConfig, json};
use crate::compression::gzip;
use crate::error::{DecodeError, WriteError};
use crate::writer::Scratch;
use crate::{Writer, Written};

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtlpFormat {
    /// `application/x-protobuf`
    Protobuf,
    /// `application/json`
    Json,
}

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtlpEncoding {
    /// Not at all.
    Identity,
    /// With gzip.
    Gzip,
}

impl Writer {
    /// How OTLP's metrics become series from now on.
    pub fn set_otlp(&self, config: OtlpConfig) {
        *self.otlp.write() = Arc::new(config);
    }

    /// Stores an `ExportMetricsServiceRequest`. May block for as long as the store takes.
    ///
    /// # Errors
    /// It is damaged, was refused in part, or the store failed.
    pub fn write_otlp(
        &self,
        format: OtlpFormat,
        encoding: OtlpEncoding,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Written, WriteError> {
        let config = Arc::clone(&self.otlp.read());
        self.with_scratch(|Scratch { message, batches }| {
            let message = match encoding {
                OtlpEncoding::Identity => body,
                OtlpEncoding::Gzip => gzip(body, message)?,
            };
            let message = match format {
                OtlpFormat::Protobuf => Cow::Borrowed(message),
                OtlpFormat::Json => Cow::Owned(json::to_protobuf(message).map_err(DecodeError::Json)?),
            };
            self.transact(batches, now, |request| super::read(&message, &config, request))
        })
    }
}
