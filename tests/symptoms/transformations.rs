//! Every message and every heading in each language, as it is and after each change.

use std::collections::BTreeMap;

use azaudit::symptoms::{Answer, Catalogue, Language, Match, find};

use crate::support::explained;

#[derive(Default)]
struct Tally {
    texts: usize,
    first: usize,
    one: usize,
    failures: Vec<String>,
}

struct Text {
    id: String,
    language: Language,
    text: String,
}

fn texts() -> Vec<Text> {
    let mut all = Vec::new();
    for symptom in Catalogue::builtin().symptoms() {
        for texts in [&symptom.messages, &symptom.headings] {
            for (language, list) in texts.iter() {
                all.extend(list.iter().map(|text| Text { id: symptom.id.clone(), language, text: text.clone() }));
            }
        }
    }
    all
}

#[test]
fn explore() {
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut check = |name: &'static str, id: &str, text: &str| {
        let Match { answer, matches } = find(text);
        let t = tallies.entry(name).or_default();
        t.texts += 1;
        let first = matches.first().is_some_and(|(best, _)| best == id);
        t.first += usize::from(first);
        let one = answer == Answer::One(id.to_owned());
        t.one += usize::from(one);
        if !one {
            t.failures.push(format!("{}{id}: {}", if first { "  " } else { "! " }, explained(text)));
        }
    };
    for Text { id, language, text } in texts() {
        check("as is", &id, &text);
        check("upper", &id, &text.to_uppercase());
        check("wrapped", &id, &wrapped(&text));
        check("chat", &id, &format!("hi, my VPN says: {text} please help"));
        let bare = strip(&text);
        check("no code", &id, &bare);
        let words: Vec<&str> = bare.split(' ').collect();
        if !matches!(language, Language::Chinese | Language::Japanese) && words.len() > 2 {
            for i in 0..words.len() {
                let mut w = words.clone();
                w.remove(i);
                check("word", &id, &w.join(" "));
            }
        }
        let chars: Vec<char> = bare.chars().collect();
        check("first half", &id, &chars[..chars.len() / 2].iter().collect::<String>());
        check("last half", &id, &chars[chars.len() / 2..].iter().collect::<String>());
    }
    for (name, t) in tallies {
        println!("== {name}: {} texts, {} first, {} one", t.texts, t.first, t.one);
        for f in t.failures {
            println!("   {f}");
        }
    }
}

fn strip(text: &str) -> String {
    let mut out = text.to_owned();
    for symptom in Catalogue::builtin().symptoms() {
        for code in &symptom.codes {
            if code.len() > 2 {
                out = out.replace(code.as_str(), "");
            }
        }
    }
    out
}

fn wrapped(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(40).map(|line| line.iter().collect::<String>()).collect::<Vec<_>>().join("\n")
}
