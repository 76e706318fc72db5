//! The cryptography that TLS uses in the whole process.

/// Makes ring the process's TLS provider. May be called any number of times, by `main` and by tests.
pub fn install_crypto_provider() {
    // An error says that a provider is installed already, which is what the caller wants.
    drop(rustls::crypto::ring::default_provider().install_default());
}
