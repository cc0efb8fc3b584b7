//! ARM templates, as exports, `bicep build` and people write them.
//!
//! A template is evaluated as far as it tells by itself: parameters by their default values, variables, functions,
//! loops, conditions, nested deployments. What only Azure knows becomes [`UNKNOWN`] in its place, which no typed
//! struct accepts, so that nothing is judged on it. Source: "Template structure and syntax", Microsoft Learn.

mod expression;
mod knit;
mod relaxed;
mod resources;
mod scope;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Batch, Gap, Item, Kind, Reason, Sink};
pub use expression::unknown::UNKNOWN;
pub(super) use relaxed::{LONGEST, looks_like_bicep, looks_relaxed, strict};
use resources::{Found, Walk};
use scope::Budget;

/// Hands the resources of a template to the sink; how many they are. `line`: that on which the text starts.
pub(super) fn read(text: &str, input: u32, path: &str, line: u64, sink: &mut dyn Sink) -> u64 {
    let gap = |scope: &str, what: &str, reason, line: u64, detail: &str| {
        let (scope, detail) = match scope {
            "" => (path, format!("line {line}: {detail}")),
            scope => (scope, format!("{path}: line {line}: {detail}")),
        };
        Gap { scope: scope.to_owned(), what: what.to_owned(), reason, detail }
    };
    let template: Value = match serde_json::from_str(text) {
        Ok(template) => template,
        Err(error) => {
            let at = line + (error.line() as u64).saturating_sub(1);
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            sink.gap(gap("", "file", Reason::Damaged, at, &format!("the template is no JSON: {message}")));
            return 0;
        }
    };
    let Some(members) = template.as_object() else { return 0 };
    let budget = Budget::default();
    let mut found = Walk::all(members, &budget);
    let notes = knit::knit(&mut found);
    notes.into_iter().for_each(|note| sink.note(format!("`{path}`: {note}")));
    let lines = lines(text, line);
    let line_of = |entry: usize| lines.get(entry).copied().unwrap_or(line);
    let Found { resources, lacks, .. } = found;
    for lack in lacks {
        sink.gap(gap(&lack.scope, &lack.what, lack.reason, line_of(lack.entry), &lack.detail));
    }
    let count = resources.len() as u64;
    for resource in resources {
        let text = resource.value.to_string();
        let item =
            Item { kind: Kind::Resource, span: 0..text.len(), line: line_of(resource.entry), column: 1, about: None };
        sink.batch(Batch { input, text, items: vec![item] });
    }
    count
}

/// The lines on which the entries of a template's own list start.
fn lines(text: &str, line: u64) -> Vec<u64> {
    #[derive(Deserialize)]
    struct Outline<'t> {
        #[serde(borrow)]
        resources: &'t RawValue,
    }
    let Ok(outline) = serde_json::from_str::<Outline<'_>>(text) else { return Vec::new() };
    let entries: Vec<&RawValue> = match serde_json::from_str(outline.resources.get()) {
        Ok(list) => list,
        Err(_) => match serde_json::from_str::<Named<'_>>(outline.resources.get()) {
            Ok(Named(entries)) => entries,
            Err(_) => return Vec::new(),
        },
    };
    let mut at = (0, line);
    let starts = entries.into_iter().map(|entry| {
        let start = entry.get().as_ptr() as usize - text.as_ptr() as usize;
        let behind = memchr::memchr_iter(b'\n', &text.as_bytes()[at.0..start.max(at.0)]).count() as u64;
        at = (start.max(at.0), at.1 + behind);
        at.1
    });
    starts.collect()
}

/// The values of an object, in their order.
struct Named<'t>(Vec<&'t RawValue>);

impl<'de: 't, 't> Deserialize<'de> for Named<'t> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values;
        impl<'de> serde::de::Visitor<'de> for Values {
            type Value = Vec<&'de RawValue>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut values = Vec::new();
                while map.next_key::<serde::de::IgnoredAny>()?.is_some() {
                    values.push(map.next_value::<&'de RawValue>()?);
                }
                Ok(values)
            }
        }
        deserializer.deserialize_map(Values).map(Named)
    }
}

#[cfg(test)]
mod tests;
