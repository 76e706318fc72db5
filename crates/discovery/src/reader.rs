//! Reads target groups as `file_sd` and `http_sd` write them: a list of `targets` with `labels`.

use std::collections::BTreeMap;

use model::{Labels, LabelsBuilder};
use serde::Deserialize;
use thiserror::Error;

use crate::TargetGroup;

/// A text of target groups is refused beyond this size in bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 16 << 20;

/// How the text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Yaml,
}

/// Why a text gives no target groups.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum ReadError {
    #[error("{0}")]
    Syntax(String),
    #[error("the text has {0} bytes, more than the {TEXT_BYTES_MAX} that are read")]
    TooLong(usize),
    #[error("it is empty; write [] for no targets")]
    Empty,
    #[error("it is not UTF-8: {0}")]
    NotUtf8(#[from] std::str::Utf8Error),
    #[error("nil target group item found (index {0})")]
    Null(usize),
    #[error("group {0} has a label without a name")]
    NamelessLabel(usize),
}

/// Unknown keys are errors, as in Prometheus: a misspelt `label` would otherwise go unseen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGroup {
    #[serde(default)]
    targets: Option<Vec<String>>,
    #[serde(default)]
    labels: Option<BTreeMap<String, Option<String>>>,
}

/// The groups of a text. The source of each is `source:INDEX`; `meta` is a label that all of them get.
pub(crate) fn read(
    text: &[u8],
    format: Format,
    source: &str,
    meta: (&str, &str),
) -> Result<Vec<TargetGroup>, ReadError> {
    if TEXT_BYTES_MAX < text.len() {
        return Err(ReadError::TooLong(text.len()));
    }
    let text = std::str::from_utf8(text)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // A file that is being written is empty for a moment. No targets are written `[]`, or as a YAML comment.
    if text.trim().is_empty() {
        return Err(ReadError::Empty);
    }
    let groups = match format {
        Format::Json => parse_json(text)?,
        Format::Yaml => parse_yaml(text)?,
    };
    let with_index = groups.into_iter().enumerate();
    with_index.map(|(index, group)| target_group(group.ok_or(ReadError::Null(index))?, index, source, meta)).collect()
}

fn parse_json(text: &str) -> Result<Vec<Option<RawGroup>>, ReadError> {
    serde_json::from_str::<Option<_>>(text)
        .map(Option::unwrap_or_default)
        .map_err(|error| ReadError::Syntax(error.to_string()))
}

fn parse_yaml(text: &str) -> Result<Vec<Option<RawGroup>>, ReadError> {
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Vec::new());
    }
    serde_saphyr::from_str::<Option<_>>(text).map(Option::unwrap_or_default).map_err(|error| {
        let message = error.without_snippet().render();
        let line = message.lines().next().unwrap_or("not valid YAML");
        ReadError::Syntax(line.strip_prefix("error: ").unwrap_or(line).to_owned())
    })
}

fn target_group(
    raw: RawGroup,
    index: usize,
    source: &str,
    (meta_name, meta_value): (&str, &str),
) -> Result<TargetGroup, ReadError> {
    let mut labels = LabelsBuilder::default();
    for (name, value) in raw.labels.unwrap_or_default() {
        if name.is_empty() {
            return Err(ReadError::NamelessLabel(index));
        }
        labels.set(&name, &value.unwrap_or_default());
    }
    labels.set(meta_name, meta_value);
    let targets = raw.targets.unwrap_or_default();
    Ok(TargetGroup {
        source: format!("{source}:{index}"),
        targets: targets.into_iter().map(|target| Labels::from_pairs([("__address__", target)])).collect(),
        labels: labels.build(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, format: Format, expected: &str) {
        let shown = match read(text.as_bytes(), format, "f", ("__meta_filepath", "f")) {
            Ok(groups) => groups
                .iter()
                .map(|group| {
                    let targets: Vec<_> =
                        group.targets.iter().map(|target| target.get("__address__").unwrap()).collect();
                    format!("{} {targets:?} {}\n", group.source, group.labels)
                })
                .collect(),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn yaml_groups() {
        check(
            "- targets: ['a:1', b:2]\n  labels: {port: 9100, version: 1.10, off: yes, none: ~}\n- labels: {}\n",
            Format::Yaml,
            "f:0 [\"a:1\", \"b:2\"] {__meta_filepath=\"f\", off=\"yes\", port=\"9100\", version=\"1.10\"}\n\
             f:1 [] {__meta_filepath=\"f\"}\n",
        );
        check("# nothing yet\n", Format::Yaml, "");
        check("[]", Format::Yaml, "");
    }

    #[test]
    fn json_groups() {
        check(
            r#"[{"targets": ["a:1"], "labels": {"zone": "x"}}]"#,
            Format::Json,
            "f:0 [\"a:1\"] {__meta_filepath=\"f\", zone=\"x\"}\n",
        );
        check("null", Format::Json, "");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        check("", Format::Yaml, "it is empty; write [] for no targets");
        check(" \n", Format::Json, "it is empty; write [] for no targets");
        check("[null]", Format::Json, "nil target group item found (index 0)");
        check("- targets: []\n-\n", Format::Yaml, "nil target group item found (index 1)");
        check(
            "- targets: [a]\n  label: {}\n",
            Format::Yaml,
            "unknown field `label`, expected one of targets, labels at line 2, column 3",
        );
        check(
            r#"[{"targets": ["a"], "label": {}}]"#,
            Format::Json,
            "unknown field `label`, expected `targets` or `labels` at line 1 column 27",
        );
        check(
            r#"[{"targets": ["a"], "labels": {"port": 1}}]"#,
            Format::Json,
            "invalid type: integer `1`, expected a string at line 1 column 40",
        );
        check(r#"[{"targets": ["a"], "labels": {"": "x"}}]"#, Format::Json, "group 0 has a label without a name");
        check(r#"[{"targets": ["a""#, Format::Json, "EOF while parsing a list at line 1 column 17");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[-a-z:\\[\\]{}\", \n]{0,60}") {
            for format in [Format::Json, Format::Yaml] {
                let outcome = read(text.as_bytes(), format, "f", ("m", "v"));
                if let Ok(groups) = outcome {
                    proptest::prop_assert!(groups.iter().all(|group| group.labels.get("m") == Some("v")));
                }
            }
        }
    }
}
