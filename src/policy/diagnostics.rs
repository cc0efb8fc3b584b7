//! What is wrong with a policy file, where, and what was probably meant.

use std::fmt;

use crate::visible::visible;

/// A fault that keeps the policies from being used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoadError {
    /// The file or folder, as it was named; for a built-in policy its path in the project.
    pub path: String,
    /// Line and column, both counted from 1 (columns in characters); `None`: the fault is the file itself.
    pub position: Option<(usize, usize)>,
    /// What is wrong: a lower-case fragment.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&visible(&self.path))?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", visible(&self.message))?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "\nhint: {}", visible(hint)))
    }
}

impl std::error::Error for LoadError {}

/// A fault at a byte of a text, before it is known which file the text stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The byte at which it starts.
    pub(super) at: usize,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Fault {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<Option<String>>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// The candidate that was probably meant, as a hint.
pub(crate) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|near| format!("did you mean `{near}`?"))
}

/// The candidate that is most like the word, unless none is.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let scored = candidates.into_iter().map(|candidate| {
        let other = candidate.to_lowercase();
        let spelling = strsim::normalized_damerau_levenshtein(&lower, &other);
        // A long name that was cut short, or of which only the gist was remembered.
        let part = lower.len() >= 4 && (other.contains(&lower) || lower.contains(&other) && other.len() >= 4);
        (if part { spelling.max(0.6) } else { spelling }, candidate)
    });
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))?;
    (best.0 >= 0.55).then_some(best.1)
}

/// A list of words for a hint: `` `a`, `b`, `c` ``.
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// Line and column, both counted from 1, of a byte of a text; columns in characters.
pub(crate) fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_candidate_is_found_and_nonsense_finds_none() {
        let fields = ["layout", "layoutProblem", "name"];
        assert_eq!(nearest("layuot", fields), Some("layout"));
        assert_eq!(nearest("LAYOUT", fields), Some("layout"));
        assert_eq!(nearest("zzz", fields), None);
    }

    #[test]
    fn a_name_cannot_add_a_line_to_the_message() {
        let error = LoadError {
            path: "a\nerror: b.yaml".to_owned(),
            position: Some((1, 2)),
            message: "unknown key `c\nd`".to_owned(),
            hint: Some("did you mean `e\x1b[0m`?".to_owned()),
        };
        let shown = error.to_string();
        assert_eq!(shown, "a\\nerror: b.yaml:1:2: unknown key `c\\nd`\nhint: did you mean `e\\u{1b}[0m`?");
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(line_and_column("a\nünü", 2), (2, 1));
        assert_eq!(line_and_column("a\nünü", 5), (2, 3));
        assert_eq!(line_and_column("a", 99), (1, 2));
    }
}
