//! What a mail says. Pure: the same notification gives the same mail.

use alerting::Notification;
use model::{Alert, Labels, Timestamp};

/// Subjects are cut at this many characters.
const SUBJECT_CHARS_MAX: usize = 200;
/// Alerts that one mail shows; the others are counted.
const ALERTS_SHOWN_MAX: usize = 50;

/// A mail's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The subject, without line breaks.
    pub subject: String,
    /// The mail as text.
    pub text: String,
    /// The mail as HTML.
    pub html: String,
    /// `<…@pitwall>`; the same if the same news is told twice, so that mail programs can fold it.
    pub message_id: String,
    /// The moment of the decision.
    pub at: Timestamp,
}

/// Puts a notification into words.
pub fn render(notification: &Notification, external_url: &str) -> Rendered {
    let subject = subject(notification);
    let hash = Labels::from_pairs([("key", notification.record.key.as_str())]).hash64();
    Rendered {
        text: text(notification, external_url),
        html: html(notification, &subject, external_url),
        message_id: format!("<{hash:016x}.{}@pitwall>", notification.at.as_ms()),
        at: notification.at,
        subject,
    }
}

/// Alertmanager's: `[FIRING:1] HighGPUMemoryUsage (2 critical)`.
fn subject(notification: &Notification) -> String {
    let status = if notification.firing.is_empty() {
        format!("RESOLVED:{}", notification.resolved.len())
    } else {
        format!("FIRING:{}", notification.firing.len())
    };
    let group: Vec<&str> = notification.group_labels.iter().map(|(_, value)| value).collect();
    let common = notification.common_labels();
    let group_labels = &notification.group_labels;
    let rest: Vec<&str> =
        common.iter().filter(|(name, _)| group_labels.get(name).is_none()).map(|(_, value)| value).collect();
    let mut subject = format!("[{status}] {}", group.join(" "));
    if !rest.is_empty() {
        subject = format!("{} ({})", subject.trim_end(), rest.join(" "));
    }
    let plain = subject.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(SUBJECT_CHARS_MAX).collect()
}

fn text(notification: &Notification, external_url: &str) -> String {
    let mut out = String::new();
    for (title, alerts) in [("FIRING", &notification.firing), ("RESOLVED", &notification.resolved)] {
        if alerts.is_empty() {
            continue;
        }
        out.push_str(&format!("{title} ({})\n", alerts.len()));
        for alert in alerts.iter().take(ALERTS_SHOWN_MAX) {
            out.push_str(&format!("\n{}\n", headline(alert)));
            for (name, value) in &alert.annotations {
                out.push_str(&format!("  {name}: {value}\n"));
            }
            for (name, value) in &alert.labels {
                out.push_str(&format!("  {name} = {value}\n"));
            }
            out.push_str(&format!("  since {}\n", moment(alert.starts_at)));
            if title == "RESOLVED" {
                out.push_str(&format!("  until {}\n", moment(alert.ends_at)));
            }
            if !alert.generator_url.is_empty() {
                out.push_str(&format!("  {}\n", alert.generator_url));
            }
        }
        if ALERTS_SHOWN_MAX < alerts.len() {
            out.push_str(&format!("\n… and {} more\n", alerts.len() - ALERTS_SHOWN_MAX));
        }
        out.push('\n');
    }
    out.push_str(&format!("{}/alerts\n", external_url.trim_end_matches('/')));
    out
}

fn headline(alert: &Alert) -> String {
    let summary = alert.annotations.get("summary").unwrap_or_default();
    if summary.is_empty() { alert.name().to_owned() } else { format!("{}: {summary}", alert.name()) }
}

/// `2026-11-24 13:36:05 UTC`
fn moment(at: Timestamp) -> String {
    let seconds = at.as_ms().div_euclid(1000);
    let (day, of_day) = (seconds.div_euclid(86_400) + 719_468, seconds.rem_euclid(86_400)); // from 0000-03-01
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC", of_day / 3600, of_day / 60 % 60, of_day % 60)
}

/// Tables and `bgcolor`, because mail programs know little else.
fn html(notification: &Notification, subject: &str, external_url: &str) -> String {
    let (colour, word) = if notification.firing.is_empty() { ("#1a7f54", "Resolved") } else { ("#c93a3a", "Firing") };
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
         <body bgcolor=\"#f4f5f7\">\n<table width=\"100%\" cellpadding=\"16\" cellspacing=\"0\" bgcolor=\"#f4f5f7\"><tr><td align=\"center\">\n\
         <table width=\"600\" cellpadding=\"12\" cellspacing=\"0\" bgcolor=\"#ffffff\">\n\
         <tr><td bgcolor=\"{colour}\"><font face=\"Arial, sans-serif\" size=\"4\" color=\"#ffffff\"><b>{word}: {title}</b></font></td></tr>\n",
        title = escape(subject)
    );
    for (alert, firing) in notification.alerts().take(ALERTS_SHOWN_MAX) {
        out.push_str(&format!(
            "<tr><td><font face=\"Arial, sans-serif\" size=\"3\" color=\"#14181f\"><b>{}</b></font><br>\n",
            escape(&headline(alert))
        ));
        for (name, value) in alert.annotations.iter().filter(|(name, _)| *name != "summary") {
            out.push_str(&format!(
                "<font face=\"Arial, sans-serif\" size=\"2\" color=\"#465061\">{}: {}</font><br>\n",
                escape(name),
                escape(value)
            ));
        }
        out.push_str("<table cellpadding=\"2\" cellspacing=\"0\">\n");
        for (name, value) in &alert.labels {
            out.push_str(&format!(
                "<tr><td><font face=\"Arial, sans-serif\" size=\"2\" color=\"#5d6777\">{}</font></td>\
                 <td><font face=\"Arial, sans-serif\" size=\"2\" color=\"#14181f\">{}</font></td></tr>\n",
                escape(name),
                escape(value)
            ));
        }
        let until = if firing { String::new() } else { format!(" until {}", moment(alert.ends_at)) };
        out.push_str(&format!(
            "</table><font face=\"Arial, sans-serif\" size=\"2\" color=\"#5d6777\">since {}{until}</font>",
            moment(alert.starts_at)
        ));
        if is_web(&alert.generator_url) {
            out.push_str(&format!(
                " <font face=\"Arial, sans-serif\" size=\"2\"><a href=\"{}\">the query</a></font>",
                escape(&alert.generator_url)
            ));
        }
        out.push_str("</td></tr>\n");
    }
    let link = format!("{}/alerts", external_url.trim_end_matches('/'));
    if is_web(&link) {
        out.push_str(&format!(
            "<tr><td><font face=\"Arial, sans-serif\" size=\"2\"><a href=\"{0}\">{0}</a></font></td></tr>\n",
            escape(&link)
        ));
    }
    out.push_str("</table>\n</td></tr></table>\n</body></html>\n");
    out
}

fn is_web(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use alerting::{LogRecord, Reason};

    use super::*;

    fn notification(firing: bool, value: &str) -> Notification {
        let alert = Alert {
            labels: Labels::from_pairs([("alertname", "HighGPUMemoryUsage"), ("gpu", value), ("severity", "critical")]),
            annotations: Labels::from_pairs([
                ("summary", format!("High GPU memory usage on {value}").as_str()),
                ("description", "memory usage is 95.2%"),
            ]),
            starts_at: Timestamp::from_ms(1_795_520_000_000),
            ends_at: Timestamp::from_ms(1_795_520_300_000),
            generator_url: "http://box:3000/query?query=x".to_owned(),
        };
        let record = LogRecord {
            key: "k".to_owned(),
            at: Timestamp::default(),
            firing: Default::default(),
            resolved: Default::default(),
            expires_at: Timestamp::default(),
        };
        Notification {
            receiver: "mail".to_owned(),
            integration: 0,
            group_key: "{}:{}".to_owned(),
            group_labels: Labels::from_pairs([("alertname", "HighGPUMemoryUsage")]),
            at: Timestamp::from_ms(1_795_520_300_000),
            reason: Reason::First,
            firing: if firing { vec![alert.clone()] } else { Vec::new() },
            resolved: if firing { Vec::new() } else { vec![alert] },
            record,
            retry_until: Timestamp::default(),
        }
    }

    #[test]
    fn mails_say_what_and_since_when() {
        insta::assert_snapshot!("firing_text", render(&notification(true, "2"), "http://box:3000").text);
        insta::assert_snapshot!("resolved_html", render(&notification(false, "2"), "http://box:3000").html);
    }

    #[test]
    fn subjects_are_one_line() {
        let check = |firing, value: &str, expected: &str| {
            assert_eq!(render(&notification(firing, value), "").subject, expected);
        };
        check(true, "2", "[FIRING:1] HighGPUMemoryUsage (2 critical)");
        check(false, "2", "[RESOLVED:1] HighGPUMemoryUsage (2 critical)");
        check(true, "x\r\nBcc: evil@example.com", "[FIRING:1] HighGPUMemoryUsage (x  Bcc: evil@example.com critical)");
    }

    #[test]
    fn values_are_escaped() {
        let html = render(&notification(true, "<script>\"&'"), "http://box:3000").html;
        assert!(!html.contains("<script") && html.contains("&lt;script&gt;&quot;&amp;&#39;"));
    }
}
