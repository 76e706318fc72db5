//! `relabel_config`.

use crate::schema::{Group, Kind, Schema, key};

/// A rule.
pub(crate) static RELABEL: Schema = Schema {
    name: "relabel_config",
    groups: &[&Group {
        keys: &[
            key("source_labels", Kind::List(&Kind::Text)),
            key("separator", Kind::Text),
            key("target_label", Kind::Text),
            key("regex", Kind::Text),
            key("modulus", Kind::Count),
            key("replacement", Kind::Text),
            key("action", Kind::Text),
        ],
        check: Some(crate::relabel::check),
    }],
};
