//! Values in JSON, whose types nobody declared.

use serde_json::json;

use super::*;
use crate::facts::schema::{Known, Record, Unread, Value, facts};

facts! {
    /// A sample.
    pub struct Sample {
        /// Some JSON.
        pub p: Known<serde_json::Value>,
        /// JSON that is absent.
        pub nothing: serde_json::Value,
        /// JSON that was not read.
        pub unread: Known<serde_json::Value>,
        /// A declared fact.
        pub number: i64,
    }
}

fn compiled(source: &str) -> Result<Compiled, Vec<super::super::diagnostics::Fault>> {
    compile(source, Scope { roots: &[("r", Sample::describe())], params: &[], present: &[] })
}

/// `T`, `F`, what is missing, an error, or the value.
fn run(source: &str) -> String {
    let compiled = compiled(source).unwrap_or_else(|faults| panic!("{source}: {faults:?}"));
    let json = json!({
        "on": true, "off": false, "nil": null, "n": 3, "half": 0.5, "text": "TLS1_2", "Case": "x",
        "list": [{"v": 1}, {"v": 2}, {"w": 3}], "words": ["a", "b"], "holes": [1, null],
        "tags": {"cost center": "42", "owner": "me"}, "deep": {"deeper": {"deepest": true}},
    });
    let sample = Sample {
        p: Ok(json),
        nothing: serde_json::Value::Null,
        unread: Err(Unread::new("the properties", "read them")),
        number: 3,
    };
    let roots: [&dyn Record; 1] = [&sample];
    let mut frame = Frame::new(&roots, &[]);
    match compiled.code.eval(&mut frame) {
        Ok(Value::Bool(true)) => "T".into(),
        Ok(Value::Bool(false)) => "F".into(),
        Ok(value) => value.to_json().to_string(),
        Err(Stop::Unread(unread)) => format!("missing {}", unread.what),
        Err(Stop::Error(error)) => format!("error: {error}"),
    }
}

fn fault(source: &str) -> String {
    let faults = compiled(source).err().unwrap_or_else(|| panic!("{source} is accepted"));
    let hint = faults[0].hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("{}{hint}", faults[0].message)
}

#[test]
fn values_are_compared_as_what_they_are() {
    for (source, expected) in [
        ("r.p.on", "T"),
        ("r.p.off", "F"),
        ("r.p.n == 3", "T"),
        ("r.p.n == r.number", "T"),
        ("r.p.n < 2", "F"),
        ("r.p.half < 1", "T"),
        ("r.p.text == 'TLS1_2'", "T"),
        ("r.p.text.lowerAscii() == 'tls1_2'", "T"),
        ("r.p.text in ['TLS1_2', 'TLS1_3']", "T"),
        ("r.p.words == ['a', 'b']", "T"),
        ("r.p.words.size() == 2", "T"),
        ("r.p.case == 'x'", "T"),
        ("r.p.deep.deeper.deepest", "T"),
        ("r.p.n + 1 == 4", "T"),
        ("!r.p.off && r.p.on", "T"),
    ] {
        assert_eq!(run(source), expected, "{source}");
    }
}

#[test]
fn what_is_absent_or_null_is_missing_unless_it_was_asked_for() {
    for (source, expected) in [
        ("r.p.other == 1", "missing `r.p.other`"),
        ("r.p.nil == 1", "missing `r.p.nil`"),
        ("r.p.other != 1", "missing `r.p.other`"),
        ("r.p.other.deeper", "missing `r.p.other`"),
        ("r.nothing.x", "missing `r.nothing`"),
        ("has(r.p.other)", "F"),
        ("has(r.p.nil)", "F"),
        ("has(r.p.on)", "T"),
        ("has(r.p.other.deeper.deepest)", "F"),
        ("has(r.p.deep.deeper.deepest)", "T"),
        ("has(r.nothing)", "F"),
        ("has(r.nothing.x)", "F"),
        ("has(r.p.other) && r.p.other == 1", "F"),
        ("!has(r.p.other) || r.p.other == 1", "T"),
        ("r.p.on || r.p.other", "T"),
        ("r.p.off && r.p.other", "F"),
    ] {
        assert_eq!(run(source), expected, "{source}");
    }
}

#[test]
fn asking_does_not_hide_that_nothing_was_read() {
    for source in ["r.unread.x == 1", "has(r.unread.x)", "has(r.unread.x.y)", "has(r.unread)", "'x' in r.unread"] {
        assert_eq!(run(source), "missing the properties", "{source}");
    }
}

#[test]
fn lists_and_objects_are_walked_over() {
    for (source, expected) in [
        ("r.p.list.exists(x, has(x.w) && x.w == 3)", "T"),
        ("r.p.list.all(x, x.v > 0)", "missing `r.p.list[].v`"),
        ("r.p.list.all(x, !has(x.v) || x.v > 0)", "T"),
        ("r.p.list.filter(x, has(x.v)).map(x, x.v)", "[1,2]"),
        ("r.p.list[0].v == 1", "T"),
        ("r.p.tags.exists(name, name == 'owner')", "T"),
        ("r.p.tags.all(name, r.p.tags[name] != '')", "T"),
        ("r.p.tags['cost center'] == '42'", "T"),
        ("r.p.tags['cost'] == '42'", "missing `r.p.tags[\"cost\"]`"),
        ("'owner' in r.p.tags && !('cost' in r.p.tags)", "T"),
        ("r.p.tags.size()", "2"),
        ("r.p.deep", r#"{"deeper":{"deepest":true}}"#),
    ] {
        assert_eq!(run(source), expected, "{source}");
    }
}

#[test]
fn a_value_of_another_type_is_an_error_and_no_verdict() {
    for (source, expected) in [
        ("r.p.text == 1", "error: a string is compared with a number"),
        ("r.p.text < 1", "error: a string is compared with a number"),
        ("r.p.n && true", "error: a number stands where something else belongs"),
        ("r.p.text.deeper == 1", "error: `r.p.text` is a string and has no member `deeper`"),
        ("has(r.p.text.deeper)", "error: `r.p.text` is a string and has no member `deeper`"),
        ("r.p.on.all(x, x)", "error: a bool stands where something else belongs"),
        ("r.p.holes.all(x, x > 0)", "error: null is compared with a number"),
        ("r.p.list[7].v == 1", "error: the list has no element 7"),
    ] {
        assert_eq!(run(source), expected, "{source}");
    }
}

#[test]
fn null_is_asked_for_with_has() {
    assert_eq!(
        fault("r.p.nil == null"),
        "`r.p.nil` is never null (what JSON leaves out and what is null in it are the same: ask `has(r.p.nil)`)"
    );
    assert_eq!(fault("r.q.x"), "unknown field `r.q` (it has `p`, `nothing`, `unread`, `number`)");
}

#[test]
fn the_facts_that_are_read_are_named_by_where_they_stand() {
    let reads =
        compiled("r.number == 1 || r.p.list.exists(x, x.v > 0) || r.p.tags['a b'] == r.p.words[0]").unwrap().reads;
    let mut facts: Vec<_> = reads.iter().map(|read| format!("{}: {}", read.fact, read.ty)).collect();
    facts.dedup();
    assert_eq!(
        facts,
        [
            "r.number: int",
            "r.p: json, may be unread",
            "r.p.list: json",
            "r.p.list[].v: json",
            "r.p: json, may be unread",
            "r.p.tags: json",
            "r.p.tags[\"a b\"]: json",
            "r.p: json, may be unread",
            "r.p.words: json",
        ]
    );
    assert_eq!(reads[0].doc, "A declared fact.");
}
