//! What a target's page says about its metric families.

use std::collections::BTreeMap;

use exposition::{Entry, Parser};
use model::{Family, Metadata};

/// Families of a target whose metadata is kept.
const FAMILIES_MAX: usize = 10_000;
/// Bytes of a help text that are kept.
const HELP_BYTES_MAX: usize = 1_024;

/// Metadata by metric family.
pub type PageMetadata = BTreeMap<String, Metadata>;

/// Reads a whole page for its metadata. What a page says twice counts as it is said last, as in Prometheus.
pub(crate) fn of_page(page: Parser<'_>) -> PageMetadata {
    let mut found = PageMetadata::new();
    for entry in page.map_while(Result::ok) {
        match entry {
            Entry::Type { name, kind } => change(&mut found, name, |metadata| metadata.kind = kind),
            Entry::Help { name, text } => change(&mut found, name, |metadata| metadata.help = shortened(&text)),
            Entry::Unit { name, unit } => change(&mut found, name, |metadata| unit.clone_into(&mut metadata.unit)),
            Entry::Series { .. } | Entry::Histogram { .. } | Entry::Comment(_) => {}
        }
    }
    found
}

/// What a built-in collector says.
pub(crate) fn of_families(families: &[Family]) -> PageMetadata {
    let metadata = |family: &Family| Metadata { kind: family.kind, help: family.help.clone(), unit: String::new() };
    families.iter().take(FAMILIES_MAX).map(|family| (family.name.clone(), metadata(family))).collect()
}

fn change(found: &mut PageMetadata, name: &str, change: impl FnOnce(&mut Metadata)) {
    if found.contains_key(name) || found.len() < FAMILIES_MAX {
        change(found.entry(name.to_owned()).or_default());
    }
}

fn shortened(help: &str) -> String {
    help[..help.floor_char_boundary(HELP_BYTES_MAX)].to_owned()
}
