//! The JSON Schema of policy files, for editors. It is made from what the loader itself goes by: its keys, its words
//! and the facts' own documentation.
//!
//! It is of draft 7, which is what the YAML language server of the common editors takes. What an expression says
//! it leaves to `azaudit policies check`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Severity;
use super::expression::type_of;
use super::keys::{self, Key};
use crate::facts::schema::{RecordType, Type};
use crate::facts::{SubjectKind, resource};
use crate::symptoms;

/// The keys that a policy cannot do without.
const REQUIRED: [&str; 6] = ["title", "severity", "subject", "check", "message", "remediation"];

/// What the language of expressions has.
const LANGUAGE: &str = "Operators: && || ! == != < <= > >= + - * / % in ?:. Functions: size, contains, startsWith, \
                        endsWith, matches, lowerAscii, int, double, string, has. Over lists: all, exists, exists_one, filter, map.";

/// The schema of a policy file, draft 7.
pub fn json_schema() -> Value {
    let properties: Map<String, Value> = keys::POLICY.iter().map(property).collect();
    let mut rules = vec![only_with("port", SubjectKind::RdpEndpoint), only_with("type", SubjectKind::Resource)];
    // Over `check` an editor shows the facts of the subject that the file names. It shows the first description that
    // it meets, so the key itself has none.
    let check = keys::POLICY.iter().find(|key| key.name == "check").map_or("", |key| key.doc);
    rules.push(json!({
        "if": { "properties": { "subject": { "enum": SubjectKind::ALL.map(SubjectKind::word) } }, "required": ["subject"] },
        "else": { "properties": { "check": { "description": check } } },
    }));
    let described = |roots: Roots| {
        let text = format!("{check}\n\n{LANGUAGE}\n\n{}", facts_of(roots));
        json!({ "properties": { "check": { "markdownDescription": text } } })
    };
    rules.extend(SubjectKind::ALL.map(|kind| {
        let facts = described(&kind.roots());
        let then = match kind {
            SubjectKind::Resource => {
                let whole = described(&resource::whole_roots());
                json!({ "if": { "required": ["type"] }, "then": whole, "else": facts })
            }
            _ => facts,
        };
        json!({
            "if": { "properties": { "subject": { "const": kind.word() } }, "required": ["subject"] },
            "then": then,
        })
    }));
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "azaudit policy",
        "description": "A claim about every subject of one kind. The file's name without its extension is the policy's id.",
        "type": "object",
        "required": REQUIRED,
        "additionalProperties": false,
        "properties": properties,
        "allOf": rules,
        "defaultSnippets": [{ "label": "policy", "description": "A new policy", "body": example() }],
    })
}

/// A policy that loads.
fn example() -> Value {
    json!({
        "title": "Gateway names are written in lower case",
        "severity": "low",
        "subject": "gateway",
        "check": "gateway.name.matches(\"^[a-z0-9-]+$\")",
        "message": "{{ gateway.name }} is not written in lower case",
        "remediation": { "text": "Name the next gateway in lower case." },
    })
}

/// A key with what may stand behind it.
fn property(key: &Key) -> (String, Value) {
    let mut schema = shape(key.name);
    if key.name != "check" {
        schema["description"] = json!(key.doc);
    }
    (key.name.to_owned(), schema)
}

fn shape(key: &str) -> Value {
    match key {
        "id" => json!({ "type": "string", "pattern": "^[a-z0-9-]+$" }),
        "title" | "why" => {
            json!({ "type": "string", "pattern": r"^(?![\s\S]*\{\{)[\s\S]*\S", "patternErrorMessage": "a text without values" })
        }
        "severity" => severity(),
        "severityWhen" => {
            let entry = closed(&keys::SEVERITY_WHEN, &["when", "severity"], |key| match key {
                "severity" => severity(),
                _ => text(),
            });
            json!({ "type": "array", "items": entry })
        }
        "subject" => json!({
            "enum": SubjectKind::ALL.map(SubjectKind::word),
            "enumDescriptions": SubjectKind::ALL.map(summary),
        }),
        "type" => json!({
            "type": "string",
            "pattern": r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+(/[A-Za-z0-9._-]+)+$",
            "examples": ["Microsoft.Storage/storageAccounts"],
        }),
        "port" => json!({ "type": "integer", "minimum": 1, "maximum": 65535 }),
        "params" => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
            "additionalProperties": { "type": ["number", "boolean", "string"] },
        }),
        "evidence" => {
            json!({ "type": "object", "propertyNames": { "pattern": r"\S" }, "additionalProperties": text() })
        }
        "remediation" => closed(&keys::REMEDIATION, &["text"], |key| match key {
            "commands" => json!({ "type": "array", "items": text() }),
            _ => text(),
        }),
        "symptoms" => json!({ "type": "array", "items": { "enum": symptoms::ids() } }),
        "references" => json!({ "type": "array", "items": { "type": "string", "pattern": "^https://" } }),
        "frameworks" => json!({
            "type": "object",
            "propertyNames": { "pattern": r"\S" },
            "additionalProperties": { "type": "array", "items": text() },
        }),
        _ => text(),
    }
}

fn text() -> Value {
    json!({ "type": "string", "pattern": r"\S" })
}

fn severity() -> Value {
    json!({
        "enum": Severity::ALL.map(Severity::word),
        "enumDescriptions": ["Broken or open now.", "Breaks for some, or soon.", "A risk.", "Worth mending.", "Worth knowing."],
    })
}

/// A map of these keys and no others.
fn closed(keys: &[Key], required: &[&str], shape: impl Fn(&str) -> Value) -> Value {
    let property = |key: &Key| {
        let mut schema = shape(key.name);
        schema["description"] = json!(key.doc);
        (key.name.to_owned(), schema)
    };
    let properties: Map<String, Value> = keys.iter().map(property).collect();
    json!({ "type": "object", "required": required, "additionalProperties": false, "properties": properties })
}

/// A key that one kind of subject has.
fn only_with(key: &str, kind: SubjectKind) -> Value {
    json!({
        "if": { "required": [key] },
        "then": { "properties": { "subject": { "const": kind.word() } } },
    })
}

/// What a kind is, and what expressions about it start with.
fn summary(kind: SubjectKind) -> String {
    let roots = kind.roots();
    let doc = roots.first().map_or("", |(_, record)| record.doc.as_str());
    let names: Vec<String> = roots.iter().map(|(name, _)| format!("`{name}`")).collect();
    format!("{doc} Expressions start with {}.", names.join(" or "))
}

/// The names that expressions start with.
type Roots<'r> = &'r [(&'static str, &'static RecordType)];

/// The facts that expressions can use, as Markdown.
fn facts_of(roots: Roots) -> String {
    let mut records = BTreeMap::new();
    let mut sections = Vec::new();
    for (name, root) in roots {
        sections.push(section(&format!("`{name}`"), root, &format!("{name}.")));
        nested(root, &mut records);
    }
    sections.extend(records.values().map(|record| section(&format!("`{}`", record.name), record, "")));
    sections.join("\n\n")
}

fn section(heading: &str, record: &RecordType, prefix: &str) -> String {
    let fields =
        record.fields.iter().map(|field| format!("\n- `{prefix}{}` ({}): {}", field.name, type_of(field), field.doc));
    format!("{heading}: {}\n{}", record.doc, fields.collect::<String>())
}

/// The records that a record holds, and those that they hold.
fn nested(record: &'static RecordType, records: &mut BTreeMap<&'static str, &'static RecordType>) {
    for field in &record.fields {
        if let Some(inner) = record_in(&field.ty)
            && records.insert(inner.name, inner).is_none()
        {
            nested(inner, records);
        }
    }
}

fn record_in(ty: &Type) -> Option<&'static RecordType> {
    match ty {
        Type::Record(record) => Some(record),
        Type::List(inner) | Type::Nullable(inner) => record_in(inner),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
