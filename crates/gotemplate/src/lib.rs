//! Go's `text/template` with a host's values; must not know alerts or PromQL.
//!
//! What is here: actions, pipelines, variables, `if`, `with`, `range`, `define`, `template`, comments, trim markers, the
//! builtin functions and those that Prometheus and Alertmanager add. Methods of host objects and the HTML-safe form are
//! still to come.

mod exec;
mod functions;
mod lexer;
mod parser;
mod value;

use std::collections::BTreeMap;

use thiserror::Error;

pub use functions::{Function, Functions};
pub use value::Value;

use crate::parser::Node;

/// A template is refused beyond this size in bytes.
pub const TEMPLATE_BYTES_MAX: usize = 256 << 10;
/// An execution ends when it has written this many bytes.
pub const OUTPUT_BYTES_MAX: usize = 1 << 20;
/// Steps of all loops of an execution.
pub const ITERATIONS_MAX: usize = 100_000;
/// How deep actions and templates may nest.
pub const DEPTH_MAX: usize = 100;

/// Why a template cannot be read or executed; the texts begin as Go's do.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("template: {name}:{line}: {message}")]
pub struct TemplateError {
    /// The template.
    pub name: String,
    /// The line in it, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// A template that was read.
#[derive(Clone, Debug)]
pub struct Template {
    name: String,
    root: Vec<Node>,
    defined: BTreeMap<String, Vec<Node>>,
}

impl Template {
    /// Reads a template. Functions must be known by name.
    ///
    /// # Errors
    /// The text is no template, or names a function that nobody has.
    pub fn parse(name: &str, text: &str, functions: &Functions) -> Result<Self, TemplateError> {
        let fault = |(line, message): (usize, String)| TemplateError { name: name.to_owned(), line, message };
        if TEMPLATE_BYTES_MAX < text.len() {
            return Err(fault((1, format!("more than {TEMPLATE_BYTES_MAX} bytes"))));
        }
        let tokens = lexer::lex(text).map_err(fault)?;
        let (root, defined) = parser::parse(tokens, &|name| functions.has(name)).map_err(fault)?;
        Ok(Self { name: name.to_owned(), root, defined })
    }

    /// Executes it with `data` as the dot.
    ///
    /// # Errors
    /// A value is not what an action needs, a function fails, or a bound is reached.
    pub fn execute(&self, data: &Value, functions: &Functions) -> Result<String, TemplateError> {
        exec::execute(&self.root, &self.defined, data, functions).map_err(|(line, message)| TemplateError {
            name: self.name.clone(),
            line,
            message: format!("executing {:?}: {message}", self.name),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn data() -> Value {
        Value::map([
            ("Labels", Value::map([("gpu", Value::from("0")), ("job", Value::from("dcgm"))])),
            ("Value", Value::Float(93.5)),
            ("List", Value::List(vec![Value::Int(1), Value::Int(2), Value::Int(3)])),
            ("Empty", Value::List(vec![])),
        ])
    }

    fn check(text: &str, expected: &str) {
        let functions = Functions::standard();
        let found = Template::parse("t", text, &functions).and_then(|template| template.execute(&data(), &functions));
        assert_eq!(found.unwrap_or_else(|error| format!("! {error}")), expected, "{text}");
    }

    #[test]
    fn actions_do_what_go_s_do() {
        check("GPU {{ .Labels.gpu }}: {{.Value}}%", "GPU 0: 93.5%");
        check("{{ $v := .Value }}{{ $v | printf \"%.1f\" }} {{ printf \"%s-%d-%v\" \"a\" 3 1e6 }}", "93.5 a-3-1e+06");
        check("{{ .Labels.nothing }}|{{ .nothing }}", "|<no value>");
        check("{{ if gt .Value 90.0 }}hot{{ else }}fine{{ end }}", "hot");
        check("{{ if eq .Labels.gpu \"1\" }}a{{ else if eq .Labels.gpu \"0\" }}b{{ end }}", "b");
        check("{{ range $i, $x := .List }}{{ $i }}={{ $x }};{{ end }}", "0=1;1=2;2=3;");
        check("{{ range .Empty }}x{{ else }}none{{ end }}", "none");
        check("{{ range $k, $v := .Labels }}{{ $k }}={{ $v }} {{ end }}", "gpu=0 job=dcgm ");
        check("{{ with .Labels }}{{ .job }}{{ end }}", "dcgm");
        check("a {{- /* gone */ -}} b", "ab");
        check("{{ define \"x\" }}[{{ . }}]{{ end }}{{ template \"x\" .Value }}", "[93.5]");
        check(
            "{{ and true 0 }} {{ or \"\" \"z\" }} {{ not false }} {{ len .List }} {{ index .List 1 }}",
            "0 z true 3 2",
        );
        check("{{ (index .Labels \"gpu\") | toUpper }}{{ \"q\" | printf \"%q\" }}", "0\"q\"");
        check("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2");
        check(
            "{{ range .List }}{{ if eq . 2 }}{{ continue }}{{ end }}{{ if eq . 3 }}{{ break }}{{ end }}{{ . }}{{ end }}",
            "1",
        );
    }

    #[test]
    fn the_library_prints_as_prometheus_does() {
        check(
            "{{ 0.9734 | humanizePercentage }} {{ humanize 1234567.0 }} {{ humanize1024 1048576.0 }}",
            "97.34% 1.235M 1Mi",
        );
        check(
            "{{ humanizeDuration 93784.0 }} {{ humanizeDuration 0.0153 }} {{ humanizeDuration 59.5 }}",
            "1d 2h 3m 4s 15.3ms 59.5s",
        );
        check("{{ humanizeTimestamp 1435065584.128 }}", "2015-06-23 13:19:44.128 +0000 UTC");
        check(
            "{{ title \"hello world\" }} {{ reReplaceAll \"(.)b\" \"${1}x\" \"abab\" }} {{ match \"a.*\" \"xab\" }}",
            "Hello World axax true",
        );
        check("{{ stripPort \"h:90\" }} {{ stripDomain \"a.b.c:90\" }} {{ parseDuration \"1h30m\" }}", "h a:90 5400");
    }

    #[test]
    fn errors_name_their_line() {
        check("\n{{ nosuch 1 }}", "! template: t:2: function \"nosuch\" not defined");
        check("{{ if }}", "! template: t:1: missing value for if");
        check("{{ .Value", "! template: t:1: unclosed action");
        check("{{ range .Value }}{{ end }}", "! template: t:1: executing \"t\": range can't iterate over 93.5");
        check("{{ end }}", "! template: t:1: unexpected {{end}}");
        check("{{ $x }}", "! template: t:1: undefined variable \"$x\"");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\{\\{|\\}\\}|if|range|end|\\.|\\$x|:=|\\||\"|\\(|\\)|a| |1|-){0,40}") {
            let functions = Functions::standard();
            if let Ok(template) = Template::parse("t", &text, &functions) {
                let _out = template.execute(&data(), &functions);
            }
        }
    }
}
