//! The essentials of a finding's evidence, in a few lines for people. Machine formats carry all of it.

use serde_json::{Map, Value};

use super::text::{shortened, visible};

/// Lines that are shown; what lies beyond stands in the JSON report.
const LINES: usize = 6;
/// Characters of one line.
const LENGTH: usize = 160;
/// Entries of one list.
const ENTRIES: usize = 5;

/// One line for each fact that says something which the message does not: `offset: 64`,
/// `witness: source=203.0.113.7, port=3389`.
pub fn lines(evidence: &Map<String, Value>, message: &str) -> Vec<String> {
    let news = |value: &Value| !says_nothing(value) && !repeats(value, message);
    let said: Vec<(&String, &Value)> = evidence.iter().filter(|(_, value)| news(value)).collect();
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

/// Whether all of the value stands in the message, word by word.
fn repeats(value: &Value, message: &str) -> bool {
    match value {
        nothing if says_nothing(nothing) => true,
        Value::Null | Value::Bool(_) => false,
        Value::String(_) | Value::Number(_) => stands_in(&brief(value), message),
        Value::Array(items) => items.iter().all(|item| repeats(item, message)),
        Value::Object(members) => members.values().all(|member| repeats(member, message)),
    }
}

/// Whether the text stands in the message by itself and not as a part of a name, an address or a number. One
/// character alone stands in many sentences by chance.
fn stands_in(text: &str, message: &str) -> bool {
    let of_a_word = |c: char| c.is_alphanumeric() || c == '_';
    let joins = |c: char| "-./:,".contains(c);
    let goes_on = |beside: &mut dyn Iterator<Item = char>| match beside.next() {
        Some(c) if joins(c) => beside.next().is_some_and(of_a_word),
        next => next.is_some_and(of_a_word),
    };
    text.chars().nth(1).is_some()
        && message.match_indices(text).any(|(at, _)| {
            let (before, after) = (&message[..at], &message[at + text.len()..]);
            !goes_on(&mut before.chars().rev()) && !goes_on(&mut after.chars())
        })
}

fn brief(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => number.as_f64().map_or_else(|| number.to_string(), rounded),
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

/// At most three decimals, and no zeros at the end.
fn rounded(number: f64) -> String {
    if number.abs() >= 1e15 {
        return number.to_string();
    }
    let text = format!("{number:.3}");
    match text.trim_end_matches('0').trim_end_matches('.') {
        "-0" => "0".to_owned(),
        text => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(evidence: Value) -> Vec<String> {
        lines(evidence.as_object().unwrap(), "")
    }

    fn beside(message: &str, evidence: Value) -> Vec<String> {
        lines(evidence.as_object().unwrap(), message)
    }

    #[test]
    fn fractions_are_rounded_for_people() {
        let evidence = json!({"a": -345.6145833333333, "b": 0.5957563312799452, "c": 1.0, "d": 2953, "e": -0.0001});
        assert_eq!(shown(evidence), ["a: -345.615", "b: 0.596", "c: 1", "d: 2953", "e: 0"]);
        assert_eq!(shown(json!({"a": {"b": [0.12345]}})), ["a: b=(0.123)"]);
        assert_eq!(shown(json!({"a": 1e300})), [format!("a: {}", shortened(&1e300.to_string(), LENGTH - 3))]);
    }

    #[test]
    fn what_only_repeats_the_message_is_left_out() {
        let evidence =
            json!({"routeTable": "rt-hub", "routes": [{"prefix": "0.0.0.0/0", "name": "all"}], "offset": 64});
        let message = "all (0.0.0.0/0) of route table rt-hub, at 64.";
        assert_eq!(beside(message, evidence.clone()), [""; 0]);
        let without_route = beside("all of route table rt-hub, at 64.", evidence);
        assert_eq!(without_route, ["routes: prefix=0.0.0.0/0, name=all"]);
    }

    #[test]
    fn a_part_of_a_word_is_no_repetition() {
        for message in ["rt-hub-2", "a/rt-hub", "rt-hubs", "rt-hub.example"] {
            assert_eq!(beside(message, json!({"table": "rt-hub"})), ["table: rt-hub"], "{message}");
        }
        for message in ["rt-hub.", "`rt-hub`", "(rt-hub)", "to: rt-hub, now", "rt-hub: gone", "rt-hub-2 and rt-hub"] {
            assert_eq!(beside(message, json!({"table": "rt-hub"})), [""; 0], "{message}");
        }
        assert_eq!(beside("0 of 4 at 10.0.0.0", json!({"sstp": 0, "all": 10})), ["sstp: 0", "all: 10"]);
        assert_eq!(beside("it is true", json!({"open": true})), ["open: true"]);
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
