//! The symptoms themselves, for people and for machines.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::layout::{hanging, limit_columns, list};
use super::text::visible;
use crate::count::counted;
use crate::policy::{Policy, PolicySet};
use crate::symptoms::{Language, Symptom};

/// Writes a list of objects, one for each symptom.
pub fn json(symptoms: &[Symptom], policies: &PolicySet, out: &mut dyn Write) -> io::Result<()> {
    let list: Vec<Value> = symptoms.iter().map(|symptom| object(symptom, policies)).collect();
    serde_json::to_writer_pretty(&mut *out, &list)?;
    writeln!(out)
}

/// Writes one object.
pub fn json_of_one(symptom: &Symptom, policies: &PolicySet, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &object(symptom, policies))?;
    writeln!(out)
}

fn object(symptom: &Symptom, policies: &PolicySet) -> Value {
    fn texts<T: serde::Serialize>(texts: &crate::symptoms::Texts<T>) -> Value {
        let members = texts.iter().map(|(language, text)| (language.code().to_owned(), json!(text)));
        Value::Object(members.collect::<Map<_, _>>())
    }
    let events: Vec<Value> = symptom.events.iter().map(|it| json!({ "source": it.source, "id": it.id })).collect();
    json!({
        "id": symptom.id, "title": texts(&symptom.title), "codes": symptom.codes, "events": events,
        "messages": texts(&symptom.messages), "headings": texts(&symptom.headings), "cause": texts(&symptom.cause),
        "steps": texts(&symptom.steps), "policies": policies.explaining(&symptom.id).map(Policy::id).collect::<Vec<_>>(), "references": symptom.references,
    })
}

/// Writes a table of that many columns.
pub fn table(symptoms: &[Symptom], language: Language, width: u16, out: &mut dyn Write) -> io::Result<()> {
    let mut table = list(width, ["Symptom", "Codes", "What the user meets"]);
    for symptom in symptoms {
        table.add_row([&symptom.id, &symptom.codes.join("\n"), symptom.title.get(language)]);
    }
    limit_columns(&mut table, width);
    writeln!(out, "{table}")?;
    writeln!(out, "{}", counted(symptoms.len() as u64, "symptom"))
}

/// Writes one symptom for people, in lines of that many columns.
pub fn text(
    symptom: &Symptom,
    policies: &PolicySet,
    language: Language,
    width: u16,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{}", symptom.id)?;
    writeln!(out, "  {}", hanging(2, width, symptom.title.get(language)))?;
    writeln!(out, "  {}\n", hanging(2, width, symptom.cause.get(language)))?;
    let entry = |name: &str, text: &str, out: &mut dyn Write| {
        writeln!(out, "  {name:<10} {}", hanging(13, width, &visible(text)))
    };
    symptom.codes.iter().try_for_each(|code| entry("code", code, out))?;
    for event in &symptom.events {
        entry("event", &format!("{} of {}", event.id, event.source.join(", ")), out)?;
    }
    symptom.messages.get(language).iter().try_for_each(|message| entry("message", message, out))?;
    policies.explaining(&symptom.id).try_for_each(|policy| entry("policy", policy.id(), out))?;
    symptom.references.iter().try_for_each(|address| entry("article", address, out))?;
    writeln!(out)?;
    for (i, step) in symptom.steps.get(language).iter().enumerate() {
        writeln!(out, "  {}. {}", i + 1, hanging(5, width, &visible(step)))?;
    }
    Ok(())
}
