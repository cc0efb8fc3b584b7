//! Text for people: what comes from data made safe for a terminal, and counted nouns.

use std::borrow::Cow;

pub use crate::count::{counted, grouped};
pub use crate::visible::{visible, visible_lines};

/// The text, or its beginning and how much was left out: for cells that a name of 10,000 characters would flood.
pub fn shortened(text: &str, longest: usize) -> Cow<'_, str> {
    match text.char_indices().nth(longest) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let rest = text[end..].chars().count() as u64;
            Cow::Owned(format!("{}… ({} more)", &text[..end], counted(rest, "character")))
        }
    }
}

/// `rootCertificate` as people write it: `root certificate`.
pub fn spaced(word: &str) -> String {
    let mut out = String::with_capacity(word.len() + 4);
    for c in word.chars() {
        if c.is_ascii_uppercase() {
            out.push(' ');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_says_how_much_is_left_out() {
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöüß", 3), "äöü… (1 character more)");
    }

    #[test]
    fn words_of_the_contract_as_people_write_them() {
        assert_eq!(spaced("notApplicable"), "not applicable");
    }
}
