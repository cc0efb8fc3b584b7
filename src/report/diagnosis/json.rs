//! The schema `azaudit.diagnosis/v1`: a contract. No key is ever missing.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::{Diagnosis, Look};
use crate::events::{EventLog, ScenarioCount};
use crate::report::json::finding;
use crate::symptoms::{Catalogue, Language};

/// Writes the object.
pub fn write(diagnosis: &Diagnosis, out: &mut dyn Write) -> io::Result<()> {
    let Diagnosis { language, symptom, matches, look, events } = diagnosis;
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
        "events": events.as_ref().map(|events| log(events, *language)),
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

fn log(events: &EventLog, language: Language) -> Value {
    let scenario = |it: &ScenarioCount| {
        let ids: Vec<Value> =
            it.ids.iter().map(|it| json!({ "source": it.source, "id": it.id, "count": it.count })).collect();
        let steps = Catalogue::builtin().get(&it.symptom).map_or(&[][..], |it| it.steps.get(language));
        json!({ "symptom": it.symptom, "count": it.count, "last": it.last, "ids": ids, "clientSteps": steps })
    };
    let scenarios: Vec<Value> = events.scenarios.iter().map(scenario).collect();
    json!({ "read": events.read, "damaged": events.damaged, "scenarios": scenarios })
}
