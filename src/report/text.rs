//! Text for people: what comes from data made safe for a terminal, and counted nouns.

use std::borrow::Cow;

/// The text with everything that a terminal obeys, hides or reorders written out: an escape character becomes
/// `\u{1b}`, a line break `\n`, a right-to-left override `\u{202e}`.
///
/// Every name, message and command that was made from data goes through here before a person sees it. Machine
/// formats keep the original.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(deceives) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if deceives(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// As [`visible`], but line breaks stay: for our own messages of several lines (an error and its hint).
pub fn visible_lines(text: &str) -> String {
    let lines: Vec<Cow<'_, str>> = text.split('\n').map(visible).collect();
    lines.join("\n")
}

/// Whether a character does something else than show itself: Unicode's control and format characters (Cc, Cf:
/// bidi marks and zero-width characters among them), line separators, fillers that look like nothing, tags.
fn deceives(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}'
        | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
        | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

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
    fn what_a_terminal_obeys_is_written_out() {
        assert_eq!(visible("\x1b[31mred\x1b[0m"), r"\u{1b}[31mred\u{1b}[0m");
        assert_eq!(visible("gw\r\nok\u{7f}\u{9b}2J"), r"gw\r\nok\u{7f}\u{9b}2J");
        assert_eq!(
            visible("a\u{202e}b\u{2066}c\u{200b}d\u{feff}e\u{e0041}"),
            r"a\u{202e}b\u{2066}c\u{200b}d\u{feff}e\u{e0041}"
        );
    }

    #[test]
    fn names_in_any_language_stay_as_they_are() {
        for name in ["contoso-hub", "Büro Zürich", "네트워크", "網路 (東京)", "émile 🙂", "شبكة"] {
            assert!(matches!(visible(name), Cow::Borrowed(same) if same == name), "{name}");
        }
    }

    #[test]
    fn own_line_breaks_stay_and_what_stands_in_the_lines_does_not() {
        assert_eq!(visible_lines("cannot read `a\tb`\nhint: \x07"), "cannot read `a\\tb`\nhint: \\u{7}");
    }

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
