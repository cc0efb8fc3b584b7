//! Phrases of people, from testdata/symptoms.

use azaudit::symptoms::{Answer, find};

use crate::support::{answer, explained, lines};

/// Whether the answer to a text is the expected one, as phrases.txt writes it.
fn is_expected(expected: &str, text: &str) -> bool {
    let given = answer(text);
    let sorted = |ids: &str| {
        let mut ids: Vec<String> = ids.split(' ').map(str::to_owned).collect();
        ids.sort();
        ids
    };
    match expected.strip_prefix('~') {
        Some(id) => given.split(' ').any(|other| other == id),
        None if expected == "?" => !matches!(find(text).answer, Answer::One(_)),
        None => sorted(&given) == sorted(expected),
    }
}

#[test]
fn texts_about_something_else_have_no_symptom() {
    let texts = lines("none.txt");
    assert!(texts.len() > 90);
    let wrong: Vec<String> = texts.iter().filter(|text| answer(text) != "-").map(|text| explained(text)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_people_write_leads_to_its_symptom() {
    let texts = lines("phrases.txt");
    let mut wrong = Vec::new();
    for line in &texts {
        let (expected, text) = line.split_once(" | ").expect("an answer, ` | ` and a text");
        let (is_known, expected) = expected.strip_prefix('!').map_or((false, expected), |rest| (true, rest));
        if is_expected(expected, text) == is_known {
            wrong.push(format!("{}{expected} <- {}", if is_known { "right by now: " } else { "" }, explained(text)));
        }
    }
    assert!(texts.len() >= 150);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
