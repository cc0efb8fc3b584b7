//! Folded texts, cut into words, numbers, runs of Chinese or Japanese, and marks.

use super::fold::{Char, Lines, fold};
use super::vocabulary::Words;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Letters of an alphabet.
    Word,
    /// ASCII digits.
    Number,
    /// Letters and digits without anything between them, such as `0x80090326`, `p2s` or `err798`.
    Mixed,
    /// Han and kana, across the spaces between them: neither language needs any.
    Cjk,
    /// One character of another kind.
    Mark,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
    /// White space stands before it.
    pub(super) spaced: bool,
    /// An upper-case letter follows a lower-case one, or all of two and more letters are upper-case ones: how names are
    /// written.
    pub(super) name: bool,
}

impl Token {
    pub(super) fn is_mark(&self, marks: &str) -> bool {
        self.kind == Kind::Mark && self.text.chars().all(|c| marks.contains(c))
    }

    /// Is one of those words, or holds one that is Chinese or Japanese.
    pub(super) fn is_of(&self, words: &Words) -> bool {
        match self.kind {
            Kind::Word | Kind::Mixed => words.has(&self.text),
            Kind::Cjk => words.within(&self.text),
            Kind::Number | Kind::Mark => false,
        }
    }

    /// Holds digits, letters or both, and no Chinese or Japanese.
    pub(super) fn is_latin(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::Number | Kind::Mixed)
    }
}

/// Cuts a text into tokens.
pub(super) fn tokens(text: &str, lines: Lines) -> Vec<Token> {
    let chars = fold(text, lines);
    // Where all is upper case, upper case says nothing.
    let has_lower = chars.iter().any(|c| !c.upper && c.c.is_lowercase());
    let mut tokens: Vec<Token> = Vec::new();
    let mut spaced = true;
    let mut i = 0;
    while i < chars.len() {
        let c = chars[i].c;
        if c.is_whitespace() {
            spaced = true;
            i += 1;
            continue;
        }
        let end = end_of_run(&chars, i);
        let run = &chars[i..end];
        let text = run.iter().map(|c| c.c).filter(|c| !c.is_whitespace()).collect();
        let name = has_lower && is_name(run);
        tokens.push(Token { kind: kind_of(run), text, spaced, name });
        spaced = false;
        i = end;
    }
    tokens
}

pub(super) fn is_cjk(c: char) -> bool {
    matches!(c, '々' | '〆' | '\u{3041}'..='\u{30fa}' | 'ー' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn is_latin(c: char) -> bool {
    c.is_alphanumeric() && !is_cjk(c)
}

/// Where the run that starts at `i` ends. A run of Chinese or Japanese goes on after white space.
fn end_of_run(chars: &[Char], i: usize) -> usize {
    let mut end = i + 1;
    if is_latin(chars[i].c) {
        while chars.get(end).is_some_and(|c| is_latin(c.c)) {
            end += 1;
        }
    } else if is_cjk(chars[i].c) {
        let mut next = end;
        while let Some(c) = chars.get(next) {
            next += 1;
            if is_cjk(c.c) {
                end = next;
            } else if !c.c.is_whitespace() {
                break;
            }
        }
    }
    end
}

fn kind_of(run: &[Char]) -> Kind {
    if is_cjk(run[0].c) {
        Kind::Cjk
    } else if !is_latin(run[0].c) {
        Kind::Mark
    } else if run.iter().all(|c| c.c.is_ascii_digit()) {
        Kind::Number
    } else if run.iter().any(|c| c.c.is_ascii_digit()) {
        Kind::Mixed
    } else {
        Kind::Word
    }
}

fn is_name(run: &[Char]) -> bool {
    run.windows(2).any(|pair| pair[0].c.is_lowercase() && !pair[0].upper && pair[1].upper)
        || run.len() >= 2 && run.iter().all(|c| c.upper || c.c.is_ascii_digit()) && run.iter().any(|c| c.upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_where_the_script_changes() {
        let cut = |text: &str| -> Vec<String> {
            tokens(text, Lines::Spaces).into_iter().map(|t| format!("{:?} {}", t.kind, t.text)).collect()
        };
        assert_eq!(cut("错误798: VPN"), ["Cjk 错误", "Number 798", "Mark :", "Word vpn"]);
        assert_eq!(cut("Err798 0x8009"), ["Mixed err798", "Mixed 0x8009"]);
        assert_eq!(cut("找\n不 到。"), ["Cjk 找不到", "Mark 。"]);
    }

    #[test]
    fn names_are_told_by_their_capitals() {
        let names = |text: &str| -> Vec<bool> { tokens(text, Lines::Spaces).iter().map(|t| t.name).collect() };
        assert_eq!(names("GroupPolicy DHCP Error x"), [true, true, false, false]);
        assert_eq!(names("GROUPPOLICY DHCP"), [false, false]);
    }
}
