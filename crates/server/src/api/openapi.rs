//! The API as an OpenAPI 3.1 document, made from the table of endpoints.

use axum::extract::State as Extract;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::endpoints::{ENDPOINTS, Endpoint, Kind, Parameter};
use crate::State;

/// `/api/v1/openapi.yaml`
pub(crate) async fn document(Extract(state): Extract<State>) -> Response {
    let mut yaml = String::new();
    write(&mut yaml, &whole(state.build.name_and_version), 0);
    ([(header::CONTENT_TYPE, "application/yaml; charset=utf-8")], yaml).into_response()
}

fn whole(version: &str) -> Value {
    let paths: Map<String, Value> = ENDPOINTS.iter().map(|e| (e.path.to_owned(), path(e))).collect();
    let answer = |about: &str, reference: &str| {
        let schema = json!({"$ref": format!("#/components/schemas/{reference}")});
        json!({"description": about, "content": {"application/json": {"schema": schema}}})
    };
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Pitwall: Prometheus' HTTP API",
            "version": version.rsplit(' ').next().unwrap_or_default(),
        },
        "servers": [{"url": "/api/v1"}],
        "paths": paths,
        "components": {
            "schemas": {
                "Success": {
                    "type": "object",
                    "required": ["status", "data"],
                    "properties": {
                        "status": {"const": "success"},
                        "data": {},
                        "warnings": {"type": "array", "items": {"type": "string"}},
                        "infos": {"type": "array", "items": {"type": "string"}},
                    },
                },
                "Error": {
                    "type": "object",
                    "required": ["status", "errorType", "error"],
                    "properties": {
                        "status": {"const": "error"},
                        "errorType": {"type": "string"},
                        "error": {"type": "string"},
                    },
                },
            },
            "responses": {
                "Success": answer("The answer.", "Success"),
                "Error": answer("Why there is none.", "Error"),
            },
        },
    })
}

fn path(endpoint: &Endpoint) -> Value {
    let operation = |method: &&str| ((*method).to_owned(), operation(endpoint, method));
    Value::Object(endpoint.methods.iter().map(operation).collect())
}

/// One method. What the URL takes for a GET, a POST takes in a form as well.
fn operation(endpoint: &Endpoint, method: &str) -> Value {
    let in_path = endpoint
        .path
        .contains("{name}")
        .then(|| json!({"name": "name", "in": "path", "required": true, "schema": {"type": "string"}}));
    let in_query = endpoint.parameters.iter().filter(|_| method == "get").map(|parameter| {
        json!({
            "name": parameter.name,
            "in": "query",
            "required": parameter.required,
            "description": parameter.about,
            "schema": schema(parameter.kind),
        })
    });
    let mut operation = json!({"summary": endpoint.about});
    let parameters: Vec<Value> = in_path.into_iter().chain(in_query).collect();
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if method != "get" && !endpoint.parameters.is_empty() {
        let schema = form(endpoint.parameters);
        operation["requestBody"] = json!({"content": {"application/x-www-form-urlencoded": {"schema": schema}}});
    }
    operation["responses"] = json!({
        "200": {"$ref": "#/components/responses/Success"},
        "default": {"$ref": "#/components/responses/Error"},
    });
    operation
}

fn form(parameters: &[Parameter]) -> Value {
    let property = |parameter: &Parameter| {
        let mut schema = schema(parameter.kind);
        schema["description"] = parameter.about.into();
        (parameter.name.to_owned(), schema)
    };
    let required: Vec<&str> = parameters.iter().filter(|p| p.required).map(|p| p.name).collect();
    json!({
        "type": "object",
        "required": required,
        "properties": parameters.iter().map(property).collect::<Map<_, _>>(),
    })
}

fn schema(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!({"type": "string"}),
        Kind::Texts => json!({"type": "array", "items": {"type": "string"}}),
        Kind::Time => json!({"type": "string", "format": "Unix seconds or RFC 3339"}),
        Kind::Duration => json!({"type": "string", "format": "seconds or a notation such as 1h30m"}),
        Kind::Integer => json!({"type": "integer"}),
        Kind::Boolean => json!({"type": "boolean"}),
    }
}

/// Block style; keys and texts in quotes, which every YAML reader takes.
fn write(out: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let plain = key.chars().all(|c| c.is_ascii_alphabetic() || c == '/' || c == '_');
                let key = if plain { key.clone() } else { json!(key).to_string() };
                out.push_str(&format!("{indent}{key}:"));
                write_nested(out, value, depth);
            }
        }
        Value::Array(items) => {
            for item in items {
                out.push_str(&format!("{indent}-"));
                write_nested(out, item, depth);
            }
        }
        scalar => out.push_str(&format!("{indent}{scalar}\n")),
    }
}

/// What follows a key or a dash: a scalar, or an empty collection, in the same line.
fn write_nested(out: &mut String, value: &Value, depth: usize) {
    let is_block = match value {
        Value::Object(entries) => !entries.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if is_block {
        out.push('\n');
        write(out, value, depth + 1);
    } else {
        out.push_str(&format!(" {value}\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table says what the router has, in its order.
    #[test]
    fn every_route_is_in_the_document() {
        let source = include_str!("mod.rs");
        let v1 = source.split("pub(crate) fn v1()").nth(1).and_then(|rest| rest.split("\n}\n").next());
        let routed: Vec<&str> = v1
            .expect("the router's function")
            .split(".route(")
            .skip(1)
            .filter_map(|route| route.split('"').nth(1))
            .collect();
        let listed: Vec<&str> = ENDPOINTS.iter().map(|endpoint| endpoint.path).collect();
        assert_eq!(listed, routed);
    }

    #[test]
    fn a_document_is_yaml() {
        let mut yaml = String::new();
        write(&mut yaml, &json!({"a": {"b[]": "c: \"d\"", "e": [1, {"f": {}}], "g": []}}), 0);
        assert_eq!(yaml, "a:\n  \"b[]\": \"c: \\\"d\\\"\"\n  e:\n    - 1\n    -\n      f: {}\n  g: []\n");
    }
}
