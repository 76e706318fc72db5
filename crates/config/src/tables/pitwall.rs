//! `pitwall.yml`: what the replaced programs' files have no word for.

use crate::schema::{Group, Kind, Schema, key};
use crate::section::Field;

/// Pitwall's own file.
pub(crate) static PITWALL: Schema = Schema {
    name: "pitwall.yml",
    groups: &[&Group {
        keys: &[
            key("collectors", Kind::Section(&COLLECTORS)),
            key("discovery", Kind::Section(&DISCOVERY)),
            key("listen", Kind::Section(&LISTEN)),
            key("storage", Kind::Section(&STORAGE)),
        ],
        check: None,
    }],
};

static COLLECTORS: Schema = Schema {
    name: "collectors",
    groups: &[&Group {
        keys: &[key("interval", Kind::Duration), key("host", Kind::Boolean), key("gpu", Kind::Boolean)],
        check: Some(|section| {
            section.positive_ms("interval");
        }),
    }],
};

static DISCOVERY: Schema = Schema {
    name: "discovery",
    groups: &[&Group {
        keys: &[key("enabled", Kind::Boolean), key("ignore", Kind::List(&Kind::Text))],
        check: Some(|section| {
            for address in section.items("ignore") {
                refuse_no_address(&address);
            }
        }),
    }],
};

static LISTEN: Schema = Schema {
    name: "listen",
    groups: &[&Group {
        keys: &[
            key("prometheus", Kind::Text),
            key("alertmanager", Kind::Text),
            key("node_exporter", Kind::Text),
            key("dcgm_exporter", Kind::Text),
        ],
        check: None,
    }],
};

static STORAGE: Schema = Schema {
    name: "storage of pitwall.yml",
    groups: &[&Group {
        keys: &[key("retention", Kind::Duration)],
        check: Some(|section| {
            section.positive_ms("retention");
        }),
    }],
};

/// A target's address is HOST:PORT.
fn refuse_no_address(field: &Field<'_>) {
    let Some(text) = field.text() else { return };
    if text.rsplit_once(':').is_none_or(|(_, port)| port.parse::<u16>().is_err()) {
        field.error(format!("{text:?} is no address: write HOST:PORT"));
    }
}
