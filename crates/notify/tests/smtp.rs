//! Whole conversations with a mail server.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use alerting::{LogRecord, Route};
use clock::{Clock as _, SystemClock};
use http_client::{Secret, TlsConfig};
use model::{Alert, Labels, Timestamp};
use notify::{Delivery, EmailConfig, Journal, JournalError, ReceiverConfig, Runner, RunnerConfig};
use test_support::{Behaviour, SmtpServer};

const PASSWORD: &str = "canary-7f3a";

#[derive(Default)]
struct Notes(Mutex<Vec<LogRecord>>);

impl Journal for Notes {
    fn load(&self) -> Result<Vec<LogRecord>, JournalError> {
        Ok(self.0.lock().unwrap().clone())
    }
    fn record(&self, record: &LogRecord) -> Result<(), JournalError> {
        self.0.lock().unwrap().push(record.clone());
        Ok(())
    }
}

/// Sends one alert through a server of this behaviour; the delivery, the notes, and the server.
async fn deliver(
    behaviour: Behaviour,
    change: impl Fn(&mut EmailConfig, &SmtpServer),
) -> (Delivery, usize, SmtpServer) {
    let server = SmtpServer::start(behaviour).await;
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, server.certificate_pem()).unwrap();
    let mut email = EmailConfig {
        to: "a@example.com, b@example.com".to_owned(),
        from: "Pitwall <pitwall@example.com>".to_owned(),
        smarthost: server.smarthost(),
        hello: "localhost".to_owned(),
        auth_username: "user".to_owned(),
        auth_password: Secret::new(PASSWORD),
        require_tls: true,
        force_implicit_tls: None,
        tls: TlsConfig { ca_file: Some(ca_file), ..TlsConfig::default() },
        subject: None,
        send_resolved: true,
    };
    change(&mut email, &server);
    let notes = Arc::new(Notes::default());
    let route = Route { receiver: "mail".to_owned(), group_wait_ms: 0, group_interval_ms: 3_000, ..Route::default() };
    let runner = Runner::start(RunnerConfig {
        route: Some(route),
        receivers: vec![ReceiverConfig { name: "mail".to_owned(), emails: vec![email] }],
        external_url: "http://box:3000".to_owned(),
        clock: Arc::new(SystemClock),
        journal: notes.clone(),
    })
    .unwrap();
    let now = Timestamp::from_ms(SystemClock.now_ms());
    runner.receive(vec![Alert {
        labels: Labels::from_pairs([("alertname", "Hot"), ("gpu", "温度 2")]),
        annotations: Labels::from_pairs([("summary", "it is hot")]),
        starts_at: now,
        ends_at: now + 3_600_000,
        generator_url: String::new(),
    }]);
    let delivered = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            if let Some(delivery) = runner.deliveries().first() {
                return delivery.clone();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let delivery = delivered.await.unwrap();
    runner.shutdown().await;
    let noted = notes.0.lock().unwrap().len();
    (delivery, noted, server)
}

fn said(server: &SmtpServer) -> String {
    server.words().join("\n")
}

#[tokio::test]
async fn a_mail_is_sent_encrypted_and_noted() {
    let (delivery, noted, server) = deliver(Behaviour::StartTls, |_, _| {}).await;
    assert_eq!((delivery.error, noted), (None, 1));
    let mail = &server.mails()[0];
    for expected in [
        "From: Pitwall <pitwall@example.com>",
        "To: a@example.com, b@example.com",
        "multipart/alternative",
        "it is hot",
    ] {
        assert!(mail.contains(expected), "{expected}: {mail}");
    }
    assert!(said(&server).contains("STARTTLS"));
}

#[tokio::test]
async fn without_encryption_no_password_is_said() {
    let (delivery, noted, server) = deliver(Behaviour::Plain, |_, _| {}).await;
    assert!(delivery.error.is_some());
    assert_eq!((noted, server.mails().len()), (0, 0));
    assert!(!said(&server).contains("AUTH"), "{}", said(&server));
    assert!(!format!("{delivery:?}").contains(PASSWORD));
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts_is_refused() {
    let (delivery, _, server) = deliver(Behaviour::StartTls, |email, _| email.tls = TlsConfig::default()).await;
    assert!(delivery.error.is_some() && server.mails().is_empty());
    assert!(!said(&server).contains("AUTH"));
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_may_not_is_not() {
    let (delivery, noted, server) = deliver(Behaviour::RefuseData("451 later", 1), |_, _| {}).await;
    assert_eq!((delivery.error, noted, server.mails().len()), (None, 1, 1));
    let (delivery, noted, server) = deliver(Behaviour::RefuseData("554 never", 100), |_, _| {}).await;
    assert!(delivery.error.as_deref().is_some_and(|error| error.contains("554")), "{delivery:?}");
    assert_eq!((noted, server.mails().len()), (0, 0));
    assert_eq!(said(&server).matches("DATA").count(), 1);
}
