//! `docs/configuration.md`, written from the tables that the files are held against.

use std::collections::VecDeque;

use crate::schema::{Group, Key, Kind, Schema, State};
use crate::tables::discovery::DISCOVERIES;
use crate::tables::http::{HTTP, PROXY};
use crate::tables::pitwall::PITWALL;
use crate::tables::scrape::SHARED;
use crate::tables::{PROMETHEUS, SCRAPE_CONFIG_FILE};

const INTRODUCTION: &str = "\
# Configuration

Every key of `prometheus.yml`, as Prometheus 3.14 knows it, and what it does here:

- **active**: it does what it does in Prometheus.
- **inactive**: it is checked as strictly as the others and has no effect; the log and `pitwall check config` say so.
- **refused**: a file with it is not taken, because obeying it is impossible and ignoring it would surprise.
- **understood**: Prometheus does not know it, but people write it; it is taken as said, with a warning.

A key that is in no table is an error with its line and column. Paths count from the folder of the file that they stand
in. `pitwall check config FILE` says everything that is wrong with a file at once.

This page is written by `cargo xtask config-docs` from the tables in `crates/config/src/tables`; do not edit it.
";

/// Groups of keys that stand in several sections, described once.
fn shared() -> [(&'static Group, &'static str); 4] {
    [
        (&HTTP, "HTTP client"),
        (&PROXY, "proxies"),
        (&DISCOVERIES, "discoveries"),
        (&SHARED, "keys that `global` and a job share"),
    ]
}

/// The page, in Markdown.
pub fn documentation() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut sections = sections(&PROMETHEUS);
    sections.push(Entry { schema: &SCRAPE_CONFIG_FILE, inactive: None });
    sections.extend(self::sections(&PITWALL));
    for (group, title) in shared() {
        page.push_str(&format!("\n## {}\n\n", title_case(title)));
        table(&mut page, group.keys, None);
    }
    for Entry { schema, inactive } in sections {
        page.push_str(&format!("\n## `{}`\n\n", schema.name));
        if let Some(why) = inactive {
            page.push_str(&format!("The whole section is inactive: {why}.\n\n"));
        }
        let (named, own): (Vec<&&Group>, Vec<&&Group>) = schema.groups.iter().partition(|group| title(group).is_some());
        let keys: Vec<Key> = own.iter().flat_map(|group| group.keys).copied().collect();
        table(&mut page, &keys, inactive);
        let titles: Vec<&str> = named.iter().filter_map(|group| title(group)).collect();
        if !titles.is_empty() {
            page.push_str(&format!("\nAnd those of: {}.\n", titles.join(", ")));
        }
    }
    page
}

/// What a shared group is called.
fn title(group: &Group) -> Option<&'static str> {
    shared().iter().find(|(known, _)| std::ptr::eq(*known, group)).map(|(_, title)| *title)
}

fn title_case(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[derive(Clone)]
/// A section of a file, with the reason if it is inactive as a whole.
struct Entry {
    schema: &'static Schema,
    inactive: Option<&'static str>,
}

/// All sections of a file, each once; a section that is active anywhere is active.
fn sections(root: &'static Schema) -> Vec<Entry> {
    let mut found: Vec<Entry> = vec![Entry { schema: root, inactive: None }];
    let mut queue = VecDeque::from([(root, None)]);
    while let Some((schema, inactive)) = queue.pop_front() {
        for key in schema.keys() {
            let Some(inner) = key.kind.schema() else { continue };
            let inactive = match (inactive, key.state) {
                (Some(why), _) | (None, State::Inactive(why)) => Some(why),
                _ => None,
            };
            match found.iter_mut().find(|entry| std::ptr::eq(entry.schema, inner)) {
                Some(entry) if entry.inactive.is_some() && inactive.is_none() => entry.inactive = None,
                Some(_) => continue,
                None => found.push(Entry { schema: inner, inactive }),
            }
            queue.push_back((inner, inactive));
        }
    }
    found
}

fn table(page: &mut String, keys: &[Key], inactive: Option<&str>) {
    page.push_str("| key | value | |\n|---|---|---|\n");
    for key in keys {
        let state = match key.state {
            State::Active if inactive.is_some() => "inactive".to_owned(),
            State::Active => "active".to_owned(),
            State::Inactive(why) => format!("inactive: {why}"),
            State::Refused(instead) => format!("refused: {instead}"),
            State::Foreign(taken_as) => format!("understood: {taken_as}"),
        };
        page.push_str(&format!("| `{}` | {} | {state} |\n", key.name, value(key.kind)));
    }
}

fn value(kind: Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Secret => "secret".to_owned(),
        Kind::Path => "path".to_owned(),
        Kind::Url => "URL".to_owned(),
        Kind::Boolean => "`true` or `false`".to_owned(),
        Kind::Count => "whole number from 0".to_owned(),
        Kind::Integer => "whole number".to_owned(),
        Kind::Float => "number".to_owned(),
        Kind::Duration => "duration".to_owned(),
        Kind::Size => "size".to_owned(),
        Kind::Labels => "labels".to_owned(),
        Kind::Any => "anything".to_owned(),
        Kind::List(inner) => format!("list of {}", value(*inner)),
        Kind::Map(inner) => format!("names, each with {}", value(*inner)),
        Kind::Section(schema) => format!("`{}`", schema.name),
        Kind::Sections(schema, _) => format!("list of `{}`", schema.name),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::{pitwall, prometheus, reads, samples};

    #[test]
    fn the_page_is_what_the_tables_say() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
        // As for a snapshot.
        if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
            std::fs::write(&page, documentation()).unwrap();
        }
        let written = std::fs::read_to_string(page).unwrap();
        assert!(
            written == documentation(),
            "docs/configuration.md is out of date: run `cargo xtask config-docs` or `bless`"
        );
    }

    #[test]
    fn sections_have_one_name_each() {
        let all = [sections(&PROMETHEUS), sections(&PITWALL)].concat();
        let names: BTreeSet<&str> = all.iter().map(|entry| entry.schema.name).collect();
        assert_eq!(names.len(), all.len());
    }

    /// A section with nothing but inactive keys need not be read.
    fn has_effect(kind: Kind) -> bool {
        kind.schema().is_none_or(|schema| schema.keys().any(|key| !matches!(key.state, State::Inactive(_))))
    }

    /// A file with every key: what the tables call active is read, and nothing is read that is not in them, which the
    /// sections themselves watch over.
    #[test]
    fn readers_read_what_is_active() {
        let text = samples::document(&PROMETHEUS, &samples::value);
        drop(prometheus::problems_of(&text));
        drop(pitwall::parse(&samples::document(&PITWALL, &samples::value), Path::new("p")));
        let read = reads::all();
        let active =
            [sections(&PROMETHEUS), sections(&PITWALL)].concat().into_iter().filter(|entry| entry.inactive.is_none());
        let unread: Vec<String> = active
            .flat_map(|entry| entry.schema.keys().map(move |key| (entry.schema.name, key)))
            .filter(|(section, key)| {
                matches!(key.state, State::Active | State::Foreign(_))
                    && has_effect(key.kind)
                    && !read.contains(&(*section, key.name))
            })
            .map(|(section, key)| format!("{section}: {}", key.name))
            .collect();
        assert_eq!(unread, [""; 0]);
        let inactive: Vec<&(&str, &str)> = read
            .iter()
            .filter(|(section, name)| {
                let schema = [sections(&PROMETHEUS), sections(&PITWALL)]
                    .concat()
                    .into_iter()
                    .find(|entry| entry.schema.name == *section);
                schema
                    .and_then(|entry| entry.schema.key(name))
                    .is_some_and(|key| matches!(key.state, State::Inactive(_)))
            })
            .collect();
        assert_eq!(inactive, [&("", ""); 0], "read, though the tables say that it has no effect");
    }
}
