//! `openapi.yaml`, and whether an answer is one that it allows.

use super::app::Answer;
use crate::judges::{python, root};
use axum::http::Method;
use serde_json::{Map, Value, json};
use std::sync::OnceLock;

/// The contract as JSON, read and checked by other people's programs.
pub(crate) fn contract() -> &'static Value {
    static CONTRACT: OnceLock<Value> = OnceLock::new();
    CONTRACT.get_or_init(|| {
        let path = root("openapi.yaml");
        let text = python("openapi_json.py", &[path.to_str().unwrap()]);
        serde_json::from_str(&text).unwrap()
    })
}

/// The path of the contract that fits a called one. Words go before places: `/trust` is no look-up code.
fn template(called: &str) -> Option<&'static str> {
    let called: Vec<&str> = called.split('/').collect();
    let paths = contract()["paths"].as_object().unwrap();
    let fits = |path: &&String| {
        let own: Vec<&str> = path.split('/').collect();
        own.len() == called.len()
            && own
                .iter()
                .zip(&called)
                .all(|(own, called)| own == called || (own.starts_with('{') && !called.is_empty()))
    };
    let found = paths.keys().filter(fits);
    found
        .min_by_key(|path| path.matches('{').count())
        .map(String::as_str)
}

/// Panics unless the contract knows the operation and this very answer of it: status, media type, schema.
/// Fields that the schema does not name are a difference too.
pub(crate) fn check(method: &Method, called: &str, answer: &Answer) {
    let called = called.split('?').next().unwrap();
    let path = template(called).unwrap_or_else(|| panic!("{called} is not in the contract"));
    let method = method.as_str().to_lowercase();
    let operation = &contract()["paths"][path][&method];
    assert!(
        operation.is_object(),
        "{method} {path} is not in the contract"
    );
    let status = answer.status.as_str();
    let response = resolved(&operation["responses"][status]);
    assert!(
        response.is_object(),
        "{method} {path} answers {status}, which is not in the contract: {}",
        answer.text()
    );
    let Some(content) = response.get("content") else {
        return;
    };
    let kind = answer.kind();
    let media = content.get(kind).unwrap_or_else(|| {
        panic!("{method} {path} {status} is of the type {kind:?}, which is not in the contract")
    });
    if kind.ends_with("json") {
        let wrong = differences(&media["schema"], &answer.json());
        assert!(
            wrong.is_empty(),
            "{method} {path} {status}: {wrong:#?}\n{}",
            answer.text()
        );
    }
}

fn resolved(node: &'static Value) -> &'static Value {
    match node.get("$ref").and_then(Value::as_str) {
        Some(place) => contract().pointer(place.trim_start_matches('#')).unwrap(),
        None => node,
    }
}

/// What of an instance a schema of the contract does not allow.
fn differences(schema: &Value, instance: &Value) -> Vec<String> {
    static COMPONENTS: OnceLock<Value> = OnceLock::new();
    let components = COMPONENTS.get_or_init(|| {
        let schemas = contract()["components"]["schemas"].as_object().unwrap();
        let closed = schemas
            .iter()
            .map(|(name, schema)| (name.clone(), closed(schema, true)));
        json!({ "schemas": closed.collect::<Map<_, _>>() })
    });
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "components": components,
        "allOf": [closed(schema, false)],
    });
    let options = jsonschema::options().should_validate_formats(true);
    let validator = options.build(&schema).unwrap();
    let errors = validator.iter_errors(instance);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// The schema without room for fields that it does not name. What stands inside `allOf` is closed by what
/// stands around it, and so is a component by the place that refers to it.
fn closed(schema: &Value, by_others: bool) -> Value {
    let Some(object) = schema.as_object() else {
        return schema.clone();
    };
    let mut made = Map::new();
    for (key, value) in object {
        let value = match (key.as_str(), value) {
            ("properties", Value::Object(fields)) => fields
                .iter()
                .map(|(name, schema)| (name.clone(), closed(schema, false)))
                .collect::<Map<_, _>>()
                .into(),
            ("allOf", Value::Array(parts)) => parts.iter().map(|one| closed(one, true)).collect(),
            ("oneOf", Value::Array(parts)) => parts.iter().map(|one| closed(one, false)).collect(),
            ("items", one) => closed(one, false),
            _ => value.clone(),
        };
        made.insert(key.clone(), value);
    }
    let names = ["properties", "allOf", "$ref"];
    let open = !by_others && !object.contains_key("additionalProperties");
    if open && names.iter().any(|name| object.contains_key(*name)) {
        made.insert("unevaluatedProperties".to_owned(), Value::Bool(false));
    }
    Value::Object(made)
}
