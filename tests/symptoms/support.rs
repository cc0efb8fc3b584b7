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

/// The lines of a file in testdata/symptoms but for its comments, with `\\n` for a line break and `\\\\` for `\\`.
pub fn lines(name: &str) -> Vec<String> {
    let path = format!("{}/testdata/symptoms/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let lines = text.lines().filter(|line| !line.starts_with("# "));
    lines.map(|line| line.replace("\\\\", "\0").replace("\\n", "\n").replace('\0', "\\")).collect()
}
