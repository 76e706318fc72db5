//! A mail as bytes. Every header is typed, so that what comes from labels can only be text.

use std::time::{Duration, UNIX_EPOCH};

use lettre::Message;
use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Mailboxes, MultiPart, SinglePart};
use model::Timestamp;

use crate::EmailConfig;
use crate::render::{Rendered, one_line};

/// The sender and the recipients, and the mail's bytes.
///
/// # Errors
/// An address is none.
pub(crate) fn compose(config: &EmailConfig, mail: &Rendered) -> Result<(Envelope, Vec<u8>), String> {
    let from: Mailbox = config.from.trim().parse().map_err(|error| wrong_address("from", &config.from, &error))?;
    let to: Mailboxes = config.to.trim().parse().map_err(|error| wrong_address("to", &config.to, &error))?;
    if to.iter().next().is_none() {
        return Err("to: nobody is named".to_owned());
    }
    let subject = config.subject.as_deref().map_or_else(|| mail.subject.clone(), one_line);
    let mut builder = Message::builder()
        .from(from)
        .subject(subject)
        .message_id(Some(mail.message_id.clone()))
        .date(UNIX_EPOCH + since_epoch(mail.at))
        // So that nobody's out-of-office note answers (RFC 3834).
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()));
    for to in to {
        builder = builder.to(to);
    }
    let text = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(mail.text.clone());
    let html = SinglePart::builder().header(ContentType::TEXT_HTML).body(mail.html.clone());
    let message = builder.multipart(MultiPart::alternative().singlepart(text).singlepart(html));
    let message = message.map_err(|error| error.to_string())?;
    Ok((message.envelope().clone(), message.formatted()))
}

fn wrong_address(key: &str, text: &str, error: &dyn std::error::Error) -> String {
    format!("{key}: {text:?} is not an address: {error}")
}

fn since_epoch(at: Timestamp) -> Duration {
    // A mail of before 1970 is a clock that was never set; its date is the least of the worries.
    Duration::from_millis(u64::try_from(at.as_ms()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use http_client::{Secret, TlsConfig};

    use super::*;

    fn config(from: &str, to: &str, subject: Option<&str>) -> EmailConfig {
        EmailConfig {
            to: to.to_owned(),
            from: from.to_owned(),
            smarthost: "localhost:25".to_owned(),
            hello: "localhost".to_owned(),
            auth_username: String::new(),
            auth_password: Secret::default(),
            require_tls: true,
            force_implicit_tls: None,
            tls: TlsConfig::default(),
            subject: subject.map(str::to_owned),
            send_resolved: true,
        }
    }

    fn mail(subject: &str) -> Rendered {
        Rendered {
            subject: subject.to_owned(),
            text: "Grüße\n".to_owned(),
            html: "<p>温度</p>".to_owned(),
            message_id: "<1.2@pitwall>".to_owned(),
            at: Timestamp::from_ms(1_795_520_000_000),
        }
    }

    /// The names of the headers of a mail with this subject, and its subject as it goes over the wire.
    fn headers(config: &EmailConfig, subject: &str) -> (Vec<String>, String) {
        let (_, bytes) = compose(config, &mail(subject)).expect("a mail");
        let text = String::from_utf8(bytes).expect("ASCII");
        assert!(text.is_ascii(), "a server without 8BITMIME takes it too: {text}");
        let (head, _) = text.split_once("\r\n\r\n").expect("a head");
        let unfolded = head.replace("\r\n ", " ");
        let names = unfolded.lines().map(|line| line.split(':').next().unwrap_or_default().to_owned()).collect();
        let subject = unfolded.lines().find_map(|line| line.strip_prefix("Subject: ")).expect("a subject");
        (names, subject.to_owned())
    }

    #[test]
    fn nothing_from_a_label_becomes_a_header() {
        let config = config("Pitwall <p@example.com>", "a@example.com", None);
        let expected =
            ["From", "Subject", "Message-ID", "Date", "Auto-Submitted", "To", "MIME-Version", "Content-Type"];
        for subject in [
            "plain",
            "x\r\nBcc: evil@example.com",
            "x\nBcc: evil@example.com",
            "x\rBcc: evil@example.com",
            "x\r\n\r\nbody",
            "x\u{85}Bcc: evil@example.com",
            "x\u{2028}Bcc: evil@example.com",
            "=?utf-8?q?x=0D=0ABcc:_evil@example.com?=",
            "温度\r\nBcc: evil@example.com",
            "\0",
            "",
        ] {
            // As `render` makes it, and as if it had forgotten to.
            for subject in [one_line(subject), subject.to_owned()] {
                let (mut names, _) = headers(&config, &subject);
                let mut expected = expected.map(str::to_owned).to_vec();
                names.sort();
                expected.sort();
                assert_eq!(names, expected, "{subject:?}");
            }
        }
    }

    #[test]
    fn subjects_arrive() {
        let own = config("p@example.com", "a@example.com", Some("GPU\r\nalert"));
        assert_eq!(headers(&own, "[FIRING:1] Hot").1, "GPU  alert");
        let ours = config("p@example.com", "a@example.com", None);
        assert_eq!(headers(&ours, "[FIRING:1] Hot").1, "[FIRING:1] Hot");
        assert_eq!(headers(&ours, "温度").1, "=?utf-8?b?5rip5bqm?=");
    }

    #[test]
    fn addresses_are_checked() {
        let check = |from: &str, to: &str, expected: Result<&[&str], &str>| {
            let composed = compose(&config(from, to, None), &mail("s"));
            let got = composed.map(|(envelope, _)| envelope.to().iter().map(ToString::to_string).collect::<Vec<_>>());
            match expected {
                Ok(expected) => assert_eq!(got.expect("a mail"), expected),
                Err(part) => assert!(got.clone().is_err_and(|error| error.starts_with(part)), "{got:?}"),
            }
        };
        check("p@example.com", "a@example.com", Ok(&["a@example.com"]));
        check(
            "Pitwall <p@example.com>",
            "a@example.com, \"B, C\" <b@example.com>",
            Ok(&["a@example.com", "b@example.com"]),
        );
        check("p@example.com", "a@example.com\r\nRCPT TO:<evil@example.com>", Err("to: "));
        check("p", "a@example.com", Err("from: "));
        check("p@example.com, q@example.com", "a@example.com", Err("from: "));
        check("p@example.com", "", Err("to: "));
    }
}
