//! `alertmanager.yml`: whom to tell, and when.

use std::path::Path;

use alerting::{GroupBy, Route};
use http_client::{Secret, TlsConfig};
use notify::{EmailConfig, ReceiverConfig};

use crate::section::{Field, Findings, Section};
use crate::{Loaded, http};

/// What an `alertmanager.yml` says.
#[derive(Clone, Debug, Default)]
pub struct Alertmanager {
    /// The routing tree.
    pub route: Route,
    /// Who there is to tell.
    pub receivers: Vec<ReceiverConfig>,
}

/// Integrations that Alertmanager has and Pitwall has not yet.
const OTHER_INTEGRATIONS: &[&str] = &[
    "webhook_configs",
    "slack_configs",
    "telegram_configs",
    "wechat_configs",
    "discord_configs",
    "pagerduty_configs",
    "opsgenie_configs",
    "pushover_configs",
    "sns_configs",
    "victorops_configs",
    "webex_configs",
    "msteams_configs",
    "msteamsv2_configs",
    "jira_configs",
    "rocketchat_configs",
    "mattermost_configs",
    "incidentio_configs",
];

/// Reads `path`. With any error among the problems the value must not be used.
pub fn load(path: &Path) -> Loaded<Alertmanager> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return Loaded::unreadable(path, &error),
    };
    let findings = Findings::new(path);
    let mut value = Alertmanager::default();
    if let Some(node) = findings.parse(&text)
        && let Some(mut root) = Field::root(&findings, &node).section()
    {
        let defaults = global(&mut root, folder);
        let receivers = root.get("receivers").map(|field| field.items()).unwrap_or_default();
        for field in &receivers {
            let Some(receiver) = receiver(field, &defaults, folder) else { continue };
            if value.receivers.iter().any(|earlier| earlier.name == receiver.name) {
                field.error(format!("notification config name {:?} is not unique", receiver.name));
            }
            value.receivers.push(receiver);
        }
        match root.get("route") {
            Some(field) => {
                value.route = route(&field, None, &value.receivers).unwrap_or_default();
                if value.route.receiver.is_empty() {
                    field.error("root route must specify a default receiver");
                }
            }
            None => root.error("no routes provided"),
        }
        root.not_supported(&["inhibit_rules", "time_intervals", "mute_time_intervals"]);
        root.inactive(&[
            ("templates", "mails have one form of their own"),
            ("tracing", "there are no traces"),
            ("event_recorder", "events are in the log"),
        ]);
        root.finish();
    }
    Loaded { value, problems: findings.into_problems() }
}

/// What `global` gives e-mail receivers that do not say it themselves.
struct EmailDefaults {
    from: Option<String>,
    smarthost: Option<String>,
    hello: String,
    auth_username: String,
    auth_password: Secret,
    require_tls: bool,
    force_implicit_tls: Option<bool>,
    tls: TlsConfig,
}

fn global(root: &mut Section<'_>, folder: &Path) -> EmailDefaults {
    let mut defaults = EmailDefaults {
        from: None,
        smarthost: None,
        hello: "localhost".to_owned(),
        auth_username: String::new(),
        auth_password: Secret::default(),
        require_tls: true,
        force_implicit_tls: None,
        tls: TlsConfig::default(),
    };
    let Some(mut global) = root.get("global").and_then(|field| field.section()) else { return defaults };
    defaults.from = global.text("smtp_from");
    defaults.smarthost = global.text("smtp_smarthost");
    defaults.hello = global.text("smtp_hello").unwrap_or(defaults.hello);
    defaults.auth_username = global.text("smtp_auth_username").unwrap_or_default();
    defaults.auth_password =
        password(&mut global, "smtp_auth_password", "smtp_auth_password_file", folder).unwrap_or_default();
    defaults.require_tls = global.boolean("smtp_require_tls").unwrap_or(true);
    defaults.force_implicit_tls = global.boolean("smtp_force_implicit_tls");
    defaults.tls = tls(&mut global, "smtp_tls_config", folder);
    global.inactive(&[
        ("resolve_timeout", "alerts come from this program's own rules, which say when they end"),
        ("smtp_auth_secret", "CRAM-MD5 is not spoken"),
        ("smtp_auth_secret_file", "CRAM-MD5 is not spoken"),
        ("smtp_auth_identity", "the identity is always the user"),
        ("http_config", "only mail is sent yet"),
        ("slack_api_url", "only mail is sent yet"),
        ("slack_api_url_file", "only mail is sent yet"),
        ("pagerduty_url", "only mail is sent yet"),
        ("opsgenie_api_url", "only mail is sent yet"),
        ("opsgenie_api_key", "only mail is sent yet"),
        ("wechat_api_url", "only mail is sent yet"),
        ("wechat_api_secret", "only mail is sent yet"),
        ("wechat_api_corp_id", "only mail is sent yet"),
        ("victorops_api_url", "only mail is sent yet"),
        ("victorops_api_key", "only mail is sent yet"),
        ("telegram_api_url", "only mail is sent yet"),
        ("webex_api_url", "only mail is sent yet"),
    ]);
    global.finish();
    defaults
}

fn receiver(field: &Field<'_>, defaults: &EmailDefaults, folder: &Path) -> Option<ReceiverConfig> {
    let mut section = field.section()?;
    let name = section.text("name").unwrap_or_default();
    if name.is_empty() {
        section.error("missing name in receiver");
    }
    let emails = section.get("email_configs").map(|list| list.items()).unwrap_or_default();
    let emails = emails.iter().filter_map(|field| email(field, defaults, folder)).collect();
    // A receiver that would never be told is worse than a refused file.
    section.not_supported(OTHER_INTEGRATIONS);
    section.finish();
    Some(ReceiverConfig { name, emails })
}

fn email(field: &Field<'_>, defaults: &EmailDefaults, folder: &Path) -> Option<EmailConfig> {
    let mut section = field.section()?;
    let to = section.text("to").unwrap_or_default();
    if to.is_empty() {
        section.error("missing to address in email config");
    }
    let smarthost = section.text("smarthost").or_else(|| defaults.smarthost.clone()).unwrap_or_default();
    if smarthost.is_empty() {
        section.error("no global SMTP smarthost set");
    } else if smarthost.rsplit_once(':').is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err()) {
        section.error(format!("address {smarthost:?}: must be HOST:PORT"));
    }
    let from = section.text("from").or_else(|| defaults.from.clone()).unwrap_or_default();
    if from.is_empty() {
        section.error("no global SMTP from set");
    }
    let own_password = password(&mut section, "auth_password", "auth_password_file", folder);
    let own_tls = section.present("tls_config").is_some();
    let tls = tls(&mut section, "tls_config", folder);
    let mut subject = None;
    for (name, value) in section.get("headers").map(|headers| headers.text_pairs()).unwrap_or_default() {
        if name.eq_ignore_ascii_case("subject") && !value.contains("{{") {
            subject = Some(value);
        } else {
            section.error(format!("headers: {name}: only a Subject without templates is supported yet"));
        }
    }
    let config = EmailConfig {
        to,
        from,
        smarthost,
        hello: section.text("hello").unwrap_or_else(|| defaults.hello.clone()),
        auth_username: section.text("auth_username").unwrap_or_else(|| defaults.auth_username.clone()),
        auth_password: own_password.unwrap_or_else(|| defaults.auth_password.clone()),
        require_tls: section.boolean("require_tls").unwrap_or(defaults.require_tls),
        force_implicit_tls: section.boolean("force_implicit_tls").or(defaults.force_implicit_tls),
        tls: if own_tls { tls } else { defaults.tls.clone() },
        subject,
        send_resolved: section.boolean("send_resolved").unwrap_or(true),
    };
    section.inactive(&[
        ("html", "mails have one form of their own"),
        ("text", "mails have one form of their own"),
        ("auth_secret", "CRAM-MD5 is not spoken"),
        ("auth_secret_file", "CRAM-MD5 is not spoken"),
        ("auth_identity", "the identity is always the user"),
        ("threading", "mails of a group are not threaded yet"),
    ]);
    section.finish();
    Some(config)
}

fn route(field: &Field<'_>, parent: Option<&Route>, receivers: &[ReceiverConfig]) -> Option<Route> {
    let mut section = field.section()?;
    let mut own = match parent {
        // Everything but the conditions is inherited.
        Some(parent) => Route { matchers: Vec::new(), continue_matching: false, routes: Vec::new(), ..parent.clone() },
        None => Route::default(),
    };
    if let Some(receiver) = section.get("receiver") {
        own.receiver = receiver.text()?.to_owned();
        if !receivers.iter().any(|known| known.name == own.receiver) {
            receiver.error(format!("undefined receiver {:?} used in route", own.receiver));
        }
    }
    if let Some(group_by) = section.get("group_by") {
        let names = group_by.texts();
        own.group_by = if names == ["..."] { GroupBy::All } else { GroupBy::Labels(names) };
    }
    own.group_wait_ms = section.duration_ms("group_wait").unwrap_or(own.group_wait_ms);
    own.group_interval_ms = section.positive_ms("group_interval").unwrap_or(own.group_interval_ms);
    own.repeat_interval_ms = section.positive_ms("repeat_interval").unwrap_or(own.repeat_interval_ms);
    own.continue_matching = section.boolean("continue").unwrap_or(false);
    for (key, op) in [("match", model::MatchOp::Equal), ("match_re", model::MatchOp::Regexp)] {
        for (name, value) in section.get(key).map(|field| field.pairs()).unwrap_or_default() {
            let matcher = value.parsed(|text| model::Matcher::new(op, name, text));
            own.matchers.extend(matcher);
        }
    }
    for text in section.get("matchers").map(|field| field.items()).unwrap_or_default() {
        own.matchers.extend(text.parsed(alerting::parse_matchers).unwrap_or_default());
    }
    if parent.is_none() && !own.matchers.is_empty() {
        section.error("root route must not have any matchers");
    }
    section.not_supported(&["mute_time_intervals", "active_time_intervals", "labels"]);
    let children = section.get("routes").map(|field| field.items()).unwrap_or_default();
    own.routes = children.iter().filter_map(|child| route(child, Some(&own), receivers)).collect();
    section.finish();
    Some(own)
}

fn password(section: &mut Section<'_>, key: &'static str, file_key: &'static str, folder: &Path) -> Option<Secret> {
    let inline = section.text(key).map(Secret::new);
    let Some(file) = section.get(file_key) else { return inline };
    let path = folder.join(file.text()?);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(Secret::new(text.trim_end().to_owned())),
        Err(error) => {
            file.error(format!("{} cannot be read: {error}", path.display()));
            None
        }
    }
}

fn tls(section: &mut Section<'_>, key: &'static str, folder: &Path) -> TlsConfig {
    section.get(key).map(|field| http::tls(field, folder)).unwrap_or_default()
}
