//! The whole loop, with time moved instead of waited for, and a mailbox instead of a mail server.

use std::sync::atomic::{AtomicUsize, Ordering};

use http_client::{Secret, TlsConfig};
use model::Labels;

use super::*;

/// When the tests begin.
const START_MS: i64 = 1_795_520_000_000;

/// A clock that goes with tokio's, which a test moves.
struct TokioClock(tokio::time::Instant);

impl Clock for TokioClock {
    fn now_ms(&self) -> i64 {
        START_MS + i64::try_from(self.0.elapsed().as_millis()).expect("a short test")
    }
}

/// Takes mails, or does to them what its plan says.
#[derive(Default)]
struct Mailbox {
    /// For each recipient, what becomes of the next mails; then they are taken.
    plan: Mutex<HashMap<&'static str, Vec<Fate>>>,
    taken: Mutex<Vec<(tokio::time::Instant, String, String)>>,
    at_once: AtomicUsize,
    at_once_most: AtomicUsize,
}

#[derive(Clone, Copy)]
enum Fate {
    Retryable,
    Permanent,
    Silence,
    Panic,
    TakesSeconds(u64),
}

impl Transport for Mailbox {
    fn send<'a>(&'a self, email: &'a EmailConfig, mail: &'a Rendered) -> Sending<'a> {
        Box::pin(async move {
            let fate = {
                let mut plan = self.plan.lock();
                plan.get_mut(email.to.as_str()).and_then(|fates| (!fates.is_empty()).then(|| fates.remove(0)))
            };
            let most = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.at_once_most.fetch_max(most, Ordering::SeqCst);
            let sent = match fate {
                Some(Fate::Retryable) => Err(SendError::Retryable("451 later".to_owned())),
                Some(Fate::Permanent) => Err(SendError::Permanent("550 never".to_owned())),
                Some(Fate::Panic) => panic!("as planned"),
                Some(Fate::Silence) => std::future::pending().await,
                Some(Fate::TakesSeconds(seconds)) => {
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                    Ok(())
                }
                None => Ok(()),
            };
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            if sent.is_ok() {
                let entry = (tokio::time::Instant::now(), email.to.clone(), mail.subject.clone());
                self.taken.lock().push(entry);
            }
            sent
        })
    }
}

#[derive(Default)]
struct MemoryJournal {
    records: Mutex<BTreeMap<String, LogRecord>>,
    broken: Mutex<bool>,
}

impl Journal for MemoryJournal {
    fn load(&self) -> Result<Vec<LogRecord>, JournalError> {
        Ok(self.records.lock().values().cloned().collect())
    }

    fn record(&self, record: &LogRecord) -> Result<(), JournalError> {
        if *self.broken.lock() {
            return Err(JournalError("the disk is full".to_owned()));
        }
        self.records.lock().insert(record.key.clone(), record.clone());
        Ok(())
    }
}

fn email(to: &str) -> EmailConfig {
    EmailConfig {
        to: to.to_owned(),
        from: "p@example.com".to_owned(),
        smarthost: "localhost:25".to_owned(),
        hello: "localhost".to_owned(),
        auth_username: String::new(),
        auth_password: Secret::default(),
        require_tls: true,
        force_implicit_tls: None,
        tls: TlsConfig::default(),
        subject: None,
        send_resolved: true,
    }
}

fn alert(name: &str, gpu: usize, at: Timestamp, ends_at: Timestamp) -> Alert {
    Alert {
        labels: Labels::from_pairs([("alertname", name), ("gpu", &gpu.to_string())]),
        annotations: Labels::empty(),
        starts_at: at,
        ends_at,
        generator_url: String::new(),
    }
}

struct Desk {
    runner: Runner,
    began: tokio::time::Instant,
    mailbox: Arc<Mailbox>,
    journal: Arc<MemoryJournal>,
}

impl Desk {
    /// A route to `ops`, and for alerts named `Other` to `others`. In seconds: wait 10, interval 60, repeat 300.
    fn open(plan: &[(&'static str, &[Fate])]) -> Self {
        let plan = plan.iter().map(|(to, fates)| (*to, fates.to_vec())).collect();
        let mailbox = Arc::new(Mailbox { plan: Mutex::new(plan), ..Mailbox::default() });
        Self::open_with(mailbox, Arc::default(), tokio::time::Instant::now())
    }

    fn open_with(mailbox: Arc<Mailbox>, journal: Arc<MemoryJournal>, began: tokio::time::Instant) -> Self {
        let (route, receivers) = Self::config();
        let config = RunnerConfig {
            route: Some(route),
            receivers,
            external_url: "http://box:3000".to_owned(),
            clock: Arc::new(TokioClock(began)),
            journal: journal.clone(),
        };
        let runner = Runner::start_with(config, TimeZone::UTC, mailbox.clone()).expect("a journal");
        Self { runner, began, mailbox, journal }
    }

    fn config() -> (Route, Vec<ReceiverConfig>) {
        let route = Route {
            receiver: "ops".to_owned(),
            group_by: alerting::GroupBy::Labels(vec!["alertname".to_owned()]),
            group_wait_ms: 10_000,
            group_interval_ms: 60_000,
            repeat_interval_ms: 300_000,
            ..Route::default()
        };
        let others = Route {
            receiver: "others".to_owned(),
            group_by: alerting::GroupBy::All,
            matchers: alerting::parse_matchers("alertname=Other").expect("matchers"),
            ..route.clone()
        };
        let receiver = |name: &str| ReceiverConfig { name: name.to_owned(), emails: vec![email(name)] };
        (Route { routes: vec![others], ..route }, vec![receiver("ops"), receiver("others")])
    }

    fn now(&self) -> Timestamp {
        self.runner.shared.now()
    }

    fn fire(&self, name: &str, gpu: usize) {
        self.runner.receive(vec![alert(name, gpu, self.now(), Timestamp::MAX - 1)]);
    }

    /// Until `second` after the beginning.
    async fn wait_until(&self, second: u64) {
        tokio::time::sleep_until(self.began + Duration::from_secs(second)).await;
    }

    /// What arrived: second, recipient, subject.
    fn mails(&self) -> Vec<String> {
        let taken = self.mailbox.taken.lock();
        let shown = taken.iter().map(|(at, to, subject)| format!("{} {to} {subject}", (*at - self.began).as_secs()));
        shown.collect()
    }

    fn errors(&self) -> Vec<String> {
        let failed =
            self.runner.deliveries().into_iter().filter_map(|delivery| Some((delivery.attempts, delivery.error?)));
        failed.map(|(attempts, error)| format!("{attempts}x {error}")).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_waits_repeats_and_ends() {
    let desk = Desk::open(&[]);
    desk.fire("Hot", 0);
    desk.wait_until(5).await;
    desk.fire("Hot", 1);
    assert_eq!(desk.runner.alerts().len(), 2);
    assert_eq!(desk.runner.groups()[0].next_flush_at, Some(Timestamp::from_ms(START_MS + 10_000)));
    desk.wait_until(390).await;
    let at = desk.now();
    desk.runner.receive((0..2).map(|gpu| alert("Hot", gpu, at - 1, at)).collect());
    desk.wait_until(1_000).await;
    let expected = ["10 ops [FIRING:2] Hot", "370 ops [FIRING:2] Hot", "430 ops [RESOLVED] Hot"];
    assert_eq!(desk.mails(), expected);
    assert_eq!(desk.runner.alerts().len(), 0);
    let deliveries = desk.runner.deliveries();
    assert_eq!(deliveries.len(), 3);
    assert_eq!((deliveries[0].alert_count, deliveries[0].attempts, deliveries[0].error.clone()), (2, 1, None));
    assert_eq!(desk.journal.records.lock().len(), 1);
    desk.runner.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_may_help_is_tried_again_and_what_cannot_is_not() {
    let desk = Desk::open(&[("ops", &[Fate::Retryable, Fate::Retryable]), ("others", &[Fate::Permanent])]);
    desk.fire("Hot", 0);
    desk.fire("Other", 0);
    desk.wait_until(30).await;
    assert_eq!(desk.mails(), ["11 ops [FIRING:1] Hot (0)"]);
    assert_eq!(desk.errors(), ["1x 550 never"]);
    // At the next look it is tried anew.
    desk.wait_until(80).await;
    assert_eq!(desk.mails()[1..], ["70 others [FIRING:1] Other 0"]);
    desk.runner.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_away_gets_it_when_it_is_back() {
    // 0.5 + 0.75 + … s between tries: more than fit into one group_interval.
    let desk = Desk::open(&[("ops", &[Fate::Retryable; 14])]);
    desk.fire("Hot", 0);
    desk.wait_until(200).await;
    assert_eq!(desk.mails().len(), 1, "{:?}", desk.mails());
    assert!(desk.errors()[0].ends_with("x 451 later"), "{:?}", desk.errors());
    desk.runner.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn one_silent_receiver_stalls_no_other() {
    let desk = Desk::open(&[("others", &[Fate::Silence; 6])]);
    for gpu in 0..6 {
        desk.fire("Other", gpu);
    }
    desk.fire("Hot", 0);
    desk.wait_until(69).await;
    assert_eq!(desk.mails(), ["10 ops [FIRING:1] Hot (0)"]);
    assert_eq!(desk.mailbox.at_once_most.load(Ordering::SeqCst), SENDS_PER_INTEGRATION_MAX);
    // Their deadline is their next look.
    desk.wait_until(80).await;
    assert_eq!(desk.mails().len(), 7, "{:?}", desk.mails());
    let silent = "1x the server did not answer until the group was looked at again";
    assert_eq!(desk.errors(), [silent; 6]);
    desk.runner.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_mail_is_not_sent_twice() {
    let desk = Desk::open(&[("ops", &[Fate::TakesSeconds(55)])]);
    desk.fire("Hot", 0);
    desk.wait_until(200).await;
    assert_eq!(desk.mails(), ["65 ops [FIRING:1] Hot (0)"]);
    desk.runner.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure() {
    let desk = Desk::open(&[("ops", &[Fate::Panic])]);
    desk.fire("Hot", 0);
    desk.wait_until(80).await;
    assert_eq!(desk.mails(), ["70 ops [FIRING:1] Hot (0)"]);
    desk.runner.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_tells_nothing_twice_and_forgets_nothing() {
    let desk = Desk::open(&[]);
    desk.fire("Hot", 0);
    desk.wait_until(30).await;
    desk.runner.shutdown().await;
    assert_eq!(desk.mails().len(), 1);
    let Desk { began, mailbox, journal, .. } = desk;
    let desk = Desk::open_with(mailbox, journal, began);
    let started = Timestamp::from_ms(START_MS);
    desk.runner.receive(vec![alert("Hot", 0, started, Timestamp::MAX - 1)]);
    desk.wait_until(80).await;
    assert_eq!(desk.mails().len(), 1, "{:?}", desk.mails());
    desk.runner.receive(vec![alert("Hot", 0, started, desk.now())]);
    desk.wait_until(160).await;
    assert_eq!(desk.mails()[1..], ["90 ops [RESOLVED] Hot (0)"]);
    desk.runner.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_neither_repeats_mails_nor_loses_notes() {
    let desk = Desk::open(&[]);
    *desk.journal.broken.lock() = true;
    desk.fire("Hot", 0);
    desk.wait_until(200).await;
    assert_eq!(desk.mails(), ["10 ops [FIRING:1] Hot (0)"]);
    assert_eq!(desk.journal.records.lock().len(), 0);
    *desk.journal.broken.lock() = false;
    desk.wait_until(205).await;
    assert_eq!(desk.journal.records.lock().len(), 1);
    desk.runner.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_reload_changes_who_is_told() {
    let desk = Desk::open(&[]);
    desk.fire("Hot", 0);
    desk.wait_until(20).await;
    let (mut route, receivers) = Desk::config();
    "others".clone_into(&mut route.receiver);
    desk.runner.reload(Some(route), receivers);
    desk.wait_until(30).await;
    assert_eq!(desk.mails(), ["10 ops [FIRING:1] Hot (0)", "20 others [FIRING:1] Hot (0)"]);
    // Without a tree nobody is told, but the alerts are known.
    desk.runner.reload(None, Vec::new());
    desk.wait_until(1_000).await;
    assert_eq!((desk.mails().len(), desk.runner.alerts().len()), (2, 1));
    desk.runner.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_for_mails_under_way_but_not_for_ever() {
    for (fate, arrived) in [(Fate::TakesSeconds(3), 1), (Fate::Silence, 0), (Fate::Retryable, 0)] {
        let desk = Desk::open(&[("ops", &[fate])]);
        desk.fire("Hot", 0);
        tokio::time::sleep(Duration::from_millis(10_100)).await;
        desk.runner.shutdown().await;
        assert_eq!(desk.mails().len(), arrived);
        assert_eq!(desk.journal.records.lock().len(), arrived);
        assert!(desk.began.elapsed() < Duration::from_secs(16));
    }
}
