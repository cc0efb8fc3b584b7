//! Commands that people paste: every word quoted, so that no resource name can break out of its argument.

use std::borrow::Cow;
use std::fmt::Write;

use super::schema::{Fact, Type, Value};
use crate::inventory::ResourceId;
use crate::visible::deceives;

/// A command line for a shell, ready to be pasted. It is one line.
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

/// An option with its value. One that starts with a hyphen would be taken for an option itself, so it stands behind `=`.
pub fn option<'a>(name: &'a str, value: &'a str) -> Vec<Cow<'a, str>> {
    match value.starts_with('-') {
        true => vec![Cow::Owned(format!("{name}={value}"))],
        false => vec![Cow::Borrowed(name), Cow::Borrowed(value)],
    }
}

/// `az COMMAND --subscription … --resource-group …`, those of the resource, with the arguments.
pub fn az(command: &str, id: &ResourceId, arguments: &[&str]) -> Command {
    let scope = ["--subscription", id.subscription(), "--resource-group", id.resource_group()];
    let words = ["az"].into_iter().chain(command.split(' ')).map(Cow::Borrowed);
    Command::new(words.chain(scope.iter().chain(arguments).map(|it| az_word(it))))
}

/// The argument as the commands of `az network` take it literally. Behind `@` az looks for a file and hands over what is
/// in it, `null` and `??` mean something, and quotes are az's own: within those a value is what it is, with `'/` for `'`.
pub fn az_word(word: &str) -> Cow<'_, str> {
    match word.starts_with(['@', '\'']) || ["null", "??"].contains(&word) {
        true => Cow::Owned(format!("'{}'", word.replace('\'', "'/"))),
        false => Cow::Borrowed(word),
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

/// The word as one argument of a shell, on one line and with nothing in it that hides.
///
/// It is unchanged where nothing in it is special, in single quotes (any POSIX shell) where something is, and in
/// `$'…'` (bash, zsh) where a character does not show itself: `$'a\ntouch\u202e'`. A NUL, which no argument can hold,
/// becomes U+FFFD: shells end the word at `\x00`, and the rest may be the name of another resource.
pub fn shell_quote(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    // zsh expands a word that starts with `=`.
    if !word.is_empty() && word.chars().all(plain) && !word.starts_with('=') {
        Cow::Borrowed(word)
    } else if word.contains(deceives) {
        Cow::Owned(ansi_c(word))
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
    }
}

/// ANSI-C quoting. Escapes have all the digits that they may have, so that the next character is never one of them.
fn ansi_c(word: &str) -> String {
    let mut out = String::from("$'");
    for c in word.chars() {
        let _ = match c {
            '\0' => write!(out, "\u{fffd}"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            '\'' | '\\' => write!(out, "\\{c}"),
            // An interactive shell looks for its history in some kinds of quotes.
            '!' => write!(out, "\\x21"),
            c if !deceives(c) => write!(out, "{c}"),
            c if c.is_ascii() => write!(out, "\\x{:02x}", u32::from(c)),
            c if u32::from(c) <= 0xffff => write!(out, "\\u{:04x}", u32::from(c)),
            c => write!(out, "\\U{:08x}", u32::from(c)),
        };
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::visible::visible;

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
    fn a_name_is_no_file_and_no_word_of_az() {
        let id = ResourceId::new("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/routeTables/rt");
        let named = |name| az("network route-table update", &id, &["--name", name]).as_str().to_owned();
        let expected = "az network route-table update --subscription s --resource-group rg --name ";
        assert_eq!(named("rt"), format!("{expected}rt"));
        assert_eq!(named("@/etc/passwd"), format!(r"{expected}''\''@/etc/passwd'\'''"));
        assert_eq!(named("null"), format!(r"{expected}''\''null'\'''"));
        assert_eq!(az_word("'it's"), "''/it'/s'");
    }

    #[test]
    fn a_value_is_never_taken_for_an_option() {
        assert_eq!(Command::new(option("--name", "-root")).as_str(), "--name=-root");
        assert_eq!(Command::new(option("--name", "--no-wait x")).as_str(), "'--name=--no-wait x'");
        assert_eq!(Command::new(option("--name", "root-1")).as_str(), "--name root-1");
    }

    #[test]
    fn plain_words_stay_plain_and_empty_ones_stay_words() {
        assert_eq!(shell_quote("Microsoft.Network/virtualNetworks"), "Microsoft.Network/virtualNetworks");
        assert_eq!(shell_quote(""), "''");
        assert_eq!(shell_quote("$(id)"), "'$(id)'");
        assert_eq!(shell_quote("a b"), "'a b'");
    }

    #[test]
    fn what_does_not_show_itself_is_written_out() {
        assert_eq!(shell_quote("a\ntouch\u{202e}"), r"$'a\ntouch\u202e'");
        assert_eq!(shell_quote("\x1b1\r\t\u{7f}"), r"$'\x1b1\r\t\x7f'");
        assert_eq!(shell_quote("\u{200b}'; rm\\!"), r"$'\u200b\'; rm\\\x21'");
        assert_eq!(shell_quote("\u{e0041}1 ü"), r"$'\U000e00411 ü'");
    }

    #[test]
    fn a_nul_does_not_cut_the_word_to_another_name() {
        assert_eq!(shell_quote("gw\0-old"), "$'gw\u{fffd}-old'");
    }

    #[test]
    fn words_in_any_language_are_quoted_as_ever() {
        assert_eq!(shell_quote("Büro"), "'Büro'");
        assert_eq!(shell_quote(r"a\n"), r"'a\n'");
    }

    /// What bash makes of the words; `None` where there is no bash that knows `\u`.
    fn as_bash_reads(words: &[String]) -> Option<Vec<u8>> {
        let quoted: Vec<_> = words.iter().map(|word| shell_quote(word)).collect();
        let script = format!("printf '%s\\0' {}", quoted.join(" "));
        let bash = |script: &str| {
            let output = std::process::Command::new("bash").env("LC_ALL", "C.UTF-8").args(["-c", script]).output();
            output.ok().map(|output| output.stdout)
        };
        (bash(r"printf %s $'\u202e'")? == "\u{202e}".as_bytes()).then(|| bash(&script))?
    }

    fn word() -> impl Strategy<Value = String> {
        let special = prop::sample::select(
            "'\"\\$`!{}*?~#=-;&|<> \n\r\t\x1b\x01\x7f\u{85}\u{200b}\u{202e}\u{feff}\u{e0041}1aFnxuU"
                .chars()
                .collect::<Vec<_>>(),
        );
        let character = prop_oneof![3 => special, 1 => any::<char>()].prop_filter("NUL", |c| *c != '\0');
        prop::collection::vec(character, 0..12).prop_map(String::from_iter)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn bash_reads_the_word_that_was_meant(words in prop::collection::vec(word(), 1..100)) {
            if let Some(read) = as_bash_reads(&words) {
                let meant: String = words.iter().map(|word| format!("{word}\0")).collect();
                prop_assert_eq!(String::from_utf8_lossy(&read), meant);
            }
        }

        #[test]
        fn a_quoted_word_is_one_line_that_hides_nothing(word in word()) {
            let quoted = shell_quote(&word).into_owned();
            prop_assert_eq!(visible(&quoted), quoted.as_str());
        }
    }
}
