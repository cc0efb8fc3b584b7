//! What comes from data, made safe to look at. All modules may use this one, since names and paths stand in all their
//! messages.

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
pub fn deceives(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}'
        | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
        | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
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
}
