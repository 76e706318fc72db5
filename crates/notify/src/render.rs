//! What a mail says. Pure: the same notification gives the same mail.

use alerting::{AlertStatus, Notification, NotifiedAlert};
use askama::Template;
use jiff::tz::TimeZone;
use model::Timestamp;

/// Subjects, and what servers answer, are cut at this many characters.
const LINE_CHARS_MAX: usize = 200;
/// A label's or an annotation's value is cut at this many characters.
const VALUE_CHARS_MAX: usize = 2_000;
/// Alerts that one mail shows; the others are counted.
const ALERTS_SHOWN_MAX: usize = 50;

/// Annotations that have a place of their own.
const SUMMARY: &str = "summary";
const DESCRIPTION: &str = "description";

/// A mail's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The subject, one line.
    pub subject: String,
    /// The mail as text.
    pub text: String,
    /// The mail as HTML.
    pub html: String,
    /// `<…@pitwall>`; the same if the same news is sent twice because nobody knew that it had arrived.
    pub message_id: String,
    /// The moment of the decision.
    pub at: Timestamp,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct Html<'a> {
    subject: &'a str,
    color: &'static str,
    alerts: &'a [Block],
    more: usize,
    alerts_url: Option<&'a str>,
    footer: &'a str,
}

#[derive(Template)]
#[template(path = "mail.txt")]
struct Text<'a> {
    subject: &'a str,
    alerts: &'a [Block],
    more: usize,
    alerts_url: Option<&'a str>,
    footer: &'a str,
}

/// What a mail says of an alert.
struct Block {
    color: &'static str,
    sign: &'static str,
    status: String,
    title: String,
    subtitle: String,
    description: Option<String>,
    rows: Vec<Row>,
    query_url: Option<String>,
}

struct Row {
    name: String,
    lines: Vec<String>,
}

/// Puts a notification into words. Times are said in `time_zone`; links lead to `external_url`.
pub fn render(notification: &Notification, external_url: &str, time_zone: &TimeZone) -> Rendered {
    let subject = subject(notification);
    let blocks: Vec<Block> =
        notification.alerts.iter().take(ALERTS_SHOWN_MAX).map(|alert| block(alert, time_zone)).collect();
    let more = notification.alerts.len() - blocks.len() + notification.truncated;
    let alerts_url = format!("{}/alerts", external_url.trim_end_matches('/'));
    let alerts_url = Some(alerts_url.as_str()).filter(|url| is_web(url));
    let footer = format!(
        "Pitwall, {}, to {}: {}",
        moment(notification.at, time_zone),
        one_line(&notification.receiver),
        notification.reason.as_str()
    );
    let color = blocks.first().map_or(NEUTRAL, |block| block.color);
    let (subject_ref, alerts, footer) = (subject.as_str(), blocks.as_slice(), footer.as_str());
    let html = Html { subject: subject_ref, color, alerts, more, alerts_url, footer }.render();
    let text = Text { subject: subject_ref, alerts, more, alerts_url, footer }.render();
    // Templates of plain values fail only where their writer does, and a String takes everything.
    let or_subject = |rendered: askama::Result<String>| rendered.unwrap_or_else(|_never| subject.clone());
    Rendered {
        html: or_subject(html),
        text: or_subject(text),
        message_id: format!("<{:016x}.{}@pitwall>", notification.content_id(), notification.sequence),
        at: notification.at,
        subject,
    }
}

/// Alertmanager's: `[FIRING:1] HighGPUMemoryUsage (2 critical)`, the group's values and then those that its alerts share.
fn subject(notification: &Notification) -> String {
    let status = match notification.status {
        AlertStatus::Firing => format!("FIRING:{}", notification.firing().count()),
        AlertStatus::Resolved => "RESOLVED".to_owned(),
    };
    let by_name = |labels: &model::Labels| {
        // alertname comes first, as in Alertmanager's SortedPairs.
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        for (name, value) in labels {
            if name == model::ALERT_NAME { &mut first } else { &mut rest }.push(value.to_owned());
        }
        first.append(&mut rest);
        first.join(" ")
    };
    let group = &notification.group_labels;
    let others = by_name(&notification.common_labels.filtered(|name| group.get(name).is_none()));
    let others = if others.is_empty() { others } else { format!("({others})") };
    let words = [format!("[{status}]"), by_name(group), others];
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
    one_line(&words.join(" "))
}

fn block(notified: &NotifiedAlert, time_zone: &TimeZone) -> Block {
    let alert = &notified.alert;
    let annotation = |name: &str| alert.annotations.get(name).map(cut);
    let severity = alert.labels.get("severity").unwrap_or_default();
    let resolved = notified.status == AlertStatus::Resolved;
    let (color, sign) = if resolved { ("#1a7f54", "\u{25cf}") } else { (severity_color(severity), "\u{25b2}") };
    let since = moment(alert.starts_at, time_zone);
    let mut rows = Vec::new();
    let mut row = |name: &str, lines: Vec<String>| rows.push(Row { name: name.to_owned(), lines });
    row("Rule", vec![cut(alert.name())]);
    let labels = alert.labels.iter().filter(|(name, _)| *name != model::ALERT_NAME);
    let labels: Vec<String> = labels.map(|(name, value)| format!("{}={}", cut(name), cut(value))).collect();
    if !labels.is_empty() {
        row("Labels", labels);
    }
    for (name, value) in &alert.annotations {
        if !matches!(name, SUMMARY | DESCRIPTION) {
            row(&cut(name), vec![cut(value)]);
        }
    }
    row("Started", vec![since.clone()]);
    if resolved {
        row("Ended", vec![moment(alert.ends_at, time_zone)]);
        let lasted_s = (alert.ends_at - alert.starts_at).max(0) / 1_000;
        row("Lasted", vec![units::duration::format_ms(lasted_s * 1_000)]);
    }
    let place =
        ["instance", "gpu", "job"].iter().find_map(|name| Some(format!("{name} {}, ", alert.labels.get(name)?)));
    Block {
        color,
        sign,
        status: match (resolved, severity) {
            (true, _) => "Resolved".to_owned(),
            (false, "") => "Firing".to_owned(),
            (false, severity) => format!("{}, firing", capital(&cut(severity))),
        },
        title: annotation(SUMMARY).filter(|summary| !summary.is_empty()).unwrap_or_else(|| cut(alert.name())),
        subtitle: format!("{}since {since}", cut(&place.unwrap_or_default())),
        description: annotation(DESCRIPTION).filter(|description| !description.is_empty()),
        rows,
        query_url: Some(alert.generator_url.clone()).filter(|url| is_web(url)),
    }
}

/// Also the colour of alerts that say nothing of their severity.
const NEUTRAL: &str = "#0b5fc0";

fn severity_color(severity: &str) -> &'static str {
    match severity.to_ascii_lowercase().as_str() {
        "critical" | "page" | "error" | "emergency" => "#be1e1e",
        "warning" | "warn" => "#9a5b00",
        _ => NEUTRAL,
    }
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// `2026-11-24 13:36:05 (UTC+8)`
fn moment(at: Timestamp, time_zone: &TimeZone) -> String {
    let Ok(moment) = jiff::Timestamp::from_millisecond(at.as_ms()) else { return format!("{} ms", at.as_ms()) };
    let moment = moment.to_zoned_datetime(time_zone.clone());
    let offset_min = moment.offset().seconds() / 60;
    let zone = match (offset_min / 60, offset_min.unsigned_abs() % 60) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("(UTC{hours:+})"),
        (0, minutes) => format!("(UTC{}0:{minutes:02})", if offset_min < 0 { '-' } else { '+' }),
        (hours, minutes) => format!("(UTC{hours:+}:{minutes:02})"),
    };
    format!("{} {zone}", moment.strftime("%Y-%m-%d %H:%M:%S"))
}

/// Without control characters and not too long, for headers and logs.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LINE_CHARS_MAX).collect()
}

/// A value for the mail's body: line breaks may stay, other control characters not.
fn cut(text: &str) -> String {
    let kept = text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c });
    kept.take(VALUE_CHARS_MAX).collect()
}

fn is_web(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

#[cfg(test)]
mod tests {
    use alerting::{Config, Dispatcher, Integration, Outcome, Receiver, Route};
    use model::{Alert, Labels};

    use super::*;

    const STARTED_MS: i64 = 1_795_520_000_000;

    fn alert(gpu: &str, severity: &str, ends_ms: i64) -> Alert {
        Alert {
            labels: Labels::from_pairs([("alertname", "HighGPUMemoryUsage"), ("gpu", gpu), ("severity", severity)]),
            annotations: Labels::from_pairs([
                ("summary", format!("High GPU memory usage on {gpu}").as_str()),
                ("description", "GPU 2 memory usage is 95%"),
                ("runbook_url", "https://example.com/memory"),
            ]),
            starts_at: Timestamp::from_ms(STARTED_MS),
            ends_at: Timestamp::from_ms(ends_ms),
            generator_url: "http://box:3000/query?query=x%3E1&tab=graph".to_owned(),
        }
    }

    /// What is told of alerts, five minutes after they began.
    fn notification(alerts: &[Alert], resolved: &[Alert]) -> Notification {
        let route = Route {
            receiver: "ops".to_owned(),
            group_by: alerting::GroupBy::Labels(vec!["alertname".to_owned()]),
            ..Route::default()
        };
        let receiver = Receiver { name: "ops".to_owned(), integrations: vec![Integration { send_resolved: true }] };
        let config = Config { route, receivers: vec![receiver], ..Config::default() };
        let mut dispatcher = Dispatcher::new(&config, []);
        let at = Timestamp::from_ms(STARTED_MS + 300_000);
        dispatcher.receive(alerts.to_vec(), at);
        let first = dispatcher.due(at).notifications.remove(0);
        if resolved.is_empty() {
            return first;
        }
        dispatcher.outcome(first.id, Outcome::Sent, at);
        dispatcher.receive(resolved.to_vec(), at + 2_000);
        dispatcher.due(at + 300_000).notifications.remove(0)
    }

    fn firing(gpu: &str) -> Alert {
        alert(gpu, "critical", i64::MAX - 1)
    }

    fn rendered(alerts: &[Alert], resolved: &[Alert]) -> Rendered {
        render(&notification(alerts, resolved), "http://box:3000/", &TimeZone::UTC)
    }

    #[test]
    fn mails_say_what_and_since_when() {
        let mail = rendered(&[firing("2")], &[]);
        insta::assert_snapshot!("firing_text", mail.text);
        insta::assert_snapshot!("firing_html", mail.html);
        let mail = rendered(&[firing("2")], &[alert("2", "critical", STARTED_MS + 301_000)]);
        insta::assert_snapshot!("resolved_text", mail.text);
        insta::assert_snapshot!("resolved_html", mail.html);
    }

    #[test]
    fn subjects_are_alertmanagers() {
        let check = |alerts: &[Alert], resolved: &[Alert], expected: &str| {
            assert_eq!(rendered(alerts, resolved).subject, expected);
        };
        check(&[firing("2")], &[], "[FIRING:1] HighGPUMemoryUsage (2 critical)");
        check(&[firing("1"), firing("2")], &[], "[FIRING:2] HighGPUMemoryUsage (critical)");
        let ended = [alert("1", "critical", STARTED_MS + 301_000)];
        check(&[firing("1")], &ended, "[RESOLVED] HighGPUMemoryUsage (1 critical)");
        // One fires still: the others are not what the mail is about.
        check(&[firing("1"), firing("2")], &ended, "[FIRING:1] HighGPUMemoryUsage (critical)");
    }

    #[test]
    fn the_real_alertmanager_writes_the_same_subjects() {
        for (mail, hook) in [("mail1.eml", "hook1.json"), ("mail2.eml", "hook2.json")] {
            let Some(mail) = test_support::shared_data(format!("alertmanager-run/{mail}")) else { return };
            let mail = std::fs::read_to_string(mail).expect("the mail");
            let subject = mail.lines().find_map(|line| line.strip_prefix("Subject: ")).expect("a subject");
            let hook = mail_of_hook(&std::fs::read_to_string(mail_path(hook)).expect("the webhook"));
            assert_eq!(hook.subject, subject);
        }
    }

    fn mail_path(name: &str) -> std::path::PathBuf {
        test_support::shared_data(format!("alertmanager-run/{name}")).expect("lies beside the mail")
    }

    /// The mail for the alerts that a webhook of the same run carries.
    fn mail_of_hook(hook: &str) -> Rendered {
        let value = |name: &str, text: &str| {
            let (_, rest) = text.split_once(&format!("\"{name}\": \""))?;
            rest.split_once('"').map(|(value, _)| value.to_owned())
        };
        let labels_of = |text: &str| {
            Labels::from_pairs(
                ["alertname", "gpu", "severity"].map(|name| (name, value(name, text).unwrap_or_default())),
            )
        };
        let (_, alerts) = hook.split_once("\"alerts\": [").expect("alerts");
        let (alerts, _) = alerts.split_once("\"notification_reason\"").expect("a reason");
        let alerts: Vec<Alert> =
            alerts.split("\"labels\": ").skip(1).map(|text| Alert { labels: labels_of(text), ..firing("0") }).collect();
        assert!(!alerts.is_empty(), "{hook}");
        let resolved = hook.contains("\"status\": \"resolved\"");
        let ended = |alert: &Alert| Alert { ends_at: Timestamp::from_ms(STARTED_MS + 301_000), ..alert.clone() };
        let ended: Vec<Alert> = alerts.iter().filter(|_| resolved).map(ended).collect();
        rendered(&alerts, &ended)
    }

    #[test]
    fn what_labels_say_stays_text() {
        let evil = "x\r\nBcc: evil@example.com\u{1b}[2J<script>\"&'";
        let mail = rendered(&[firing(evil)], &[]);
        assert!(!mail.subject.contains(char::is_control), "{:?}", mail.subject);
        assert!(!mail.html.contains("<script") && !mail.html.contains('\u{1b}'), "{}", mail.html);
        assert!(mail.html.contains("&#60;script&#62;&#34;&#38;&#39;"), "{}", mail.html);
        assert!(!mail.text.contains(['\r', '\u{1b}']), "{:?}", mail.text);
        let long = rendered(&[firing(&"x".repeat(10_000))], &[]);
        assert_eq!(long.subject.chars().count(), LINE_CHARS_MAX);
        assert!(long.html.len() < 20_000, "{}", long.html.len());
        let mut scripted = firing("0");
        "javascript:alert(1)".clone_into(&mut scripted.generator_url);
        assert!(!rendered(&[scripted], &[]).html.contains("javascript:"));
    }

    #[test]
    fn a_mail_shows_some_alerts_and_counts_the_rest() {
        let many: Vec<Alert> = (0..60).map(|gpu| firing(&format!("{gpu:02}"))).collect();
        let mail = rendered(&many, &[]);
        assert_eq!(mail.subject, "[FIRING:60] HighGPUMemoryUsage (critical)");
        assert!(mail.text.contains("And 10 more.") && mail.html.contains("And 10 more."), "{}", mail.text);
        assert!(mail.text.contains("gpu=49") && !mail.text.contains("gpu=50"));
    }

    #[test]
    fn moments_say_their_zone() {
        let check = |hours: i8, expected: &str| {
            let zone = TimeZone::fixed(jiff::tz::offset(hours));
            assert_eq!(moment(Timestamp::from_ms(STARTED_MS), &zone), expected);
        };
        check(0, "2026-11-24 11:33:20 UTC");
        check(8, "2026-11-24 19:33:20 (UTC+8)");
        check(-5, "2026-11-24 06:33:20 (UTC-5)");
        let india = jiff::tz::Offset::from_seconds(19_800).expect("an offset");
        assert_eq!(moment(Timestamp::from_ms(STARTED_MS), &TimeZone::fixed(india)), "2026-11-24 17:03:20 (UTC+5:30)");
    }

    #[test]
    fn the_same_news_has_the_same_identity() {
        let id = |alerts: &[Alert], resolved: &[Alert]| rendered(alerts, resolved).message_id;
        assert_eq!(id(&[firing("1")], &[]), id(&[firing("1")], &[]));
        assert_ne!(id(&[firing("1")], &[]), id(&[firing("2")], &[]));
        let later = Alert { starts_at: Timestamp::from_ms(STARTED_MS + 1), ..firing("1") };
        assert_ne!(id(&[firing("1")], &[]), id(&[later], &[]));
    }
}
