//! One HTTP client and one trust store for all who call out; must not know who calls.
//!
//! A [`Config`] says how to talk to a server; [`build`] makes a [`Client`] of it, which asks with everything that the
//! configuration says: credentials, headers, TLS, proxies, redirects.

mod client;
mod config;
mod credentials;
mod error;
mod oauth2;
mod provider;
mod proxy;
mod redirect;
mod request;
mod secret;
mod tls;
mod trust;
mod watched;

pub use client::{Client, build, build_raw, build_unix};
pub use config::{Authorization, BasicAuth, Config, HttpHeader, OAuth2, ProxyConfig, TlsConfig, TlsVersion};
pub use error::{BuildError, RequestError, root_cause};
pub use provider::install_crypto_provider;
pub use redirect::REDIRECTS_MAX;
pub use request::RequestBuilder;
pub use secret::Secret;
