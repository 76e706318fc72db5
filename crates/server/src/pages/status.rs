//! Pages about the program itself: configuration, flags, runtime, storage.

use axum::Router;
use axum::extract::State as Extract;
use axum::response::Response;
use axum::routing::get;
use units::unit::{MISSING, Unit};

use super::view::parts::{Badge, Empty, Icon, Mood};
use super::view::shell::{Section, Shell};
use super::view::status::{ConfigPage, FactTable, FactsPage, StatusTab};
use super::view::time;
use super::{firing, show};
use crate::State;
use crate::api::cardinality::{self, Count};

/// Entries of each list of the storage page.
const LIST_ROWS: usize = 20;

/// The pages, where Prometheus has them.
pub(crate) fn routes() -> Router<State> {
    Router::new()
        .route("/config", get(config))
        .route("/flags", get(flags))
        .route("/status", get(runtime))
        .route("/tsdb-status", get(storage))
}

fn shell(state: &State, heading: &str, href: &'static str) -> Shell {
    Shell { firing: firing(state), ..Shell::new(Section::Targets, heading, href) }
}

/// `GET /config`
async fn config(Extract(state): Extract<State>) -> Response {
    let in_force = state.facts.configuration.load();
    let since_ms = in_force.since.as_ms();
    let moment = time::date_and_clock(since_ms, time::local_offset_s(since_ms));
    let badge = in_force.refused.as_ref().map(|_| Badge::new(Mood::Crit, "Last reload refused"));
    let empty = in_force.yaml.is_empty().then(|| {
        Empty::new(Mood::Neutral, "There is no configuration")
            .icon(Icon::Info)
            .line("Pitwall was started without one, and collects what it finds. To give it one:")
            .code("pitwall --config.file=prometheus.yml")
    });
    show(&ConfigPage {
        shell: Shell {
            badge,
            facts: vec![format!("in force since {moment}"), "secrets are hidden".to_owned()],
            ..shell(&state, "Configuration", "/config")
        },
        tabs: StatusTab::all("/config"),
        refused: in_force.refused.clone(),
        yaml: in_force.yaml.clone(),
        empty,
    })
}

/// `GET /flags`
async fn flags(Extract(state): Extract<State>) -> Response {
    let shown = |value: &str| if value.is_empty() { MISSING.to_owned() } else { value.to_owned() };
    let rows = state.facts.flags.iter().map(|(name, value)| (format!("--{name}"), shown(value)));
    show(&FactsPage {
        shell: shell(&state, "Flags", "/flags"),
        tabs: StatusTab::all("/flags"),
        tables: vec![table("", "", rows.collect())],
    })
}

/// `GET /status`
async fn runtime(Extract(state): Extract<State>) -> Response {
    let (facts, in_force) = (&state.facts, state.facts.configuration.load());
    let moment = |ms: i64| time::date_and_clock(ms, time::local_offset_s(ms));
    let (started_ms, now_ms) = (facts.started.as_ms(), state.now().as_ms());
    let reload = match &in_force.refused {
        None => "accepted".to_owned(),
        Some(why) => format!("refused: {why}"),
    };
    let store = (facts.store)();
    let rows = [
        ("Version", state.build.name_and_version.to_owned()),
        ("Language and API of", format!("Prometheus {}", state.build.prometheus_version)),
        ("Started", format!("{}, {} ago", moment(started_ms), time::span(now_ms - started_ms))),
        ("Machine", state.hostname.to_string()),
        ("Folder", facts.working_dir.to_string()),
        ("Cores", facts.cores.to_string()),
        ("Configuration in force since", moment(in_force.since.as_ms())),
        ("Last reload", reload),
        ("Raw samples are kept", units::duration::format_ms(in_force.retention_ms)),
        ("Series", number(store.series)),
        ("Damaged files set aside", store.damaged.to_string()),
    ];
    let rows = rows.map(|(name, value)| (name.to_owned(), value)).into();
    show(&FactsPage {
        shell: shell(&state, "Runtime", "/status"),
        tabs: StatusTab::all("/status"),
        tables: vec![FactTable { code: false, ..table("", "", rows) }],
    })
}

/// `GET /tsdb-status`
async fn storage(Extract(state): Extract<State>) -> Response {
    let tables = match cardinality::read(&state, LIST_ROWS).await {
        Ok(found) => {
            let list = |heading, unit, counts: Vec<Count>, sized: bool| {
                let value =
                    |n: usize| if sized { Unit::parse("bytes").format(n as f64, None).to_string() } else { number(n) };
                let rows = counts.into_iter().map(|count| (count.name, value(count.value))).collect();
                FactTable { span: "c6", ..table(heading, unit, rows) }
            };
            vec![
                list("Series by metric name", "series", found.series_count_by_metric_name, false),
                list("Values by label name", "values", found.label_value_count_by_label_name, false),
                list("Memory of values by label name", "bytes", found.memory_in_bytes_by_label_name, true),
                list("Series by label", "series", found.series_count_by_label_value_pair, false),
            ]
        }
        Err(error) => vec![table("The storage cannot be read", "", vec![("Why".to_owned(), error.to_string())])],
    };
    let series = (state.facts.store)().series;
    show(&FactsPage {
        shell: Shell {
            facts: vec![format!("{} series", number(series)), "counted over the last two hours".to_owned()],
            ..shell(&state, "Storage", "/tsdb-status")
        },
        tabs: StatusTab::all("/tsdb-status"),
        tables,
    })
}

fn number(n: usize) -> String {
    Unit::parse("none").format(n as f64, Some(0)).to_string()
}

fn table(heading: &str, unit: &'static str, rows: Vec<(String, String)>) -> FactTable {
    FactTable { heading: heading.to_owned(), span: "", code: true, unit, rows }
}
