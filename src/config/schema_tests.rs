//! The schema for editors says what the reader reads: samples are made of it that
//! hold every key, and given to the reader; the examples are given to the schema.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::problem::{File, Findings};
use super::{SCHEMA, check, read_files};

/// What the reader says of samples whose keys are right all the same.
const BESIDE_THE_POINT: [&str; 3] = [
    "this hearth was built without the rppal driver",
    "when the sun rises depends on where the house is",
    "nobody can press it",
];

/// Keys that the reader knows in order to explain them away.
const EXPLAINED_AWAY: [&str; 12] = [
    "password",
    "token",
    "if",
    "then",
    "for",
    "payload",
    "else",
    "set",
    "to",
    "button",
    "times",
    "commit_every",
];

/// Makes values that a schema allows.
struct Sampler {
    root: Value,
    validators: RefCell<BTreeMap<String, Rc<Validator>>>,
}

impl Sampler {
    fn new() -> Sampler {
        Sampler {
            root: serde_json::from_str(SCHEMA).unwrap(),
            validators: RefCell::default(),
        }
    }

    fn is_valid(&self, schema: &Value, value: &Value) -> bool {
        let mut validators = self.validators.borrow_mut();
        let validator = validators.entry(schema.to_string()).or_insert_with(|| {
            let whole = json!({ "$defs": self.root["$defs"], "allOf": [schema] });
            Rc::new(jsonschema::draft202012::new(&whole).unwrap())
        });
        validator.is_valid(value)
    }

    fn definition(&self, reference: &str) -> &Value {
        let found = self.root.pointer(reference.strip_prefix('#').unwrap());
        found.unwrap_or_else(|| panic!("{reference} leads nowhere"))
    }

    /// One value, as small as it can be.
    fn one(&self, schema: &Value) -> Value {
        if let Some(value) = stated(schema).into_iter().next() {
            return value;
        }
        if let Some(reference) = schema["$ref"].as_str() {
            return self.one(self.definition(reference));
        }
        if schema["properties"].is_object() {
            return self.completed(schema, Map::new());
        }
        match (&schema["oneOf"][0], schema["type"].as_str()) {
            (first @ Value::Object(_), _) => self.one(first),
            (_, Some("array")) => json!([self.one(&schema["items"])]),
            (_, Some("object")) => self.named(schema, self.one(&schema["additionalProperties"])),
            _ => panic!("no example for {schema}"),
        }
    }

    /// An entry of a table whose keys the user chooses.
    fn named(&self, schema: &Value, value: Value) -> Value {
        let name = self.one(&schema["propertyNames"]);
        json!({ name.as_str().unwrap(): value })
    }

    /// Adds the keys that must be there, and then others until it is valid.
    fn completed(&self, schema: &Value, mut object: Map<String, Value>) -> Value {
        for key in schema["required"].as_array().into_iter().flatten() {
            let key = key.as_str().unwrap();
            if !object.contains_key(key) {
                let value = self.one(&schema["properties"][key]);
                object.insert(key.to_owned(), value);
            }
        }
        let completed = (0..=3).find_map(|more| self.with_more(schema, &object, more));
        completed.unwrap_or_else(|| panic!("{object:?} cannot be completed"))
    }

    fn with_more(&self, schema: &Value, object: &Map<String, Value>, more: u32) -> Option<Value> {
        if more == 0 {
            let value = Value::Object(object.clone());
            return self.is_valid(schema, &value).then_some(value);
        }
        let properties = schema["properties"].as_object().unwrap();
        let absent = properties
            .iter()
            .filter(|(key, _)| !object.contains_key(*key));
        absent
            .flat_map(|(key, property)| {
                let values = property["enum"].as_array().cloned();
                let values = values.unwrap_or_else(|| vec![self.one(property)]);
                values.into_iter().map(move |value| (key, value))
            })
            .find_map(|(key, value)| {
                let mut object = object.clone();
                object.insert(key.clone(), value);
                self.with_more(schema, &object, more - 1)
            })
    }

    /// Values that together hold every key and every word that the schema knows.
    /// What stands within itself is entered once.
    fn all(&self, schema: &Value, within: &[&str]) -> Vec<Value> {
        let stated = stated(schema);
        if !stated.is_empty() {
            return stated;
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let definition = self.definition(reference);
            if within.contains(&reference) {
                return vec![self.one(definition)];
            }
            let mut values = self.all(definition, &[within, &[reference]].concat());
            // What stands beside a reference narrows it.
            if schema["properties"].is_object() {
                values.retain(|value| self.is_valid(schema, value));
            }
            return values;
        }
        if let Some(properties) = schema["properties"].as_object() {
            let objects = properties.iter().flat_map(|(key, property)| {
                let values = self.all(property, within).into_iter();
                values.map(|value| Map::from_iter([(key.clone(), value)]))
            });
            return objects.map(|o| self.completed(schema, o)).collect();
        }
        match (schema["oneOf"].as_array(), schema["type"].as_str()) {
            (Some(kinds), _) => kinds
                .iter()
                .flat_map(|kind| self.all(kind, within))
                .collect(),
            (_, Some("array")) => {
                let items = self.all(&schema["items"], within).into_iter();
                items.map(|item| json!([item])).collect()
            }
            (_, Some("object")) => {
                let values = self.all(&schema["additionalProperties"], within);
                values.into_iter().map(|v| self.named(schema, v)).collect()
            }
            (_, Some("boolean")) => vec![json!(true), json!(false)],
            _ => panic!("no example for {schema}"),
        }
    }
}

/// The values that a schema itself names.
fn stated(schema: &Value) -> Vec<Value> {
    let lists = ["examples", "enum"].map(|key| schema[key].as_array().cloned());
    let single = ["const", "default"].map(|key| schema.get(key).cloned());
    let single = single.into_iter().flatten();
    let listed = lists.into_iter().flatten().next();
    listed.unwrap_or_else(|| single.take(1).collect())
}

/// What the reader finds wrong, in one line each, and as it is shown.
fn read(config: &Value) -> (Vec<String>, String) {
    let files = [File {
        name: "hearth.toml".to_owned(),
        text: toml::to_string(config).unwrap(),
    }];
    let findings = Findings::default();
    let (config, places) = read_files(&files, Path::new("/"), &findings);
    check::whole(&config, &places, &files, &findings);
    match findings.into_result(files.to_vec()) {
        Ok(_) => (Vec::new(), String::new()),
        Err(problems) => (
            problems.messages().map(str::to_owned).collect(),
            problems.render(false),
        ),
    }
}

fn samples() -> Vec<Value> {
    let sampler = Sampler::new();
    sampler.all(&sampler.root, &[])
}

fn schema() -> Validator {
    let schema = serde_json::from_str(SCHEMA).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

#[test]
fn the_reader_knows_every_key_and_word_of_the_schema() {
    let (schema, samples) = (schema(), samples());
    assert!(samples.len() > 300, "{} samples", samples.len());
    for sample in samples {
        assert!(schema.is_valid(&sample), "{sample}");
        let (messages, shown) = read(&sample);
        let mut messages = messages.iter();
        let fine = messages.all(|message| {
            BESIDE_THE_POINT
                .iter()
                .any(|known| message.starts_with(known))
        });
        assert!(fine, "{sample}\n{shown}");
    }
}

/// The tables of a value, with one key more in one of them at a time.
fn with_a_slip(value: &Value) -> Vec<(Vec<String>, Value)> {
    let within = |(key, inner): (Value, &Value)| {
        let slips = with_a_slip(inner).into_iter();
        let put = |(keys, slip)| {
            let mut whole = value.clone();
            match &key {
                Value::String(key) => whole[key.as_str()] = slip,
                index => whole[usize::try_from(index.as_u64().unwrap()).unwrap()] = slip,
            }
            (keys, whole)
        };
        slips.map(put).collect::<Vec<_>>()
    };
    match value {
        Value::Object(entries) => {
            let mut slip = value.clone();
            slip["zzzzzz"] = json!(true);
            let keys = entries.keys().cloned().collect();
            let inner = entries.iter().map(|(key, v)| (json!(key), v));
            std::iter::once((keys, slip))
                .chain(inner.flat_map(within))
                .collect()
        }
        Value::Array(list) => {
            let inner = list.iter().enumerate().map(|(nth, v)| (json!(nth), v));
            inner.flat_map(within).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn the_schema_knows_every_key_of_the_reader_and_no_other() {
    let schema = schema();
    // By what the reader says it knows in a table: the keys of samples of such tables.
    let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for sample in samples() {
        for (keys, slip) in with_a_slip(&sample) {
            assert!(!schema.is_valid(&slip), "the schema lets pass: {slip}");
            let (messages, shown) = read(&slip);
            assert!(!messages.is_empty(), "the reader lets pass: {slip}");
            if let Some((_, known)) = shown.split_once("known keys here: ") {
                let known = known.lines().next().unwrap().to_owned();
                tables.entry(known).or_default().extend(keys);
            }
        }
    }
    assert!(tables.len() > 20, "{tables:?}");
    for (known, keys) in tables {
        let missing = known
            .split(", ")
            .filter(|key| !keys.contains(*key) && !EXPLAINED_AWAY.contains(key));
        let missing: Vec<&str> = missing.collect();
        assert!(
            missing.is_empty(),
            "of {known} the schema lacks {missing:?}"
        );
    }
}

#[test]
fn the_examples_fit_the_schema() {
    let schema = schema();
    let bare = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.starts_with([' ', '#']) => rest.to_owned(),
        _ => line.to_owned(),
    };
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    let example = read("examples/hearth.toml");
    let bare: Vec<String> = example.lines().map(bare).collect();
    for text in [
        example,
        bare.join("\n"),
        read("examples/demo/hearth.toml"),
        read("tests/config_rules/every_rule.toml"),
    ] {
        let config: Value = toml::from_str(&text).unwrap();
        let errors = schema.iter_errors(&config);
        let errors: Vec<String> = errors
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

/// Whoever hovers over a key reads what it is.
#[test]
fn every_key_is_described() {
    fn look(schema: &Value, at: &str, definitions: &Value) {
        let is_table = schema["type"] == json!("object");
        let properties = schema["properties"].as_object().filter(|_| is_table);
        for (key, property) in properties.into_iter().flatten() {
            let reference = property["$ref"].as_str().unwrap_or_default();
            let definition = &definitions[reference.trim_start_matches("#/$defs/")];
            let described = [property, definition].map(|schema| schema["description"].is_string());
            assert!(described.contains(&true), "{at}/{key}");
        }
        let inner = match schema {
            Value::Object(entries) => entries.iter().map(|(key, v)| (key.clone(), v)).collect(),
            Value::Array(list) => list.iter().map(|v| (String::new(), v)).collect(),
            _ => Vec::new(),
        };
        for (key, inner) in inner {
            look(inner, &format!("{at}/{key}"), definitions);
        }
    }
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    look(&schema, "", &schema["$defs"]);
}
