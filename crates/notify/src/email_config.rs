//! E-mail receivers as plain values; whoever reads YAML fills them.

use http_client::{Secret, TlsConfig};

/// A receiver and its ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverConfig {
    /// The name that routes use.
    pub name: String,
    /// E-mail, in the order of the file: the notification log counts them.
    pub emails: Vec<EmailConfig>,
}

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
    /// The user's password. It goes over the wire only encrypted, or to this machine itself.
    pub auth_password: Secret,
    /// Whether the connection must become encrypted by STARTTLS. Without it nothing is encrypted, as in Alertmanager: never
    /// "if the server likes", which anybody on the way could answer with no.
    pub require_tls: bool,
    /// Whether TLS begins at once; `None`: on port 465.
    pub force_implicit_tls: Option<bool>,
    /// What to believe about the server's certificate.
    pub tls: TlsConfig,
    /// A subject instead of ours.
    pub subject: Option<String>,
    /// Whether ends are told.
    ///
    /// Here Pitwall differs from Alertmanager: where a file does not say it, Alertmanager sends no mail about the end of an
    /// alert, and Pitwall does, because somebody who was woken wants to know that it is over. A file with
    /// `send_resolved: false` has Alertmanager's way.
    pub send_resolved: bool,
}
