//! The schema `azaudit.diagnosis/v1`: a contract. No key is ever missing.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::{Diagnosis, Look};
use crate::report::json::finding;

/// Writes the object; `events`: what an event log says, or null.
pub fn write(diagnosis: &Diagnosis, events: &Value, out: &mut dyn Write) -> io::Result<()> {
    let Diagnosis { language, symptom, matches, look } = diagnosis;
    let matches: Vec<Value> = matches.iter().map(|(id, score)| json!({ "id": id, "score": rounded(*score) })).collect();
    let document = json!({
        "schema": "azaudit.diagnosis/v1",
        "language": language.code(),
        "symptom": symptom.map(|it| &it.id),
        "matches": matches,
        "title": symptom.map(|it| it.title.get(*language)),
        "causes": look.as_ref().map(causes),
        "clientSteps": symptom.map_or(&[][..], |it| it.steps.get(*language)),
        "references": symptom.map_or(&[][..], |it| &it.references),
        "events": events,
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

/// Two digits say enough of a likeness.
fn rounded(score: f32) -> f64 {
    (f64::from(score) * 100.0).round() / 100.0
}

fn causes(look: &Look) -> Vec<Value> {
    let cause = |it: &super::Cause| {
        let mut whole = finding(&it.judgement);
        let mut object = Map::new();
        object.insert("state".to_owned(), json!(it.state.word()));
        for key in ["policy", "subject", "message", "evidence", "remediation"] {
            object.insert(key.to_owned(), whole[key].take());
        }
        Value::Object(object)
    };
    look.causes.iter().map(cause).collect()
}
