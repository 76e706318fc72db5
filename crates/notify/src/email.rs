//! Mail over SMTP.

use std::time::Duration;

use http_client::{Secret, TlsConfig};
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use thiserror::Error;

use crate::render::Rendered;

/// How long a whole conversation may take, in milliseconds; lettre itself only bounds single replies.
const SEND_TIMEOUT_MS: u64 = 30_000;
/// How long one reply may take, in milliseconds.
const REPLY_TIMEOUT_MS: u64 = 20_000;
/// The port where TLS begins at once.
const PORT_IMPLICIT_TLS: u16 = 465;

/// An e-mail receiver, with what the global section gives it already in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailConfig {
    /// To whom; several separated by commas.
    pub to: String,
    /// From whom.
    pub from: String,
    /// `HOST:PORT`
    pub smarthost: String,
    /// How we introduce ourselves.
    pub hello: String,
    /// The user, empty for none.
    pub auth_username: String,
    /// The user's password.
    pub auth_password: Secret,
    /// Whether the connection must become encrypted by STARTTLS. Without it nothing is encrypted, as in Alertmanager: never
    /// "if the server likes".
    pub require_tls: bool,
    /// Whether TLS begins at once; `None`: on port 465.
    pub force_implicit_tls: Option<bool>,
    /// What to believe about the server's certificate.
    pub tls: TlsConfig,
    /// A subject instead of ours.
    pub subject: Option<String>,
    /// Whether ends are told. Pitwall's default is true; Alertmanager's, for mail, is false. A file that says it decides.
    pub send_resolved: bool,
}

/// Why a mail was not sent.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SendError {
    /// Trying again may help.
    #[error("{0}")]
    Retryable(String),
    /// Trying again will not help.
    #[error("{0}")]
    Permanent(String),
}

/// Sends a mail over a connection of its own.
pub(crate) async fn send(config: &EmailConfig, mail: &Rendered) -> Result<(), SendError> {
    let message = message(config, mail).map_err(SendError::Permanent)?;
    let transport = transport(config).map_err(SendError::Permanent)?;
    let sent = tokio::time::timeout(Duration::from_millis(SEND_TIMEOUT_MS), transport.send(message)).await;
    match sent {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) if error.is_permanent() => Err(SendError::Permanent(chain(&error))),
        Ok(Err(error)) => Err(SendError::Retryable(chain(&error))),
        Err(_) => Err(SendError::Retryable(format!("{} did not finish within {SEND_TIMEOUT_MS} ms", config.smarthost))),
    }
}

fn transport(config: &EmailConfig) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let (host, port) =
        config.smarthost.rsplit_once(':').ok_or_else(|| format!("{:?} has no port", config.smarthost))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port: u16 = port.parse().map_err(|_cause| format!("{port:?} is not a port"))?;
    let implicit = config.force_implicit_tls.unwrap_or(port == PORT_IMPLICIT_TLS);
    let tls = if implicit {
        Tls::Wrapper(tls_parameters(config, host)?)
    } else if config.require_tls {
        Tls::Required(tls_parameters(config, host)?)
    } else {
        Tls::None
    };
    let local = matches!(host, "localhost" | "127.0.0.1" | "::1");
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(port)
        .hello_name(ClientId::Domain(config.hello.clone()))
        .timeout(Some(Duration::from_millis(REPLY_TIMEOUT_MS)));
    if !config.auth_username.is_empty() {
        if matches!(tls, Tls::None) && !local {
            return Err("a password is not sent over an unencrypted connection; set require_tls: true".to_owned());
        }
        let credentials = Credentials::new(config.auth_username.clone(), config.auth_password.expose().to_owned());
        builder = builder.credentials(credentials).authentication(vec![Mechanism::Plain, Mechanism::Login]);
    }
    Ok(builder.tls(tls).build())
}

fn tls_parameters(config: &EmailConfig, host: &str) -> Result<TlsParameters, String> {
    http_client::install_crypto_provider();
    let name = config.tls.server_name.clone().unwrap_or_else(|| host.to_owned());
    let mut builder = TlsParameters::builder(name).dangerous_accept_invalid_certs(config.tls.insecure_skip_verify);
    if let Some(path) = &config.tls.ca_file {
        let pem = std::fs::read(path).map_err(|error| format!("cannot read ca_file {}: {error}", path.display()))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| format!("{}: {error}", path.display()))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|error| chain(&error))
}

/// The mail with its headers. Every header is typed: what comes from labels can only be text.
fn message(config: &EmailConfig, mail: &Rendered) -> Result<Message, String> {
    let address =
        |text: &str| text.trim().parse::<Mailbox>().map_err(|error| format!("{text:?} is not an address: {error}"));
    let mut builder = Message::builder()
        .from(address(&config.from)?)
        .subject(config.subject.clone().unwrap_or_else(|| mail.subject.clone()))
        .message_id(Some(mail.message_id.clone()))
        .date(std::time::UNIX_EPOCH + Duration::from_millis(u64::try_from(mail.at.as_ms()).unwrap_or(0)));
    for to in config.to.split(',').filter(|to| !to.trim().is_empty()) {
        builder = builder.to(address(to)?);
    }
    let text = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(mail.text.clone());
    let html = SinglePart::builder().header(ContentType::TEXT_HTML).body(mail.html.clone());
    builder.multipart(MultiPart::alternative().singlepart(text).singlepart(html)).map_err(|error| error.to_string())
}

/// An error with its causes; lettre's errors name the reply, never the password.
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
