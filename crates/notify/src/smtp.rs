//! One mail, one SMTP conversation.

use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::commands::Ehlo;
use lettre::transport::smtp::extension::ClientId;
use thiserror::Error;

use crate::render::{Rendered, one_line};
use crate::{EmailConfig, message};

/// How long a conversation may take, in milliseconds, until the server has taken the mail; lettre's own timeout does not
/// bound a server that accepts and stays silent.
const SEND_TIMEOUT_MS: u64 = 30_000;
/// How long the server may take to say goodbye, in milliseconds; nothing depends on it any more.
const QUIT_TIMEOUT_MS: u64 = 1_000;
/// The port where TLS begins at once.
const PORT_IMPLICIT_TLS: u16 = 465;

/// Why a mail was not sent.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SendError {
    /// Trying again may help: the server is away or slow, or says so itself (4xx).
    #[error("{0}")]
    Retryable(String),
    /// Trying again the same way will not help: the server refuses for good (5xx), or the configuration cannot work.
    #[error("{0}")]
    Permanent(String),
}

/// Sends a mail over a connection of its own. `Ok` says that the server has taken responsibility for it.
///
/// # Errors
/// It has not, as far as is known: a connection that breaks after the last byte leaves that open.
pub async fn send(config: &EmailConfig, mail: &Rendered) -> Result<(), SendError> {
    let (envelope, bytes) = message::compose(config, mail).map_err(SendError::Permanent)?;
    let sending = converse(config, &envelope, &bytes);
    match tokio::time::timeout(Duration::from_millis(SEND_TIMEOUT_MS), sending).await {
        Ok(Ok(mut connection)) => {
            // The mail is sent, whatever becomes of the goodbye.
            drop(tokio::time::timeout(Duration::from_millis(QUIT_TIMEOUT_MS), connection.quit()).await);
            Ok(())
        }
        Ok(Err(SendError::Retryable(text))) => Err(SendError::Retryable(harmless(&text, config))),
        Ok(Err(SendError::Permanent(text))) => Err(SendError::Permanent(harmless(&text, config))),
        Err(_elapsed) => {
            Err(SendError::Retryable(format!("{} did not finish within {SEND_TIMEOUT_MS} ms", config.smarthost)))
        }
    }
}

/// Where the mail goes first, and how.
struct Server<'a> {
    host: &'a str,
    port: u16,
    encryption: Encryption,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encryption {
    Implicit,
    StartTls,
    None,
}

impl<'a> Server<'a> {
    fn new(config: &'a EmailConfig) -> Result<Self, SendError> {
        let wrong = || SendError::Permanent(format!("smarthost: {:?} is not HOST:PORT", config.smarthost));
        let (host, port) = config.smarthost.rsplit_once(':').ok_or_else(wrong)?;
        let port: u16 = port.parse().map_err(|_not_a_number| wrong())?;
        let encryption = match config.force_implicit_tls {
            Some(true) => Encryption::Implicit,
            None if port == PORT_IMPLICIT_TLS => Encryption::Implicit,
            _ if config.require_tls => Encryption::StartTls,
            _ => Encryption::None,
        };
        Ok(Self { host: host.trim_start_matches('[').trim_end_matches(']'), port, encryption })
    }

    /// Whether nobody else can listen on the way.
    fn is_local(&self) -> bool {
        matches!(self.host, "localhost" | "127.0.0.1" | "::1")
    }
}

/// Talks until the server has taken the mail.
async fn converse(config: &EmailConfig, envelope: &Envelope, mail: &[u8]) -> Result<AsyncSmtpConnection, SendError> {
    let server = Server::new(config)?;
    let authenticates = !config.auth_username.is_empty();
    if authenticates && server.encryption == Encryption::None && !server.is_local() {
        let text = "a password is not sent over an unencrypted connection; set require_tls: true";
        return Err(SendError::Permanent(text.to_owned()));
    }
    let hello = ClientId::Domain(config.hello.clone());
    let tls = match server.encryption {
        Encryption::None => None,
        _ => Some(tls_parameters(config, server.host).await?),
    };
    let at_once = tls.clone().filter(|_| server.encryption == Encryption::Implicit);
    let address = (server.host, server.port);
    let mut connection =
        AsyncSmtpConnection::connect_tokio1(address, None, &hello, at_once, None).await.map_err(failed)?;
    if let Some(tls) = tls.filter(|_| server.encryption == Encryption::StartTls) {
        connection.starttls(tls, &hello).await.map_err(failed)?;
    }
    if authenticates {
        authenticate(&mut connection, config, hello).await?;
    }
    connection.send(envelope, mail).await.map_err(failed)?;
    Ok(connection)
}

/// Takes the first mechanism that the server lists and we know, as Alertmanager does; none, if it lists none.
async fn authenticate(
    connection: &mut AsyncSmtpConnection,
    config: &EmailConfig,
    hello: ClientId,
) -> Result<(), SendError> {
    // lettre keeps what the server offers as a set; the order is only in the answer itself.
    let answer = connection.command(Ehlo::new(hello)).await.map_err(failed)?;
    let offered = answer.message().find_map(|line| {
        let (word, rest) = line.split_at_checked(4)?;
        (word.eq_ignore_ascii_case("AUTH") && rest.starts_with([' ', '='])).then(|| rest[1..].to_ascii_uppercase())
    });
    let Some(offered) = offered else { return Ok(()) };
    let known = offered.split_ascii_whitespace().find_map(|word| match word {
        "PLAIN" => Some(Mechanism::Plain),
        "LOGIN" => Some(Mechanism::Login),
        _ => None,
    });
    let Some(mechanism) = known else {
        let text = format!("the server knows users only by {offered}; PLAIN and LOGIN are spoken here");
        return Err(SendError::Permanent(text));
    };
    let credentials = Credentials::new(config.auth_username.clone(), config.auth_password.expose().to_owned());
    connection.auth(&[mechanism], &credentials).await.map_err(failed)?;
    Ok(())
}

/// A `ca_file` replaces the system's roots, as in Prometheus; without any, such as in a bare container, there are Mozilla's.
async fn tls_parameters(config: &EmailConfig, host: &str) -> Result<TlsParameters, SendError> {
    http_client::install_crypto_provider();
    let tls = &config.tls;
    let name = tls.server_name.clone().unwrap_or_else(|| host.to_owned());
    let mut builder = TlsParameters::builder(name)
        .dangerous_accept_invalid_certs(tls.insecure_skip_verify)
        .dangerous_accept_invalid_hostnames(tls.insecure_skip_verify);
    if let Some(path) = &tls.ca_file {
        let unusable =
            |reason: String| SendError::Permanent(format!("cannot use ca_file {}: {reason}", path.display()));
        let pem = tokio::fs::read(path).await.map_err(|error| unusable(error.to_string()))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| unusable(chain(&error)))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    let built = tokio::task::spawn_blocking(move || {
        let builder = if rustls_native_certs::load_native_certs().certs.is_empty() {
            builder.certificate_store(CertificateStore::WebpkiRoots)
        } else {
            builder
        };
        builder.build_rustls()
    });
    match built.await {
        Ok(Ok(parameters)) => Ok(parameters),
        Ok(Err(error)) => Err(SendError::Permanent(chain(&error))),
        Err(error) => Err(SendError::Retryable(error.to_string())),
    }
}

fn failed(error: lettre::transport::smtp::Error) -> SendError {
    // "Client" is what we find out ourselves, such as a server that does not know STARTTLS.
    if error.is_permanent() || error.is_client() {
        SendError::Permanent(chain(&error))
    } else {
        SendError::Retryable(chain(&error))
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// A server's words go into logs and pages: one line, not too long, and without the password if it says it back.
fn harmless(text: &str, config: &EmailConfig) -> String {
    let password = config.auth_password.expose();
    one_line(&if password.is_empty() { text.to_owned() } else { text.replace(password, "<secret>") })
}
