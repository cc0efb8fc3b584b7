//! Shared by the tests of the matcher.

use azaudit::symptoms::{Answer, find};

/// The answer in words: an id, several ids, or `-`.
pub fn answer(text: &str) -> String {
    match find(text).answer {
        Answer::One(id) => id,
        Answer::Several(ids) => ids.join(" "),
        Answer::None => "-".to_owned(),
    }
}

/// What a wrong answer looks like, with the scores behind it.
pub fn explained(text: &str) -> String {
    let scores: Vec<String> = find(text).matches.iter().map(|(id, score)| format!("{id} {score:.2}")).collect();
    format!("{text:?}: {} [{}]", answer(text), scores.join(", "))
}
