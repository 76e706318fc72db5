//! `storage` and `runtime`.

use super::http::one_of;
use crate::schema::{Group, Kind, Schema, key};

/// What is kept. The windows of samples out of order and of exemplars count from the next start on.
pub(crate) static STORAGE: Schema = Schema {
    name: "storage",
    groups: &[&Group {
        keys: &[key("tsdb", Kind::Section(&TSDB)), key("exemplars", Kind::Section(&EXEMPLARS))],
        check: None,
    }],
};

static TSDB: Schema = Schema {
    name: "tsdb",
    groups: &[&Group {
        keys: &[
            key("retention", Kind::Section(&RETENTION)),
            key("out_of_order_time_window", Kind::Duration),
            key("stale_series_compaction_threshold", Kind::Float).inactive("the storage engine is another"),
            key("chunk_encoding", Kind::Section(&CHUNK_ENCODING)).inactive("the storage engine is another"),
        ],
        check: Some(|section| {
            if section
                .get("stale_series_compaction_threshold")
                .and_then(|field| field.float())
                .is_some_and(|ratio| !(0.0..=1.0).contains(&ratio))
            {
                section.error_at("stale_series_compaction_threshold", "must be between 0 and 1");
            }
        }),
    }],
};

static RETENTION: Schema = Schema {
    name: "retention",
    groups: &[&Group {
        keys: &[
            key("time", Kind::Duration),
            key("size", Kind::Size),
            key("percentage", Kind::Float).inactive("only age and size of samples are limited yet"),
        ],
        check: Some(|section| {
            let percentage = section.get("percentage").and_then(|field| field.float());
            if percentage.is_some_and(|percentage| !(0.0..=100.0).contains(&percentage)) {
                section.error_at("percentage", "retention percentage must be between 0 and 100");
            }
        }),
    }],
};

static CHUNK_ENCODING: Schema = Schema {
    name: "chunk_encoding",
    groups: &[&Group {
        keys: &[key("floats", Kind::Text)],
        check: Some(|section| {
            one_of(section, "floats", &["xor", "xor2"], |found| {
                format!("unknown chunk encoding {found:?} for floats, must be either \"xor\" or \"xor2\"")
            });
        }),
    }],
};

static EXEMPLARS: Schema =
    Schema { name: "exemplars", groups: &[&Group { keys: &[key("max_exemplars", Kind::Integer)], check: None }] };

/// Prometheus' own runtime.
pub(crate) static RUNTIME: Schema =
    Schema { name: "runtime", groups: &[&Group { keys: &[key("gogc", Kind::Integer)], check: None }] };
