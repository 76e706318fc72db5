//! Real conversations with a mail server on this machine.

use std::io::Write as _;

use http_client::{Secret, TlsConfig};
use model::Timestamp;
use notify::{EmailConfig, Rendered, SendError, send};
use test_support::{Behaviour, Encryption, SmtpServer};

const USER: (&str, &str) = ("user@example.com", "pass word ü");
/// What a listener would have to look for: the password, and its forms in AUTH PLAIN and AUTH LOGIN.
const PASSWORD_FORMS: [&str; 3] = ["pass word", "cGFzcyB3b3JkIMO8", "AHVzZXJAZXhhbXBsZS5jb20AcGFzcyB3b3JkIMO8"];

fn mail() -> Rendered {
    Rendered {
        subject: "[FIRING:1] Hot (0 critical)".to_owned(),
        text: "hot\n.\n.two dots\n".to_owned(),
        html: "<p>hot</p>".to_owned(),
        message_id: "<1.1@pitwall>".to_owned(),
        at: Timestamp::from_ms(1_795_520_000_000),
    }
}

struct Trust(tempfile::NamedTempFile);

impl Trust {
    fn of(server: &SmtpServer) -> Self {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(server.certificate_pem().as_bytes()).expect("written");
        Self(file)
    }
}

fn config(server: &SmtpServer, trust: &Trust) -> EmailConfig {
    EmailConfig {
        to: "a@example.com, B <b@example.com>".to_owned(),
        from: "Pitwall <p@example.com>".to_owned(),
        smarthost: server.smarthost(),
        hello: "box.example.com".to_owned(),
        auth_username: USER.0.to_owned(),
        auth_password: Secret::new(USER.1),
        require_tls: true,
        force_implicit_tls: None,
        tls: TlsConfig { ca_file: Some(trust.0.path().to_owned()), ..TlsConfig::default() },
        subject: None,
        send_resolved: true,
    }
}

/// The server, what became of the mail, and who said what: `*` stands before what was encrypted, secrets are cut.
async fn converse(
    behaviour: Behaviour,
    change: impl FnOnce(&mut EmailConfig),
) -> (SmtpServer, Result<(), SendError>, Vec<String>) {
    let server = SmtpServer::start(Behaviour { user: Some(USER), ..behaviour }).await;
    let trust = Trust::of(&server);
    let mut config = config(&server, &trust);
    change(&mut config);
    let sent = send(&config, &mail()).await;
    let words = server.conversation().into_iter().map(|word| {
        let star = if word.encrypted { "*" } else { "" };
        format!("{star}{}", word.line.split_inclusive(' ').take(2).collect::<String>().trim_end())
    });
    let words = words.collect();
    (server, sent, words)
}

fn nothing_secret_in_clear(server: &SmtpServer) {
    for word in server.conversation().iter().filter(|word| !word.encrypted) {
        assert!(!PASSWORD_FORMS.iter().any(|form| word.line.contains(form)), "{word:?}");
    }
}

#[tokio::test]
async fn starttls_and_plain() {
    let (server, sent, words) = converse(Behaviour::default(), |_| ()).await;
    assert_eq!(sent, Ok(()));
    let expected = [
        "EHLO box.example.com",
        "STARTTLS",
        "*EHLO box.example.com",
        "*EHLO box.example.com",
        "*AUTH PLAIN",
        "*MAIL FROM:<p@example.com>",
        "*RCPT TO:<a@example.com>",
        "*RCPT TO:<b@example.com>",
        "*DATA",
        "*QUIT",
    ];
    assert_eq!(words, expected);
    nothing_secret_in_clear(&server);
    assert!(server.words().iter().any(|line| line.contains(PASSWORD_FORMS[2])), "the forms are what is really said");
    let mail = &server.mails()[0];
    for line in [
        "From: Pitwall <p@example.com>",
        "To: a@example.com, B <b@example.com>",
        "Subject: [FIRING:1] Hot (0 critical)",
        "Message-ID: <1.1@pitwall>",
        "Date: Tue, 24 Nov 2026 11:33:20 +0000",
        "Auto-Submitted: auto-generated",
        ".two dots",
        "<p>hot</p>",
    ] {
        assert!(mail.lines().any(|got| got == line), "{line:?} is not in\n{mail}");
    }
}

#[tokio::test]
async fn the_server_s_first_mechanism_is_taken() {
    let behaviour = Behaviour { mechanisms: &["CRAM-MD5", "LOGIN", "PLAIN"], ..Behaviour::default() };
    let (server, sent, words) = converse(behaviour, |_| ()).await;
    assert_eq!(sent, Ok(()));
    assert!(words.contains(&"*AUTH LOGIN".to_owned()), "{words:?}");
    assert_eq!(server.mails().len(), 1);
    let behaviour = Behaviour { mechanisms: &["CRAM-MD5"], ..Behaviour::default() };
    let (_, sent, _) = converse(behaviour, |_| ()).await;
    let text = "the server knows users only by CRAM-MD5; PLAIN and LOGIN are spoken here";
    assert_eq!(sent, Err(SendError::Permanent(text.to_owned())));
    // Who knows no users is not told of one, as in Alertmanager.
    let (server, sent, words) = converse(Behaviour { mechanisms: &[], ..Behaviour::default() }, |_| ()).await;
    assert_eq!((sent, server.mails().len()), (Ok(()), 1));
    assert!(!words.iter().any(|word| word.contains("AUTH")), "{words:?}");
}

#[tokio::test]
async fn tls_from_the_first_byte_on() {
    let behaviour = Behaviour { encryption: Encryption::Implicit, ..Behaviour::default() };
    let (server, sent, words) = converse(behaviour, |config| config.force_implicit_tls = Some(true)).await;
    assert_eq!((sent, server.mails().len()), (Ok(()), 1));
    assert!(words.iter().all(|word| word.starts_with('*')) && !words.contains(&"*STARTTLS".to_owned()), "{words:?}");
}

#[tokio::test]
async fn without_encryption_only_to_this_machine() {
    let plain = || Behaviour { encryption: Encryption::None, ..Behaviour::default() };
    let (server, sent, words) = converse(plain(), |config| config.require_tls = false).await;
    assert_eq!((sent, server.mails().len()), (Ok(()), 1));
    assert_eq!(words[0], "EHLO box.example.com");
    // Not even if the server offers it: that would only look safe.
    let (server, sent, words) = converse(Behaviour::default(), |config| {
        config.require_tls = false;
        config.auth_username.clear();
    })
    .await;
    assert_eq!((sent, server.mails().len()), (Ok(()), 1));
    assert!(!words.contains(&"STARTTLS".to_owned()), "{words:?}");
    let (server, sent, words) = converse(plain(), |config| {
        config.require_tls = false;
        config.smarthost = config.smarthost.replace("localhost", "127.0.0.2");
    })
    .await;
    let text = "a password is not sent over an unencrypted connection; set require_tls: true";
    assert_eq!(sent, Err(SendError::Permanent(text.to_owned())));
    assert_eq!((words, server.mails().len()), (Vec::new(), 0));
}

#[tokio::test]
async fn a_server_without_starttls_gets_no_password() {
    let (server, sent, words) =
        converse(Behaviour { encryption: Encryption::None, ..Behaviour::default() }, |_| ()).await;
    assert!(matches!(&sent, Err(SendError::Permanent(text)) if text.contains("STARTTLS")), "{sent:?}");
    assert_eq!(words, ["EHLO box.example.com"]);
    nothing_secret_in_clear(&server);
    let refusing = Behaviour { script: vec![("STARTTLS", "454 not now")], ..Behaviour::default() };
    let (server, sent, words) = converse(refusing, |_| ()).await;
    assert!(matches!(&sent, Err(SendError::Retryable(text)) if text.contains("454")), "{sent:?}");
    assert!(!words.iter().any(|word| word.contains("AUTH")), "{words:?}");
    nothing_secret_in_clear(&server);
}

#[tokio::test]
async fn a_wrong_certificate_gets_no_password() {
    for (what, change) in [
        ("not trusted", (|config| config.tls.ca_file = None) as fn(&mut EmailConfig)),
        ("for another name", |config| config.tls.server_name = Some("example.com".to_owned())),
    ] {
        let (server, sent, words) = converse(Behaviour::default(), change).await;
        assert!(matches!(&sent, Err(SendError::Retryable(text)) if text.contains("ertificate")), "{what}: {sent:?}");
        assert_eq!(words, ["EHLO box.example.com", "STARTTLS"], "{what}");
        nothing_secret_in_clear(&server);
    }
    let (server, sent, _) = converse(Behaviour::default(), |config| {
        config.tls = TlsConfig { insecure_skip_verify: true, ..TlsConfig::default() };
    })
    .await;
    assert_eq!((sent, server.mails().len()), (Ok(()), 1));
    let (_, sent, _) =
        converse(Behaviour::default(), |config| config.tls.ca_file = Some("/nowhere/ca.pem".into())).await;
    assert!(matches!(&sent, Err(SendError::Permanent(text)) if text.contains("/nowhere/ca.pem")), "{sent:?}");
}

#[tokio::test]
async fn replies_say_whether_to_try_again() {
    let check = async |word: &'static str, reply: &'static str, retryable: bool| {
        let (server, sent, _) =
            converse(Behaviour { script: vec![(word, reply)], ..Behaviour::default() }, |_| ()).await;
        let (again, text) = match sent.expect_err(reply) {
            SendError::Retryable(text) => (true, text),
            SendError::Permanent(text) => (false, text),
        };
        assert_eq!(again, retryable, "{word} {reply}: {text}");
        assert!(text.contains(&reply[..3]) && !text.contains(char::is_control), "{text:?}");
        assert!(!text.contains(USER.1), "{text}");
        assert_eq!(server.mails().len(), 0);
    };
    check("CONNECT", "421 too busy", true).await;
    check("CONNECT", "554 go away", false).await;
    check("AUTH", "454 later", true).await;
    check("AUTH", "535 pass word ü is wrong\u{1b}", false).await;
    check("MAIL", "451 later", true).await;
    check("RCPT", "550 nobody here", false).await;
    check("DATA", "451 full", true).await;
    check(".", "554 spam", false).await;
    check(".", "452 full", true).await;
}

#[tokio::test]
async fn a_wrong_password() {
    let (_, sent, _) = converse(Behaviour::default(), |config| config.auth_password = Secret::new("other")).await;
    assert!(matches!(&sent, Err(SendError::Permanent(text)) if text.contains("535")), "{sent:?}");
}

#[tokio::test]
async fn nobody_listens() {
    let (_, sent, _) = converse(Behaviour::default(), |config| config.smarthost = "127.0.0.1:1".to_owned()).await;
    assert!(matches!(&sent, Err(SendError::Retryable(_))), "{sent:?}");
    let (_, sent, _) = converse(Behaviour::default(), |config| config.smarthost = "localhost".to_owned()).await;
    assert!(matches!(&sent, Err(SendError::Permanent(_))), "{sent:?}");
}

/// Silence at `word`: time is moved once the server stands still.
async fn silent_at(word: &'static str) -> (Result<(), SendError>, usize) {
    let behaviour = Behaviour { script: vec![(word, "")], ..Behaviour::default() };
    let server = SmtpServer::start(Behaviour { user: Some(USER), ..behaviour }).await;
    let trust = Trust::of(&server);
    let config = config(&server, &trust);
    let sending = tokio::spawn(async move { send(&config, &mail()).await });
    for _ in 0..200 {
        let heard = server.words();
        if word == "CONNECT"
            || heard.iter().any(|line| line.starts_with(word))
            || (word == "." && heard.contains(&"DATA".to_owned()))
        {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(31)).await;
    let sent = sending.await.expect("no panic");
    tokio::time::resume();
    (sent, server.mails().len())
}

#[tokio::test]
async fn silence_ends() {
    for word in ["CONNECT", "EHLO", "MAIL", "."] {
        let (sent, mails) = silent_at(word).await;
        assert!(matches!(&sent, Err(SendError::Retryable(text)) if text.contains("30000 ms")), "{word}: {sent:?}");
        assert_eq!(mails, 0);
    }
    // The mail was taken before: that the server never says goodbye must not send it again.
    assert_eq!(silent_at("QUIT").await, (Ok(()), 1));
}
