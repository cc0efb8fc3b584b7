//! The essentials of a finding's evidence, in a few lines for people. Machine formats carry all of it.

use serde_json::{Map, Value};

use super::text::{grouped, shortened, visible};

/// Lines that are shown; what lies beyond stands in the JSON report.
const LINES: usize = 6;
/// Characters of one line.
const LENGTH: usize = 160;
/// Entries of one list.
const ENTRIES: usize = 5;
/// Lists that facts cut, and where the number of all their entries stands.
const CUT: [(&str, &str); 1] = [("sources", "sourcePrefixes")];

/// One line for each fact that says something which the message does not: `offset: 64`,
/// `witness: source=203.0.113.7, port=3389`.
pub fn lines(evidence: &Map<String, Value>, message: &str) -> Vec<String> {
    let news = |value: &Value| !says_nothing(value) && !repeats(value, message);
    let told = |name: &str| CUT.iter().any(|(list, number)| *number == name && evidence.contains_key(*list));
    let said: Vec<(&String, &Value)> =
        evidence.iter().filter(|(name, value)| news(value) && !told(name.as_str())).collect();
    let mut lines: Vec<String> = said
        .iter()
        .take(LINES)
        .map(|(name, value)| {
            let line = format!("{name}: {}", full(name, value, evidence));
            shortened(&visible(&line), LENGTH).into_owned()
        })
        .collect();
    if said.len() > LINES {
        lines.push(format!("… and {} more in the JSON report", said.len() - LINES));
    }
    lines
}

/// A value in brief. Of a list that is cut already, its full number is told.
fn full(name: &str, value: &Value, evidence: &Map<String, Value>) -> String {
    let number = CUT.iter().find(|(list, _)| *list == name).and_then(|(_, number)| evidence.get(*number)?.as_u64());
    match (value, number) {
        (Value::Array(items), Some(number)) => entries(items, number),
        _ => brief(value),
    }
}

fn entries(items: &[Value], number: u64) -> String {
    let mut entries: Vec<String> = items.iter().take(ENTRIES).map(brief).collect();
    let more = number.saturating_sub(entries.len() as u64);
    if more > 0 {
        entries.push(format!("… {} more", grouped(more)));
    }
    let separator = if items.iter().any(Value::is_object) { "; " } else { ", " };
    entries.join(separator)
}

/// Whether it is a resource's id beside its name: it is long, and says little more.
fn is_id(name: &str, value: &Value, beside: &Map<String, Value>) -> bool {
    name == "id" && beside.contains_key("name") && value.as_str().is_some_and(|it| it.starts_with("/subscriptions/"))
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
        Value::Array(items) => entries(items, items.len() as u64),
        Value::Object(members) if members.len() == 1 && members.contains_key("unread") => "not read".to_owned(),
        Value::Object(members) => {
            let said = members.iter().filter(|(name, value)| !says_nothing(value) && !is_id(name, value, members));
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

/// At most three decimals, and no zeros at the end; of huge numbers the size.
fn rounded(number: f64) -> String {
    if number.abs() >= 1e15 {
        return format!("{number:.3e}");
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
        assert_eq!(shown(json!({"a": 1e300, "b": 2f64.powi(125)})), ["a: 1.000e300", "b: 4.254e37"]);
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
    fn a_list_that_is_cut_already_tells_its_full_number() {
        let sources: Vec<String> = (0..50).map(|i| format!("10.{i}.0.0/16")).collect();
        let first = "sources: 10.0.0.0/16, 10.1.0.0/16, 10.2.0.0/16, 10.3.0.0/16, 10.4.0.0/16";
        assert_eq!(shown(json!({"sources": sources, "sourcePrefixes": 1074})), [format!("{first}, … 1,069 more")]);
        assert_eq!(shown(json!({"sources": sources})), [format!("{first}, … 45 more")]);
    }

    #[test]
    fn an_id_beside_its_name_and_what_was_not_read_stay_short() {
        let address = json!([{"name": "pip", "id": "/subscriptions/s/x/pip", "allocation": "dynamic"}]);
        assert_eq!(shown(json!({"publicAddresses": address})), ["publicAddresses: name=pip, allocation=dynamic"]);
        assert_eq!(shown(json!({"a": {"id": "/subscriptions/s/x"}})), ["a: id=/subscriptions/s/x"]);
        assert_eq!(shown(json!({"privateAddress": {"unread": "the address of `n`"}})), ["privateAddress: not read"]);
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
