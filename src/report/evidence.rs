//! The essentials of a finding's evidence, in a few lines for people. Machine formats carry all of it.

use serde_json::{Map, Value};

use super::text::{shortened, visible};

/// Lines that are shown; what lies beyond stands in the JSON report.
const LINES: usize = 6;
/// Characters of one line.
const LENGTH: usize = 160;
/// Entries of one list.
const ENTRIES: usize = 5;

/// One line for each fact that says something: `offset: 64`, `witness: source=203.0.113.7, port=3389`.
pub fn lines(evidence: &Map<String, Value>) -> Vec<String> {
    let said: Vec<(&String, &Value)> = evidence.iter().filter(|(_, value)| !says_nothing(value)).collect();
    let mut lines: Vec<String> = said
        .iter()
        .take(LINES)
        .map(|(name, value)| {
            let line = format!("{name}: {}", brief(value));
            shortened(&visible(&line), LENGTH).into_owned()
        })
        .collect();
    if said.len() > LINES {
        lines.push(format!("… and {} more in the JSON report", said.len() - LINES));
    }
    lines
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(says_nothing),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn brief(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let mut entries: Vec<String> = items.iter().take(ENTRIES).map(brief).collect();
            if items.len() > ENTRIES {
                entries.push(format!("… {} more", items.len() - ENTRIES));
            }
            let separator = if items.iter().any(Value::is_object) { "; " } else { ", " };
            entries.join(separator)
        }
        Value::Object(members) => {
            let said = members.iter().filter(|(_, value)| !says_nothing(value));
            let entries: Vec<String> = said
                .map(|(name, value)| match value {
                    Value::Object(_) | Value::Array(_) => format!("{name}=({})", brief(value)),
                    _ => format!("{name}={}", brief(value)),
                })
                .collect();
            entries.join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(evidence: Value) -> Vec<String> {
        lines(evidence.as_object().unwrap())
    }

    #[test]
    fn nested_facts_become_one_line_each() {
        let evidence = json!({
            "sources": ["0.0.0.0/0"], "open": true,
            "witness": {"source": "203.0.113.7", "tag": null, "wayIn": {"kind": "publicIp", "address": "198.51.100.4"}},
        });
        assert_eq!(
            shown(evidence),
            [
                "sources: 0.0.0.0/0",
                "open: true",
                "witness: source=203.0.113.7, wayIn=(kind=publicIp, address=198.51.100.4)"
            ]
        );
    }

    #[test]
    fn what_says_nothing_is_left_out_and_zero_and_false_say_something() {
        assert_eq!(shown(json!({"a": null, "b": [], "c": {"d": ""}, "e": 0, "f": false})), ["e: 0", "f: false"]);
    }

    #[test]
    fn long_lists_and_many_facts_say_how_much_is_left_out() {
        assert_eq!(shown(json!({"ports": [1, 2, 3, 4, 5, 6, 7]})), ["ports: 1, 2, 3, 4, 5, … 2 more"]);
        let many = shown(json!({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7}));
        assert_eq!(many.last().unwrap(), "… and 1 more in the JSON report");
        assert_eq!(many.len(), 7);
    }
}
