//! The TLS settings of a client: versions, our own certificate, protocols.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::{BuildError, TlsConfig, TlsVersion, trust};

/// The TLS settings. Files are read here, so that calling this again is what takes up a changed file.
pub(crate) fn client_config(tls: &TlsConfig, http2: bool) -> Result<ClientConfig, BuildError> {
    let provider = Arc::new(ring::default_provider());
    let verifier = trust::verifier(tls, &provider)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(tls)?)
        .map_err(|error| BuildError::Tls(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match own_certificate(tls)? {
        Some((chain, key)) => builder
            .with_client_auth_cert(chain, key)
            .map_err(|error| BuildError::Tls(format!("cert and key: {error}")))?,
        None => builder.with_no_client_auth(),
    };
    if http2 {
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    }
    Ok(config)
}

fn versions(tls: &TlsConfig) -> Result<Vec<&'static SupportedProtocolVersion>, BuildError> {
    let spoken = [(TlsVersion::Tls13, &rustls::version::TLS13), (TlsVersion::Tls12, &rustls::version::TLS12)];
    let wanted: Vec<_> = spoken
        .into_iter()
        .filter(|(version, _)| tls.min_version.is_none_or(|min| min <= *version))
        .filter(|(version, _)| tls.max_version.is_none_or(|max| *version <= max))
        .map(|(_, version)| version)
        .collect();
    if wanted.is_empty() {
        return Err(BuildError::Tls("max_version is older than min_version".to_owned()));
    }
    Ok(wanted)
}

type Certificate = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn own_certificate(tls: &TlsConfig) -> Result<Option<Certificate>, BuildError> {
    let cert = Pem::of("cert", "cert_file", tls.cert.as_deref(), tls.cert_file.as_ref())?;
    let key = Pem::of("key", "key_file", tls.key.as_ref().map(|key| key.expose()), tls.key_file.as_ref())?;
    match (cert, key) {
        (None, None) => Ok(None),
        (Some(cert), Some(key)) => {
            let chain = cert.certificates()?;
            // The reason must not quote the text, which is a key.
            let key_der = PrivateKeyDer::from_pem_slice(key.text.as_bytes())
                .map_err(|_error| key.unusable("it holds no private key in PEM".to_owned()))?;
            Ok(Some((chain, key_der)))
        }
        (Some(_), None) => Err(BuildError::Tls("there is a client certificate (cert) without its key".to_owned())),
        (None, Some(_)) => Err(BuildError::Tls("there is a key without its client certificate (cert)".to_owned())),
    }
}

/// A text in PEM and where it comes from.
pub(crate) struct Pem {
    key: &'static str,
    path: Option<PathBuf>,
    text: String,
}

impl Pem {
    /// The text of a setting, or of the file that stands in its place.
    pub(crate) fn of(
        key: &'static str,
        file_key: &'static str,
        inline: Option<&str>,
        file: Option<&PathBuf>,
    ) -> Result<Option<Self>, BuildError> {
        match (inline, file) {
            (Some(text), _) => Ok(Some(Self { key, path: None, text: text.to_owned() })),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path).map_err(|error| BuildError::File {
                    key: file_key,
                    path: path.clone(),
                    reason: error.to_string(),
                })?;
                Ok(Some(Self { key: file_key, path: Some(path.clone()), text }))
            }
            (None, None) => Ok(None),
        }
    }

    /// All certificates of the text, at least one.
    pub(crate) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, BuildError> {
        let certificates = CertificateDer::pem_slice_iter(self.text.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| self.unusable(error.to_string()))?;
        if certificates.is_empty() {
            return Err(self.unusable("it holds no certificate".to_owned()));
        }
        Ok(certificates)
    }

    /// The error that says so of this text.
    pub(crate) fn unusable(&self, reason: String) -> BuildError {
        match &self.path {
            Some(path) => BuildError::File { key: self.key, path: path.clone(), reason },
            None => BuildError::Tls(format!("{}: {reason}", self.key)),
        }
    }
}
