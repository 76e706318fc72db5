//! Grafana's provisioning files: which dashboards and data sources somebody has, read for what is of use here.

use std::path::{Path, PathBuf};

use crate::Loaded;
use crate::hints;
use crate::problem::Severity;
use crate::schema::{Group, Kind, Schema, key};
use crate::section::{Field, Findings, Section};
use crate::walk;
use crate::yaml::Value;

/// What a provisioning file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provisioning {
    /// Data sources that the built-in one stands for.
    pub datasources: Vec<Datasource>,
    /// Folders with dashboards.
    pub dashboard_folders: Vec<PathBuf>,
}

/// A Prometheus that dashboards ask; here they ask the built-in one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Datasource {
    /// Its name, by which old dashboards refer to it.
    pub name: String,
    /// Its identifier, by which new dashboards refer to it; empty if the file does not say it.
    pub uid: String,
    /// Whether panels ask it that do not say whom.
    pub is_default: bool,
}

/// What the built-in data source stands for.
const PROMETHEUS: [&str; 3] =
    ["prometheus", "victoriametrics-metrics-datasource", "grafana-amazonprometheus-datasource"];

const WIRING: &str = "the built-in data source needs no connection";

static PROVISIONING: Schema = Schema {
    name: "Grafana provisioning",
    groups: &[&Group {
        keys: &[
            key("apiVersion", Kind::Integer),
            key("prune", Kind::Boolean).inactive("nothing is stored of a data source that is no longer in the file"),
            key("deleteDatasources", Kind::List(&Kind::Labels)).inactive("there is nothing to delete"),
            key("datasources", Kind::Sections(&DATASOURCE, "empty or null data source")),
            key("providers", Kind::Sections(&PROVIDER, "empty or null dashboard provider")),
        ],
        check: None,
    }],
};

static DATASOURCE: Schema = Schema {
    name: "data source",
    groups: &[&Group {
        keys: &[
            key("name", Kind::Text),
            key("type", Kind::Text),
            key("uid", Kind::Text),
            key("isDefault", Kind::Boolean),
            key("url", Kind::Text),
            key("orgId", Kind::Integer).inactive("there is one organisation"),
            key("access", Kind::Text).inactive(WIRING),
            key("user", Kind::Text).inactive(WIRING),
            key("password", Kind::Secret).inactive(WIRING),
            key("database", Kind::Text).inactive(WIRING),
            key("basicAuth", Kind::Boolean).inactive(WIRING),
            key("basicAuthUser", Kind::Text).inactive(WIRING),
            key("basicAuthPassword", Kind::Secret).inactive(WIRING),
            key("withCredentials", Kind::Boolean).inactive(WIRING),
            key("jsonData", Kind::Any).inactive(WIRING),
            key("secureJsonData", Kind::Any).inactive(WIRING),
            key("version", Kind::Integer).inactive("the file is read anew at each start"),
            key("editable", Kind::Boolean).inactive("the built-in data source is not edited"),
        ],
        check: Some(|section| {
            for (key, message) in [("name", "a data source needs a name"), ("type", "a data source needs a type")] {
                if !section.has(key) {
                    section.error_at(key, message);
                }
            }
        }),
    }],
};

static PROVIDER: Schema = Schema {
    name: "dashboard provider",
    groups: &[&Group {
        keys: &[
            key("name", Kind::Text),
            key("type", Kind::Text),
            key("options", Kind::Section(&OPTIONS)),
            key("orgId", Kind::Integer).inactive("there is one organisation"),
            key("folder", Kind::Text).inactive("dashboards are not kept in folders"),
            key("folderUid", Kind::Text).inactive("dashboards are not kept in folders"),
            key("disableDeletion", Kind::Boolean).inactive("what is in a file is deleted with the file"),
            key("allowUiUpdates", Kind::Boolean).inactive("an edited board is a file of its own"),
            key("editable", Kind::Boolean).inactive("an edited board is a file of its own"),
            key("updateIntervalSeconds", Kind::Integer).inactive("files are read at start and at reload"),
        ],
        check: Some(|section| {
            if section.text("type").is_some_and(|word| word != "file") {
                section.error_at("type", "only dashboards in files are read: type: file");
            }
            if section.get("options").is_none() {
                section.error_at("options", "options.path is missing: the folder with the dashboards");
            }
        }),
    }],
};

static OPTIONS: Schema = Schema {
    name: "options of a dashboard provider",
    groups: &[&Group {
        keys: &[
            key("path", Kind::Path),
            key("foldersFromFilesStructure", Kind::Boolean).inactive("dashboards are not kept in folders"),
        ],
        check: Some(|section| {
            if !section.has("path") {
                section.error_at("path", "options.path is missing: the folder with the dashboards");
            }
        }),
    }],
};

/// Whether the file at `path` is one of Grafana's provisioning files, by its keys.
pub fn is_provisioning(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let Ok(node) = crate::yaml::parse(&text) else { return false };
    let Value::Mapping(entries) = node.value else { return false };
    entries.iter().any(|(key, _)| matches!(key.text.as_str(), "apiVersion" | "datasources" | "providers"))
}

/// Reads a provisioning file. With any error among the problems the value must not be used.
pub fn load(path: &Path) -> Loaded<Provisioning> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text, path),
        Err(error) => Loaded::unreadable(path, &error),
    }
}

fn parse(text: &str, path: &Path) -> Loaded<Provisioning> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let findings = Findings::new(path);
    let mut value = Provisioning::default();
    if let Some(node) = findings.parse(text) {
        let root = Field::root(&findings, &node);
        if let Value::Mapping(entries) = &node.value
            && let Some((name, _)) =
                entries.iter().find(|(key, _)| key.text == "datasources" || key.text == "providers")
        {
            root.add_at(
                Severity::Warning,
                name,
                "this is one of Grafana's provisioning files; it is read for what is of use here",
            );
        }
        if let Some(mut root) = walk::hold(root, &PROVISIONING).section() {
            for field in root.items("datasources") {
                value.datasources.extend(field.section().and_then(|mut section| datasource(&mut section)));
            }
            for field in root.items("providers") {
                let options = field.section().and_then(|mut section| section.subsection("options"));
                value.dashboard_folders.extend(options.and_then(|mut options| options.path("path", folder)));
            }
        }
    }
    Loaded { value, problems: findings.into_problems() }
}

fn datasource(section: &mut Section<'_>) -> Option<Datasource> {
    let kind = section.get("type")?;
    let word = kind.text()?;
    if !PROMETHEUS.contains(&word) {
        let hint = hints::nearest(word, &PROMETHEUS).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        kind.warning(format!("a data source of type {word:?} is not served: panels that ask it stay empty{hint}"));
        return None;
    }
    if let Some(url) = section.get("url") {
        url.warning("the built-in data source stands for it: panels ask this program, not that address");
    }
    Some(Datasource {
        name: section.text("name")?,
        uid: section.text("uid").unwrap_or_default(),
        is_default: section.boolean("isDefault").unwrap_or(false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &Provisioning, explained: &str) {
        let Loaded { value, problems } = parse(text, Path::new("/etc/grafana/x.yml"));
        let shown: Vec<String> =
            problems.iter().skip(1).map(|problem| format!("{}: {}", problem.path, problem.message)).collect();
        assert_eq!((&value, shown.join("\n").as_str()), (expected, explained), "{text}");
    }

    #[test]
    fn a_prometheus_is_the_built_in_one() {
        check(
            "apiVersion: 1\ndatasources:\n- {name: P, type: prometheus, uid: p1, url: 'http://prometheus:9090', isDefault: true}",
            &Provisioning {
                datasources: vec![Datasource { name: "P".to_owned(), uid: "p1".to_owned(), is_default: true }],
                ..Provisioning::default()
            },
            "datasources[0].url: the built-in data source stands for it: panels ask this program, not that address",
        );
    }

    #[test]
    fn what_is_not_served_is_explained() {
        check(
            "datasources:\n- {name: L, type: loki, access: proxy, jsonData: {maxLines: 10, nested: [{a: b}]}}",
            &Provisioning::default(),
            "datasources[0].type: a data source of type \"loki\" is not served: panels that ask it stay empty\n\
             datasources[0].access: has no effect here: the built-in data source needs no connection\n\
             datasources[0].jsonData: has no effect here: the built-in data source needs no connection",
        );
    }

    #[test]
    fn dashboards_are_folders() {
        check(
            "providers:\n- {name: d, type: file, options: {path: boards}}\n- {name: e, options: {path: /var/lib/boards}}",
            &Provisioning {
                dashboard_folders: vec![PathBuf::from("/etc/grafana/boards"), PathBuf::from("/var/lib/boards")],
                ..Provisioning::default()
            },
            "",
        );
    }

    #[test]
    fn mistakes_are_named() {
        check(
            "providers:\n- {name: d, type: git}\ndatasource: []",
            &Provisioning::default(),
            "providers[0]: options.path is missing: the folder with the dashboards\n\
             providers[0].type: only dashboards in files are read: type: file\n\
             datasource: unknown key; did you mean \"datasources\"?",
        );
    }
}
