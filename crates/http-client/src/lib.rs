//! One HTTP client and one trust store for all who call out; must not know who calls.

mod config;
mod provider;
mod secret;
mod trust;

pub use config::{
    AuthError, Authorization, BasicAuth, BuildError, Config, HttpHeader, OAuth2, ProxyConfig, REDIRECTS_MAX, TlsConfig,
    TlsVersion, build,
};
pub use provider::install_crypto_provider;
pub use secret::Secret;
