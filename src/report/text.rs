//! Text for people: what comes from data made safe for a terminal, and counted nouns.

use std::borrow::Cow;

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

/// `1 finding`, `2 findings`, `1,000 subnets`: a number and its noun.
pub fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// `16,777,216`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
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
    fn numbers_and_nouns() {
        assert_eq!(counted(1, "finding"), "1 finding");
        assert_eq!(counted(0, "finding"), "0 findings");
        assert_eq!(counted(16_777_216, "subnet"), "16,777,216 subnets");
        assert_eq!(grouped(999), "999");
        assert_eq!(spaced("notApplicable"), "not applicable");
    }
}
