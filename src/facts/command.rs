//! Commands that people paste: every word quoted, so that no resource name can break out of its argument.

use std::borrow::Cow;

use super::schema::{Fact, Type, Value};

/// A command line for a POSIX shell, ready to be pasted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command(String);

impl Command {
    /// The command of these words.
    pub fn new<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> Self {
        let words: Vec<String> = words.into_iter().map(|word| shell_quote(word.as_ref()).into_owned()).collect();
        Self(words.join(" "))
    }

    /// This command, with its output handed to `next`.
    pub fn pipe(self, next: Self) -> Self {
        Self(format!("{} | {}", self.0, next.0))
    }

    /// This command, with its output written to that file.
    pub fn into_file(self, file: &str) -> Self {
        Self(format!("{} > {}", self.0, shell_quote(file)))
    }

    /// The command line.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Fact for Command {
    fn fact_type() -> Type {
        Type::Command
    }
    fn value(&self) -> Value<'_> {
        Value::String(Cow::Borrowed(&self.0))
    }
}

/// The word as one argument of a POSIX shell: unchanged where nothing in it is special, else in single quotes.
pub fn shell_quote(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    // zsh expands a word that starts with `=`.
    if !word.is_empty() && word.chars().all(plain) && !word.starts_with('=') {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_out_of_its_argument() {
        let command = Command::new(["az", "--name", "x'; rm -rf ~; '"]);
        assert_eq!(command.as_str(), r"az --name 'x'\''; rm -rf ~; '\'''");
    }

    #[test]
    fn only_pipes_and_files_stand_between_words() {
        let command = Command::new(["printf", "a|b"]).pipe(Command::new(["base64", "-d"])).into_file("a; b");
        assert_eq!(command.as_str(), "printf 'a|b' | base64 -d > 'a; b'");
    }

    #[test]
    fn plain_words_stay_plain_and_empty_ones_stay_words() {
        assert_eq!(shell_quote("Microsoft.Network/virtualNetworks"), "Microsoft.Network/virtualNetworks");
        assert_eq!(shell_quote(""), "''");
        assert_eq!(shell_quote("$(id)"), "'$(id)'");
        assert_eq!(shell_quote("a b"), "'a b'");
    }
}
